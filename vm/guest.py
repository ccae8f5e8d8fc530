"""One boot of a kernel in QEMU by virtme-ng, watched until its end: its console is kept, and what ended it is said.

What runs inside is vm/inside.sh, on a fresh copy of the box's disk (vm/box/build). A directory is shared with it; nothing else is written.
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
# Tests wait for one thing after the other; with one processor each, as many machines as there are processors do most.
PROCESSORS = 1
# The emulated processor of the plainest kind: vector instructions are emulated one by one, and the C library uses what it finds.
EMULATED = ["--disable-kvm", "-a", "mitigations=off", "--qemu-opts=-accel tcg,thread=multi,tb-size=512 -cpu qemu64"]
_PANIC = re.compile(r"Kernel panic - not syncing: (.*)")
_GRACE = 10


class Boot(NamedTuple):
    """What to boot. directory: shared with the guest, where results and machine.log, with the console, end up; disk: the box's."""

    image: Path
    disk: Path
    directory: Path
    emulated: bool
    # The guest's command, run as root by its shell.
    script: str
    # A socket on the host that is the guest's second serial line.
    shell: Path


def command(boot: Boot) -> list[str]:
    """Return virtme-ng's command line."""
    disk = ["--root-disk", str(boot.directory / "disk.qcow2"), "--root-dev", "/dev/vda2", "--root-fstype", "ext4", "--rw"]
    size = ["--cpus", str(PROCESSORS), "-m", MEMORY]
    # --verbose has the console, ttyS0, among what virtme-ng prints; ttyS1 is the shell's.
    console = ["--verbose", f"--qemu-opts=-serial unix:{boot.shell},server=on,wait=off", "-a", "loglevel=5", "-a", "swapaccount=1"]
    shared = [f"--rwdir=/mnt={boot.directory}"]
    processor = EMULATED if boot.emulated else []
    return ["vng", "-r", str(boot.image), *processor, *disk, *size, *console, *shared, "--", boot.script]


def search_path() -> str:
    """Return PATH with the directory of this Python, beside which virtme-ng is installed; it starts its own parts by name."""
    return f"{os.environ.get('PATH', os.defpath)}:{Path(sys.executable).parent}"


class Machine:
    """A boot under way. Whoever starts it calls end(), whatever happens: nothing of it runs afterwards."""

    def __init__(self, boot: Boot, seconds: float) -> None:
        self.boot = boot
        self.seconds = seconds
        self.started = time.monotonic()
        disk = boot.directory / "disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", boot.disk, "-F", "qcow2", disk], check=True)
        (boot.directory / "machine.log").write_text(f"{shlex.join(command(boot))}\n")
        # Through a pipe: virtme-ng opens its standard output again and again, and each time writes from the file's beginning.
        line = f"{shlex.join(command(boot))} 2>&1 < /dev/null | cat >> {shlex.quote(str(boot.directory))}/machine.log"
        self.process = subprocess.Popen(line, shell=True, start_new_session=True, env={**os.environ, "PATH": search_path()})

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def is_over(self) -> bool:
        """Say whether it is gone, or its time is over."""
        return self.process.poll() is not None or self.age > self.seconds

    def end(self) -> str:
        """End what still runs of it; return what ended it too early, '' if nothing did."""
        in_time = self.process.poll() is not None
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _GRACE
            while _signal(self.process.pid, number) and time.monotonic() < deadline:
                self.process.poll()  # else it would stay as a zombie, and count
                time.sleep(0.1)
        self.process.wait()
        (self.boot.directory / "disk.qcow2").unlink(missing_ok=True)
        self.boot.shell.unlink(missing_ok=True)
        return verdict(self.boot.directory, "" if in_time else f"no end within {self.seconds:g} s")


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; say if there is one."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def verdict(directory: Path, late: str) -> str:
    """Return what ended a machine too early: a panic, its deadline, or that it was gone before its work was done; '' for nothing."""
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
    """Return what is in a file, '' if it is not there."""
    return path.read_text(errors="replace") if path.exists() else ""
