"""Boot a kernel in QEMU by virtme-ng, watch it until it ends, keep its console, and say what ended it.

The guest runs vm/inside.sh on a fresh copy of the box's disk (vm/box/build). It writes to one directory that is shared with this
machine, and to nothing else.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

MEMORY = "2G"
# Where the guest has the directory that it shares with this machine. Nothing else mounts there; lessons use /mnt.
SHARED = "/media"
# Tests wait most of the time. So the most work is done by as many machines as there are processors, each with one processor.
PROCESSORS = 1
# The simplest processor is emulated. Vector instructions would be emulated one by one, and the C library uses those that it finds.
EMULATED = ["--disable-kvm", "-a", "mitigations=off", "--qemu-opts=-accel tcg,thread=multi,tb-size=512 -cpu qemu64"]
_PANIC = re.compile(r"Kernel panic - not syncing: (.*)")
_GRACE = 10
# What pytest prints at the end of a line of dots.
_DONE = re.compile(r"\[ *([0-9]+%)\]")


class Boot(NamedTuple):
    """What to boot."""

    image: Path  # the kernel's
    disk: Path  # the box's, which is not changed
    directory: Path  # shared with the guest. It gets the results, and machine.log with the console.
    emulated: bool  # whether the processor is emulated
    script: str  # the guest's command, which its shell runs as root
    shell: Path  # a socket on the host that is the guest's second serial line
    keeps_disk: bool = False  # whether the copy of the disk stays for another boot


def command(boot: Boot) -> list[str]:
    """Return virtme-ng's command line."""
    disk = ["--root-disk", str(boot.directory / "disk.qcow2"), "--root-dev", "/dev/vda2", "--root-fstype", "ext4", "--rw"]
    size = ["--cpus", str(PROCESSORS), "-m", MEMORY]
    # With --verbose virtme-ng prints the console, ttyS0. ttyS1 is the shell's.
    console = ["--verbose", f"--qemu-opts=-serial unix:{boot.shell},server=on,wait=off", "-a", "loglevel=5", "-a", "swapaccount=1"]
    shared = [f"--rwdir={SHARED}={boot.directory}"]
    processor = EMULATED if boot.emulated else []
    return ["vng", "-r", str(boot.image), *processor, *disk, *size, *console, *shared, "--", boot.script]


def search_path() -> str:
    """Return PATH with the directory of this Python. virtme-ng is installed there, and starts its own parts by name."""
    return f"{os.environ.get('PATH', os.defpath)}:{Path(sys.executable).parent}"


class Machine:
    """A machine that was booted. Whoever starts it calls end(), whatever happens. After that nothing of it runs.

    seconds: the time that it may take
    """

    def __init__(self, boot: Boot, seconds: float) -> None:
        self.boot = boot
        self.seconds = seconds
        self.started = time.monotonic()
        disk = boot.directory / "disk.qcow2"
        if not disk.exists():
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", boot.disk, "-F", "qcow2", disk], check=True)
        (boot.directory / "machine.log").write_text(f"{shlex.join(command(boot))}\n")
        # virtme-ng opens its standard output again and again. In a file it would write from the beginning each time, so it gets a pipe.
        line = f"{shlex.join(command(boot))} 2>&1 < /dev/null | cat >> {shlex.quote(str(boot.directory))}/machine.log"
        self.process = subprocess.Popen(line, shell=True, start_new_session=True, env={**os.environ, "PATH": search_path()})

    @property
    def age(self) -> float:
        """The seconds since the machine was started."""
        return time.monotonic() - self.started

    def progress(self) -> str:
        """Return how far the machine is: the storage driver whose tests run, and how much of them is done."""
        logs = [path for path in self.boot.directory.glob("*.log") if path.name != "machine.log"]
        if not logs:
            return f"{self.boot.directory.name} booting"
        last = max(logs, key=lambda path: path.stat().st_mtime)
        return " ".join([self.boot.directory.name, last.stem, *_DONE.findall(read(last))[-1:]])

    def is_over(self) -> bool:
        """Say whether the machine has ended, or its time is over."""
        return self.process.poll() is not None or self.age > self.seconds

    def end(self) -> str:
        """End what still runs of the machine. Return what ended it too early, or ''."""
        in_time = self.process.poll() is not None
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _GRACE
            while _signal(self.process.pid, number) and time.monotonic() < deadline:
                self.process.poll()  # otherwise it stays in its group as a zombie
                time.sleep(0.1)
        self.process.wait()
        if not self.boot.keeps_disk:
            (self.boot.directory / "disk.qcow2").unlink(missing_ok=True)
        self.boot.shell.unlink(missing_ok=True)
        return verdict(self.boot.directory, "" if in_time else f"no end within {self.seconds:g} s")


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group. Return whether there is such a group."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def verdict(directory: Path, late: str) -> str:
    """Return what ended a machine too early, or '' if its work was done.

    It may be a kernel panic, its deadline, or an end before the tests were done. late: what to say of a deadline that has passed, or ''.
    """
    if (directory / "end").exists():
        return ""
    panic = _PANIC.search(read(directory / "machine.log"))
    if panic:
        return f"kernel panic: {panic[1].strip()}"
    if late:
        return late
    lines = read(directory / "machine.log").splitlines()[1:]
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return f"the machine ended before its tests did: {last.strip()[:200]}"


def read(path: Path) -> str:
    """Return the text of a file, or '' if there is no such file."""
    return path.read_text(errors="replace") if path.exists() else ""
