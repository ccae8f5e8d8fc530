"""commit and export of a container that runs, with and without a user namespace."""

from collections.abc import Iterator

import pytest
from conftest import Machine

PROGRAM = "touch /mine /other; chown 5:6 /other; echo x > /volume/file; ln -s / /escape; sleep 60"


def owners(listing: str) -> dict[str, str]:
    """Return {path: 'uid/gid'} of tar's verbose listing."""
    return {line.split()[5]: line.split()[1] for line in listing.splitlines()}


@pytest.fixture(params=["host", "userns"])
def exported(request: pytest.FixtureRequest, mydocker: Machine) -> Iterator[dict[str, str]]:
    """Start container `one`, and return what its export holds when its program has made its files."""
    flags = request.getfixturevalue("userns") if request.param == "userns" else []
    assert mydocker("run", "-d", "--name", "one", "-v", "/volume", *flags, "busybox", "sh", "-c", PROGRAM).rc == 0
    export = "{mydocker} export one | tar --numeric-owner -tvf -"
    mydocker.wait_until(lambda: "escape" in mydocker.sh(export).stdout)
    yield owners(mydocker.sh(export).stdout)
    mydocker("rm", "-f", "-v", "one")


def test_export_has_the_containers_owners_and_no_volume(exported: dict[str, str]) -> None:
    assert (exported["mine"], exported["other"], exported["bin/busybox"]) == ("0/0", "5/6", "0/0")
    assert "volume/file" not in exported
    assert not any(name.startswith("escape/") for name in exported)


@pytest.mark.kernel
@pytest.mark.storage
def test_commit_of_a_running_container_can_be_run(exported: dict[str, str], mydocker: Machine) -> None:
    assert mydocker("commit", "-c", "ENV A=b", "one", "committed").stdout.startswith("sha256:")
    result = mydocker("run", "--rm", "committed", "sh", "-c", "stat -c %u:%g /mine /other; echo $A; ls -d /volume/file")
    assert result.stdout == "0:0\n5:6\nb\n"
    assert mydocker("rmi", "committed").rc == 0


def test_an_image_in_use_wants_force(exported: dict[str, str], mydocker: Machine) -> None:
    assert mydocker("tag", "busybox", "again").rc == 0
    assert mydocker("rmi", "again").stdout == "Untagged: again:latest\n"
    refused = mydocker("rmi", "busybox")
    assert (refused.rc, refused.stderr.startswith("mydocker: cannot remove busybox:latest without force: container ")) == (1, True)
