"""Run a libvirtd that belongs to one process.

It has namespaces and directories of its own. So it neither sees nor changes this machine's libvirt, and leaves nothing, however it ends.

`enter` runs a command in new pid, mount and network namespaces, and that command calls `start`. When the command ends or is killed,
libvirtd, dnsmasq and the guests end too, and bridges, rules and mounts go with them.
"""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

URI = "qemu:///system"
_DIRECTORIES = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt")
# QEMU runs as root, because its files are below root's home. It needs no virtlogd. There are no cgroups, which would stay on the machine.
_QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
remember_owner = 0
stdio_handler = "file"
"""


class Failed(Exception):
    """Something could not be done. The message says what, in one line."""


def enter(command: list[str]) -> list[str]:
    """Return the command line that runs a command in new namespaces."""
    # A shell as pid 1 reaps the processes that libvirtd leaves. If nobody reaps a dead QEMU, libvirtd thinks that it does not die.
    init = ["sh", "-c", '"$@"; exit $?', "init", *command]
    return ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", *init]


def start(scratch: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Start libvirtd in the namespaces, and wait until it answers. Return its process.

    scratch: a directory for its files
    seconds: how long to wait. Raises Failed after that.
    """
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
    # The new /sys shows the links of this network namespace. It has no cgroups, because libvirt would leave directories there.
    return [*lines, ["umount", "--recursive", "--lazy", "/sys"], ["mount", "-t", "sysfs", "sysfs", "/sys"]]


def _answers() -> bool:
    try:
        return subprocess.run(["virsh", "-q", "-c", URI, "version"], capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False
