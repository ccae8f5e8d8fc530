"""commit and export of a container that runs, with and without a user namespace."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Machine

from mydocker.kernel import tasks

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


# Writes the same number first into /a, then into /z; what is packed between them takes its time.
COUNTER = "dd if=/dev/urandom of=/m bs=1M count=40; i=0; while :; do i=$((i+1)); echo $i > /t; mv /t /a; echo $i > /t; mv /t /z; done"


@pytest.fixture
def counting(mydocker: Machine) -> Iterator[str]:
    """Start container `one`, which counts in two files; return its id."""
    assert mydocker("run", "-d", "--name", "one", "--network", "none", "busybox", "sh", "-c", COUNTER).rc == 0
    mydocker.wait_until(lambda: mydocker("exec", "one", "cat", "/z").rc == 0)
    yield str(mydocker.record("one")["id"])
    mydocker("rm", "-f", "one")
    mydocker("rmi", "moment")


def test_commit_is_of_one_moment(counting: str, mydocker: Machine) -> None:
    assert mydocker("commit", "one", "moment").rc == 0
    first, second = map(int, mydocker("run", "--rm", "--network", "none", "moment", "cat", "/a", "/z").stdout.split())
    assert first - 1 <= second <= first
    before = mydocker("exec", "one", "cat", "/z").stdout
    mydocker.wait_until(lambda: mydocker("exec", "one", "cat", "/z").stdout != before)
    told = mydocker(
        "events", "--since", "1h", "--until", "0s", "--filter", f"container={counting}", "--format", "{{.Action}}"
    ).stdout.split("\n")
    assert [action for action in told if action in ("pause", "unpause", "commit")] == ["pause", "unpause", "commit"]


def test_commit_without_a_pause_leaves_the_container_alone(counting: str, mydocker: Machine) -> None:
    assert mydocker("commit", "--pause=false", "one", "moment").rc == 0
    told = mydocker("events", "--since", "1h", "--until", "0s", "--filter", f"container={counting}").stdout
    assert "commit" in told and "pause" not in told


def test_a_killed_commit_leaves_no_frozen_container(counting: str, mydocker: Machine) -> None:
    assert mydocker("commit", "one", "moment", env={"MYDOCKER_CRASH_AFTER": "cli:1"}).rc != 0
    mydocker.wait_until(lambda: mydocker("ps", "--format", "{{.State}}").stdout == "running\n")
    assert mydocker("exec", "one", "true").rc == 0


def test_commit_of_a_paused_container_leaves_it_paused(counting: str, mydocker: Machine) -> None:
    assert mydocker("pause", "one").rc == 0
    assert mydocker("commit", "one", "moment").rc == 0
    assert mydocker("ps", "--format", "{{.State}}").stdout == "paused\n"
    assert mydocker("unpause", "one").rc == 0


def test_a_killed_export_leaves_no_process(mydocker: Machine) -> None:
    mydocker("create", "--name", "box", "busybox")
    environment = {**os.environ, **mydocker.environment}
    with subprocess.Popen([mydocker.command, "export", "box"], env=environment, stdout=subprocess.PIPE) as client:
        children = Path(f"/proc/{client.pid}/task/{client.pid}/children")
        child = int(mydocker.wait_until(children.read_text))
        # Nobody reads the tar: both wait until they can write more.
        mydocker.wait_until(lambda: all("pipe" in Path(f"/proc/{pid}/wchan").read_text() for pid in (client.pid, child)))
        client.kill()
        client.wait()
    try:
        mydocker.wait_until(lambda: tasks.is_ending(child))
    finally:
        mydocker.sh(f"kill -9 {child}")
        mydocker("rm", "box")


LINKS = """FROM busybox
RUN echo old > /a && ln /a /b
RUN echo new > /a
RUN cat /a /b > /seen
"""
# Overlay copies one name of a file up, and the other one keeps the old file (docs/differences.md).
OTHER_NAME = {"overlay": "old", "aufs": "new", "vfs": "new"}


@pytest.mark.kernel
@pytest.mark.storage
def test_hard_links_from_one_layer_to_the_next(mydocker: Machine, driver: str) -> None:
    mydocker.environment["MYDOCKER_STORAGE_DRIVER"] = driver
    assert mydocker.sh(f"mkdir links; cat > links/Dockerfile <<'END'\n{LINKS}END\n{{mydocker}} build -q --no-cache -t links links").rc == 0
    assert mydocker("run", "--rm", "links", "cat", "/seen").stdout.split() == ["new", OTHER_NAME[driver]]
    script = "[ -e /c ] || { echo third > /a; ln /a /c; ln /bin/busybox /box; }; echo ready; exec sleep 1000"
    mydocker("run", "-d", "--name", "one", "links", "sh", "-c", script)
    mydocker.wait_until(lambda: "ready" in mydocker("logs", "one").stdout)
    looking = "cat /a /b /c; [ /a -ef /c ] && [ /box -ef /bin/busybox ] && echo linked"
    expected = ["third", "third" if driver != "overlay" else "old", "third", "linked"]
    assert mydocker("exec", "one", "sh", "-c", looking).stdout.split() == expected
    assert mydocker("commit", "one", "links:2").rc == 0
    assert mydocker("run", "--rm", "links:2", "sh", "-c", looking).stdout.split() == expected
    mydocker("restart", "-t", "0", "one")
    assert mydocker("exec", "one", "sh", "-c", looking).stdout.split() == expected
    if driver == "aufs":
        mydocker("stop", "-t", "0", "one")
        assert mydocker.sh("ls root/containers/*/rw/.wh..wh.plnk").stdout == ""
    mydocker("rm", "-f", "one")
    mydocker("rmi", "links", "links:2")
    mydocker("image", "prune", "-f")
    mydocker("builder", "prune", "-f")
