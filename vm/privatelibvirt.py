"""A libvirtd that belongs to one process: in namespaces of its own, with directories of its own, so that nothing of this machine's
libvirt is seen or changed, and nothing is left however it ends.

`enter` runs a command in new pid, mount and network namespaces; when it ends or is killed, so do libvirtd, dnsmasq and the guests, and
with them go bridges, rules and mounts. That command calls `start`.
"""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

URI = "qemu:///system"
_DIRECTORIES = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt")
# As root, because the files are below root's home; without virtlogd; cgroups would be left on the machine.
_QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
remember_owner = 0
stdio_handler = "file"
"""


class Failed(Exception):
    """What could not be done, in one line."""


def enter(command: list[str]) -> list[str]:
    """Return the command line that runs a command in namespaces of its own."""
    # A shell as pid 1 reaps what libvirtd leaves behind; libvirtd takes a dead QEMU that nobody reaps for one that does not die.
    init = ["sh", "-c", '"$@"; exit $?', "init", *command]
    return ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", *init]


def start(scratch: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Start libvirtd inside, with its files in a scratch directory, and wait until it answers; Failed after a deadline."""
    for line in _mounts(scratch):
        result = subprocess.run(line, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failed(f"'{shlex.join(line)}' failed: {result.stderr.strip()}")
    (scratch / "etc/libvirt/qemu.conf").write_text(_QEMU_CONF)
    with (scratch / "libvirtd.log").open("wb") as log:
        daemon = subprocess.Popen(["libvirtd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + seconds
    while not _answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            state = "does not answer" if daemon.poll() is None else f"ended with status {daemon.returncode}"
            raise Failed(f"libvirtd {state}: {(scratch / 'libvirtd.log').read_text().strip()[-500:]}")
        time.sleep(0.2)
    return daemon


def _mounts(scratch: Path) -> list[list[str]]:
    lines = [["ip", "link", "set", "lo", "up"], ["mount", "-t", "tmpfs", "tmpfs", "/run"]]
    for directory in _DIRECTORIES:
        own = scratch / directory.lstrip("/")
        own.mkdir(parents=True)
        lines.append(["mount", "--bind", str(own), directory])
    # What shows this network namespace's links, and no cgroups, in which libvirt would leave directories.
    return [*lines, ["umount", "--recursive", "--lazy", "/sys"], ["mount", "-t", "sysfs", "sysfs", "/sys"]]


def _answers() -> bool:
    try:
        return subprocess.run(["virsh", "-q", "-c", URI, "version"], capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False
