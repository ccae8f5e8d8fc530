"""The disk that ROOT is on is full: what ends is known, what is refused leaves nothing, and rm makes room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import IMPORT_BUSYBOX, Machine

# The image takes 3 of them.
MEGABYTES = 6
QUOTA = """
truncate -s 200M small.img && mkfs.btrfs -q small.img && mount small.img small
btrfs quota enable small && btrfs qgroup limit {size}M small
"""


def mount(mydocker: Machine, kind: str) -> None:
    """Mount a file system on `small` that has as much room as is wanted, or of which this user may have as much."""
    mydocker.sh("mkdir small")
    if kind == "full":
        mydocker.sh(f"mount -t tmpfs -o size={MEGABYTES}m none small")
    elif (made := mydocker.sh(QUOTA.replace("{size}", str(2 * MEGABYTES)))).rc != 0:
        pytest.skip(f"no quota of btrfs: {made.stderr}")


@pytest.fixture
def small(mydocker: Machine, program: str, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """The command with a ROOT that has an image and some room."""
    machine = Machine(mydocker.host, program, f"{mydocker.directory}/small")
    mount(mydocker, getattr(request, "param", "full"))
    machine.environment["MYDOCKER_STATE"] = f"{mydocker.directory}/small-state"
    try:
        assert machine.sh(IMPORT_BUSYBOX).rc == 0
        assert machine("run", "--rm", "--network", "none", "busybox", "true").rc == 0
        yield machine
    finally:
        mydocker.sh("umount small; rm -rf small small-state")


def fill(small: Machine, leaving: int) -> None:
    """Leave so many kilobytes."""
    small.sh(f"dd if=/dev/zero of=filler bs=1k count=$(($(df --output=avail . | tail -1) - {leaving}))")


def temporaries(small: Machine) -> str:
    return small.sh("find root -name '*.tmp' -o -name '*.partial'").stdout


FULL = {"full": "No space left on device", "quota": "Disk quota exceeded"}


@pytest.mark.parametrize(("small", "reason"), FULL.items(), indirect=["small"])
def test_the_end_of_what_fills_the_disk_is_known(small: Machine, storage: str, reason: str) -> None:
    if storage == "vfs" and reason != FULL["full"]:
        pytest.skip("the container's copy of the image alone takes the quota")
    result = small("run", "--name", "f1", "--network", "none", "busybox", "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=20")
    assert result.rc == 1
    told = [line for line in result.stderr.splitlines() if line.startswith("mydocker:")]
    # What dd said of the full disk is in the log, unless that has no room either, and then the user is told.
    lost = f"mydocker: monitor: log entries were lost: {reason}"
    assert lost in told or reason in small("logs", "f1").stderr
    # btrfs has no room that could be put by for the record, and that is told.
    is_known = not set(told) - {lost}
    assert is_known or reason != FULL["full"], told
    assert is_known or [line for line in told if "not cleaned up" in line and "config.json" in line and line.endswith(reason)], told
    for _ in range(2 if is_known else 0):
        assert "Exited (1)" in small("ps", "-a").stdout
        assert small("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "f1").stdout == "exited 1\n"
        assert small("start", "-a", "f1").rc == 1
    if not is_known:
        assert "Exited (unknown)" in small("ps", "-a").stdout
        assert small("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "f1").stdout == "exited 255\n"
    for verb in (["create", "--name", "f2", "busybox"], ["volume", "create", "vv"], ["rename", "f1", "f3"], ["tag", "busybox", "b2"]):
        refused = small(*verb)
        assert refused.rc != 0
        assert refused.stderr.count("\n") == 1
        assert reason in refused.stderr
    assert temporaries(small) == ""
    assert small("system", "check").stdout == ""
    removed = small("rm", "f1")
    assert (removed.rc, removed.stderr) == (0, "")
    assert small("run", "--rm", "--network", "none", "busybox", "true").rc == 0


@pytest.mark.parametrize("leaving", [0, 4, 8, 12, 20, 32, 36, 60])
def test_a_disk_that_is_nearly_full(small: Machine, leaving: int) -> None:
    """Whichever part of a start has no room, all of it goes again; one that had room is whole."""
    fill(small, leaving)
    result = small("run", "--name", "late", "--network", "none", "-v", "/anonymous", "busybox", "true")
    assert result.rc in (0, 125)
    assert result.stderr.count("\n") <= 1
    assert "No space left" in result.stderr or result.rc == 0
    # What fails at the start, as a copy of the image does, leaves the container, as with docker: it can be started once there is room.
    left = small("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout
    assert (left == "late exited\n") if result.rc == 0 else left in ("", "late created\n")
    assert temporaries(small) == ""
    assert small("system", "check").stdout == ""
    if result.rc == 0:
        assert "Exited (0)" in small("ps", "-a").stdout
    elif left:
        small.sh("rm filler")
        assert small("start", "-a", "late").rc == 0
    if left:
        assert small("rm", "-v", "late").rc == 0
    assert small.sh("ls root/containers root/volumes root/names | grep -v :").stdout.split() == []


def test_what_nobody_finishes_is_listed_as_dead(mydocker: Machine) -> None:
    mydocker("create", "--name", "half", "busybox", env={"MYDOCKER_CRASH_AFTER": "cli:11"})
    assert mydocker("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}").stdout == "half dead Dead\n"
    assert mydocker("inspect", "-f", "{{.State.Status}} {{.State.Dead}}", "half").stdout == "dead true\n"
    assert mydocker("rm", "half").rc == 0
    assert mydocker("system", "check").stdout == ""
