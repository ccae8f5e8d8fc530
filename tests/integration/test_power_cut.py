"""A power cut just after a command has answered: what it made is whole afterwards.

ROOT is on ext4 in a file. What a copy of that file holds is what has been written to the disk; to mount the copy reads the journal, as
the boot after a power cut does. So each case costs one command and two mounts, and no machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import IMPORT_BUSYBOX, Machine

MAKE = "mkdir disk && truncate -s 64M disk.img && mkfs.ext4 -q disk.img && mount -o loop disk.img disk"
# The image is on the disk for long. Without the option the journal is written every five seconds, and a slow machine would get what it
# should have asked for.
SETTLE = "sync -f disk && mount -o remount,commit=600 disk"
# The copy is made while the containers run: nothing is written back.
CUT = "cp disk.img after.img"
AFTER = "umount disk && rm -rf disk-state && mount -o loop after.img disk"


class Disk:
    """A machine whose ROOT is on a disk of its own."""

    def __init__(self, mydocker: Machine, program: str) -> None:
        self.outside = mydocker
        self.machine = Machine(mydocker.host, program, f"{mydocker.directory}/disk")
        self.machine.environment["MYDOCKER_STATE"] = f"{mydocker.directory}/disk-state"

    def must(self, *arguments: str) -> str:
        done = self.machine(*arguments)
        assert done.rc == 0, done
        return done.stdout.strip()

    def clear(self) -> None:
        for container_id in self.must("ps", "-aq").split():
            self.must("rm", "-f", container_id)

    def cut(self) -> None:
        """Cut the power, and boot: from here on the machine has what the disk had then, and no STATE."""
        assert self.outside.sh(CUT).rc == 0
        self.clear()
        self.must("network", "prune", "-f")
        after = self.outside.sh(AFTER)
        assert after.rc == 0, after


@pytest.fixture
def disk(mydocker: Machine, program: str) -> Iterator[Disk]:
    """A disk with an image on it."""
    if (made := mydocker.sh(MAKE)).rc != 0:
        pytest.skip(f"no ext4 in a file: {made.stderr}")
    disk = Disk(mydocker, program)
    try:
        assert disk.machine.sh(IMPORT_BUSYBOX).rc == 0
        disk.must("run", "--rm", "--network", "none", "busybox", "true")
        assert mydocker.sh(SETTLE).rc == 0
        yield disk
        disk.clear()
        disk.must("network", "prune", "-f")
    finally:
        mydocker.sh("umount disk; rm -rf disk disk.img after.img disk-state")


@pytest.mark.parametrize("line", ["create", "create --network host --add-host a:192.0.2.1", "run -d --network none"])
def test_a_container_is_whole(disk: Disk, line: str) -> None:
    made = disk.must(
        *line.split(), "--name", "web", "busybox", "sh", "-c", "test -s /etc/hostname -a -s /etc/hosts && echo whole; exec sleep 1000"
    )
    disk.cut()
    assert disk.must("ps", "-aq", "--no-trunc") == made
    assert disk.must("system", "check") == ""
    before = disk.must("logs", "web")
    disk.must("start", "web")
    disk.machine.wait_until(lambda: disk.must("logs", "web").removeprefix(before).strip() == "whole")


def test_a_new_name_is_whole(disk: Disk) -> None:
    disk.must("create", "--name", "web", "busybox", "true")
    disk.must("rename", "web", "site")
    disk.cut()
    assert disk.must("ps", "-a", "--format", "{{.Names}}") == "site"
    assert disk.must("system", "check") == ""


def test_what_else_answered_is_there(disk: Disk) -> None:
    disk.must("volume", "create", "data")
    disk.must("network", "create", "inner", "--subnet", "10.199.77.0/24")
    disk.must("tag", "busybox", "mine:1")
    disk.cut()
    assert disk.must("system", "check") == ""
    assert disk.must("volume", "ls", "-q") == "data"
    assert "inner" in disk.must("network", "ls", "--format", "{{.Name}}").split()
    assert "mine:1" in disk.must("images", "--format", "{{.Repository}}:{{.Tag}}").split()
