"""A process as the kernel shows it in /proc (proc(5)). Checks look at nothing else of what a learner did.

A process can end while it is looked at. Then it has no namespaces, no mounts and no variables, and nothing is raised.
"""

from __future__ import annotations

import os
from errno import EACCES, EINVAL, ENOENT, EPERM, ESRCH

from mydocker.cgroups.group import Group
from mydocker.cgroups.layout import relative
from mydocker.kernel.files import Allowing
from mydocker.kernel.mounts import MountEntry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Hierarchy, Layout

# What the kernel says of a process that has ended, or that belongs to somebody else. EINVAL: its mounts, once it is a zombie.
_UNREADABLE = (ENOENT, ESRCH, EACCES, EPERM, EINVAL)
_STARTED = 19  # the field starttime of /proc/PID/stat, in clock ticks since boot, counted from the state


class Process:
    """One process. proc: where /proc is, so that a test's tree is just another one."""

    __slots__ = ("pid", "proc")

    def __init__(self, pid: int, proc: str = "/proc") -> None:
        self.pid = pid
        self.proc = proc

    @property
    def directory(self) -> str:
        return f"{self.proc}/{self.pid}"

    def read(self, file: str) -> str:
        """Return the text of one of its files, '' if it has ended or may not be looked at."""
        with Allowing(*_UNREADABLE), open(f"{self.directory}/{file}", errors="surrogateescape") as opened:
            return opened.read()
        return ""

    def link(self, name: str) -> str:
        """Return where one of its links leads, such as 'pid:[4026531836]' for 'ns/pid', or ''."""
        with Allowing(*_UNREADABLE):
            return os.readlink(f"{self.directory}/{name}")
        return ""

    def namespace(self, kind: str) -> str:
        """Return a namespace as its type and inode number. kind: its name in /proc/PID/ns."""
        return self.link(f"ns/{kind}")

    def variables(self) -> dict[str, str]:
        """Return the environment with which its program was executed."""
        pairs = (entry.partition("=") for entry in self.read("environ").split("\0"))
        return {name: value for name, _, value in pairs if name}

    def status(self, field: str) -> str:
        """Return a field of /proc/PID/status, such as 'NSpid' or 'CapEff'."""
        lines = (line.partition(":") for line in self.read("status").splitlines())
        return next((value.strip() for name, _, value in lines if name == field), "")

    def fields(self) -> list[str]:
        """Return the fields of /proc/PID/stat from the third on, which is the state. The name before them may have any characters."""
        return self.read("stat").rpartition(")")[2].split()

    def state(self) -> str:
        """Return the letter of its state, such as 'S' or 'Z', '' if it has ended."""
        return next(iter(self.fields()), "")

    def parent(self) -> int:
        return int((self.fields() or ["", "0"])[1])

    def age(self) -> float:
        """Return for how many seconds it has lived, 0 if it has ended."""
        fields = self.fields()
        if not fields:
            return 0.0
        with open(f"{self.proc}/uptime") as opened:
            return float(opened.read().split()[0]) - int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")

    def innermost_pid(self) -> int:
        """Return its pid in its own pid namespace."""
        return int((self.status("NSpid").split() or ["0"])[-1])

    def capabilities(self, name: str = "CapEff") -> int:
        """Return one of its sets of capabilities as a number whose bits they are."""
        return int(self.status(name) or "0", 16)

    def mounts(self) -> list[MountEntry]:
        """Return what it sees mounted, in the kernel's order."""
        return [mount for _, mount in self.file_systems()]

    def file_systems(self) -> list[tuple[str, MountEntry]]:
        """Return what it sees mounted, each with the number of its file system, such as '0:42'."""
        return [(line.split()[2], MountEntry(line)) for line in self.read("mountinfo").splitlines()]

    def mount_at(self, target: str) -> MountEntry | None:
        """Return the mount that it sees at a path, which is the last one there."""
        return next((mount for mount in reversed(self.mounts()) if mount.target == target), None)

    def group(self, hierarchy: Hierarchy) -> Group:
        """Return its cgroup in a hierarchy."""
        title = "" if hierarchy.version == 2 else hierarchy.title
        lines = (line.split(":", 2) for line in self.read("cgroup").splitlines())
        path = next((path for _, name, path in lines if name == title), "/")
        return Group(hierarchy, relative(path, hierarchy.root))

    def limits(self, layout: Layout, controller: str) -> Group | None:
        """Return its cgroup in the hierarchy that has a controller, or None if this machine has none."""
        hierarchy = layout.find(controller)
        return self.group(hierarchy) if hierarchy else None


def every(proc: str = "/proc") -> list[Process]:
    """Return all processes that this /proc shows."""
    return [Process(int(name), proc) for name in os.listdir(proc) if name.isdigit()]
