"""unshare(2), setns(2) and the names of namespaces (namespaces(7))."""

from __future__ import annotations

import os

from mydocker.kernel.files import Held
from mydocker.kernel.libc import call

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# By the runtime specification's names (config-linux.md, Namespaces): the file in /proc/PID/ns, and the clone flag.
NAMESPACES = {
    "user": ("user", CLONE_NEWUSER),
    "mount": ("mnt", CLONE_NEWNS),
    "pid": ("pid", CLONE_NEWPID),
    "network": ("net", CLONE_NEWNET),
    "ipc": ("ipc", CLONE_NEWIPC),
    "uts": ("uts", CLONE_NEWUTS),
    "cgroup": ("cgroup", CLONE_NEWCGROUP),
    "time": ("time", CLONE_NEWTIME),
}


def unshare(flags: int) -> None:
    """Move this process into new namespaces. A new pid namespace is for its next children, and not for itself."""
    call("unshare", flags)


def setns(path: str, flag: int) -> None:
    """Join the namespace that a path names. Raises OSError: ENOENT if its last process is gone, EINVAL if it is not of the kind `flag`."""
    with Held(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as descriptor:
        call("setns", descriptor, flag, subject=path)


class Inside:
    """A `with` block inside a network namespace, which is given by its path. The path '' means that this process stays where it is."""

    __slots__ = ("_path", "_back")

    def __init__(self, path: str) -> None:
        self._path = path
        self._back = -1

    def __enter__(self) -> Inside:
        if self._path:
            self._back = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                setns(self._path, CLONE_NEWNET)
            except BaseException:
                os.close(self._back)
                raise
        return self

    def __exit__(self, *exception: object) -> None:
        if self._path:
            with Held(self._back):
                call("setns", self._back, CLONE_NEWNET)


def flag_words(flags: int) -> list[str]:
    """Return the names of clone flags, such as ['CLONE_NEWNS', 'CLONE_NEWUTS']."""
    return ["CLONE_NEW" + ("NS" if name == "mnt" else name.upper()) for name, flag in NAMESPACES.values() if flags & flag]
