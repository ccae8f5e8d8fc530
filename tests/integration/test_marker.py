"""/.dockerenv: programs find out by it that they are in a container, and it goes into no image."""

from __future__ import annotations

import pytest
from conftest import Machine

LOOK = "stat -c '%A %u:%g %s' /.dockerenv"
SEEN = "-rwxr-xr-x 0:0 0\n"


@pytest.mark.storage
@pytest.mark.parametrize("isolation", ["host", "userns"])
def test_it_is_there_and_is_the_containers_to_remove(
    request: pytest.FixtureRequest, mydocker: Machine, driver: str, isolation: str
) -> None:
    flags = ["--storage-driver", driver, *(request.getfixturevalue("userns") if isolation == "userns" else [])]
    assert mydocker("run", "--name", "one", *flags, "busybox", "sh", "-c", f"{LOOK}; rm /.dockerenv; echo > /mine").stdout == SEEN
    assert mydocker("diff", "one").stdout.splitlines() == ["A /mine"]
    assert mydocker("start", "-a", "one").rc == 0
    mydocker("rm", "one")


@pytest.mark.storage
def test_no_image_of_the_container_has_it(mydocker: Machine, driver: str) -> None:
    mydocker("run", "--name", "one", "--storage-driver", driver, "busybox", "touch", "/mine")
    assert mydocker("diff", "one").stdout == "A /mine\n"
    assert mydocker("commit", "one", "committed").rc == 0
    mydocker.sh("mkdir ctx; printf 'FROM busybox AS one\nRUN test -e /.docker?nv && touch /built\n' > ctx/Dockerfile")
    assert mydocker("build", "-q", "-t", "built", "ctx").rc == 0
    for image, file in (("committed", "mine"), ("built", "built")):
        names = mydocker.sh(
            f"{{mydocker}} save {image} | tar -xO --wildcards '*/sha256/*' | grep -aoE '{file}|\\.dockerenv' | sort -u"
        ).stdout
        assert names.split() == [file], image
    mydocker.sh("printf 'FROM scratch\nCOPY --from=one / /\n' >> ctx/Dockerfile")
    copied = mydocker.sh("{mydocker} build -q -o - ctx | tar -t").stdout.split()
    assert "built" in copied and ".dockerenv" not in copied
    mydocker("rm", "one")
    mydocker("rmi", "committed", "built")
    mydocker("builder", "prune", "-af")


def test_an_image_that_has_one_keeps_it(mydocker: Machine, driver: str) -> None:
    """It may be anything, such as a symlink that leads out of what is ours."""
    mydocker.sh("mkdir ctx; printf 'FROM busybox\nADD x.tar /\n' > ctx/Dockerfile; ln -s /escaped .dockerenv; tar -cf ctx/x.tar .dockerenv")
    assert mydocker("build", "-q", "-t", "odd", "ctx").rc == 0
    assert mydocker("run", "--rm", "--storage-driver", driver, "odd", "ls", "-d", "/bin").rc == 0
    assert mydocker.sh("ls /escaped").rc != 0
    mydocker("rmi", "odd")
    mydocker("builder", "prune", "-af")


def test_what_was_copied_there_before_the_first_start_stays(mydocker: Machine, driver: str) -> None:
    mydocker("create", "--name", "one", "--storage-driver", driver, "busybox", "readlink", "/.dockerenv")
    assert mydocker.sh("ln -s /elsewhere .dockerenv && {mydocker} cp .dockerenv one:/ && rm .dockerenv").rc == 0
    assert mydocker("start", "-a", "one").stdout == "/elsewhere\n"
    mydocker("rm", "one")
