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


@pytest.mark.parametrize(
    ("line", "look", "name"),
    [
        ("volume create data", "volume ls -q", "data"),
        ("network create inner --subnet 10.199.77.0/24", "network ls --format {{.Name}}", "inner"),
        ("tag busybox mine:1", "images --format {{.Repository}}:{{.Tag}}", "mine:1"),
    ],
)
def test_what_else_answered_is_there(disk: Disk, line: str, look: str, name: str) -> None:
    disk.must(*line.split())
    disk.cut()
    assert disk.must("system", "check") == ""
    assert name in disk.must(*look.split()).split()


TREE = "mkdir tree && echo one > tree/first && echo two > tree/second && tar -C tree -cf tree.tar . && rm -r tree"


@pytest.mark.parametrize("flags", ["", "--no-blobs"])
def test_an_image_is_whole_or_can_be_made_so(disk: Disk, flags: str) -> None:
    """The files of a layer that was unpacked a moment before are empty then, unless nothing else has their content."""
    archive = f"{disk.outside.directory}/fresh.tar"
    assert disk.outside.sh(TREE).rc == 0
    for line in (f"import {disk.outside.directory}/tree.tar fresh", f"save -o {archive} fresh", "rmi fresh", f"load {flags} -i {archive}"):
        disk.must(*line.split())
    # An overlay that is unmounted has all of its disk written, so no container ends here. What is waited for brings all new names along.
    mount = ["--network", "none", "--mount", "type=image,source=fresh,target=/m", "busybox", "cat", "/m/first", "/m/second"]
    disk.must("create", "--name", "web", *mount)
    disk.cut()
    assert disk.must("system", "check") == ""
    if flags:
        assert disk.must("system", "check", "--layers") == ""
    else:
        told = disk.machine("system", "check", "--layers")
        assert told.rc == 1 and "/first has lost its content" in told.stdout and told.stdout.count("\n") == 1
        assert "unpacked again: " in disk.must("system", "check", "--layers", "--repair")
        assert disk.must("system", "check", "--layers") == ""
    assert disk.must("start", "-a", "web") == disk.must("run", "--rm", *mount) == "one\ntwo"
