"""The disk that ROOT is on fails in the middle of a verb: one line says why, and when it is back nothing is left that rm or repair leave.

ext4 can be told that it has found an error, and is read-only from then on, also for those who write already; and to shut down, after
which everything is an I/O error.
"""

from __future__ import annotations

import fcntl
import glob
import os
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import FACTOR, IMPORT_BUSYBOX, Machine

EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


class Disk:
    """An ext4 file system in a file, mounted where a machine has its ROOT."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.sh("truncate -s 200M ../disk.img; mkfs.ext4 -q ../disk.img")
        self.device = machine.sh("losetup --find --show ../disk.img").stdout.strip()
        if not self.device:
            pytest.skip("there is no loop device")
        self._sys = f"/sys/fs/ext4/{os.path.basename(self.device)}"
        self.mount()

    def mount(self) -> None:
        assert self.machine.sh(f"mount -o errors=remount-ro {self.device} {{directory}}").rc == 0

    def umount(self) -> None:
        """Unmount it, and wait until it is gone from the mount namespaces of monitors too."""
        self.machine.wait_until(lambda: self.machine.host.run(f"umount {self.machine.directory}").rc == 0)
        self.machine.wait_until(lambda: not os.path.exists(self._sys))

    def make_read_only(self) -> None:
        Path(f"{self._sys}/trigger_fs_error").write_text("1")

    def shut_down(self) -> None:
        os.sync()
        descriptor = os.open(self.machine.directory, os.O_RDONLY)
        fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(descriptor)

    def repair(self) -> None:
        self.umount()
        self.mount()

    def close(self) -> None:
        self.umount()
        self.machine.host.run(f"losetup -d {self.device}")


FAILURES: dict[str, Callable[[Disk], None]] = {"Read-only file system": Disk.make_read_only, "Input/output error": Disk.shut_down}


@pytest.fixture
def disk(mydocker: Machine, program: str) -> Iterator[Disk]:
    mydocker.sh("mkdir disk; dd if=/dev/urandom of=big bs=1M count=24 2> /dev/null; tar cf big.tar big")
    mydocker.sh("mkdir context; cp big.tar context; printf 'FROM busybox\\nCOPY big.tar /\\nRUN true\\n' > context/Dockerfile")
    machine = Machine(mydocker.host, program, f"{mydocker.directory}/disk")
    machine.environment["MYDOCKER_STATE"] = f"{mydocker.directory}/disk-state"
    disk = Disk(machine)
    try:
        assert machine.sh(IMPORT_BUSYBOX).rc == 0
        assert machine("run", "--rm", "--network", "none", "busybox", "true").rc == 0
        assert machine.sh("{mydocker} import ../big.tar big && {mydocker} save -o ../image.tar big && {mydocker} rmi big").rc == 0
        # What was there before is on the disk. A layer is not waited for: with vfs, busybox itself could be empty after the failure.
        assert machine.sh("sync -f root").rc == 0
        yield disk
    finally:
        disk.close()


# What is typed, and what is there as soon as it is half done.
VERBS = {
    "run -d --network none busybox sleep 60": "root/containers/*/bundle/config.json",
    "create busybox": "root/containers/*",
    "import ../big.tar made": "root/images/staging/*/*",
    "load -i ../image.tar": "root/images/staging/*/*",
    "build -q -t made ../context": "root/images/staging/*/*",
    "commit kept made": "root/images/staging/*/*",
    "cp ../big.tar kept:/copied": "root/containers/*/*/copied",
}


def half_done(disk: Disk, line: str, pattern: str, fail: Callable[[Disk], None]) -> tuple[int, str]:
    """Begin a verb, have the disk fail when something is there, and return the verb's exit status and what it said."""
    machine = disk.machine

    def found() -> set[str]:
        return {path for each in pattern.split() for path in glob.glob(f"{machine.directory}/{each}")}

    before = found()
    verb = subprocess.Popen(
        [machine.command, *line.split()],
        # `run` waits there, so that it is not further than half done.
        env={**os.environ, **machine.environment, "MYDOCKER_DELAY": "send:START:0.5"},
        cwd=machine.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while verb.poll() is None and not found() - before:
        time.sleep(0.0005)
    os.killpg(verb.pid, signal.SIGSTOP)
    fail(disk)
    os.killpg(verb.pid, signal.SIGCONT)
    said = verb.communicate(timeout=30 * FACTOR)[1]
    return verb.returncode, said


@pytest.mark.parametrize("reason", FAILURES)
def test_a_verb_in_whose_middle_the_disk_fails(disk: Disk, reason: str) -> None:
    machine = disk.machine
    for line, pattern in VERBS.items():
        init = 0
        if "kept" in line:
            machine("run", "-d", "--name", "kept", "--network", "none", "busybox", "sleep", "600")
            machine("cp", "../big", "kept:/big")
            init = machine.pid("kept")
        status, said = half_done(disk, line, pattern, FAILURES[reason])
        told = [row for row in said.splitlines() if "not cleaned up: " not in row]
        assert (line, status, len(told)) == (line, 125 if line.startswith(("run", "create")) else 1, 1), said
        assert told[0].startswith("mydocker: ") and told[0].endswith(reason), (line, said)
        if init:
            os.kill(init, signal.SIGKILL)
        disk.repair()
        check(machine, line)


def check(machine: Machine, line: str) -> None:
    """Look at what a verb has left on the disk, and remove it by verbs."""
    if "kept" in line:
        assert machine("ps", "-a", "--filter", "name=kept", "--format", "{{.State}}").stdout == "exited\n"
    assert machine.sh("ls ../disk-state/errors").stdout == ""
    assert machine("ps", "-q").stdout == ""
    for container_id in machine("ps", "-aq").stdout.split():
        # -f, as a record that was not on the disk yet, and of which nobody was told, may be empty now: `creating` is written without fsync.
        assert machine("rm", "-f", container_id).stderr == ""
    assert machine("images", "-q").stdout.count("\n") == 1
    machine("system", "check", "--repair")
    assert machine("system", "check").stdout == ""
    assert machine.sh("ls root/containers root/names root/images/staging | grep -v :").stdout.split() == []
    assert machine("run", "--rm", "--network", "none", "busybox", "true").rc == 0
