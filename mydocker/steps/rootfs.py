"""Steps that furnish a container's root file system. They run in its mount namespace, before pivot_root.

`root` is the directory that will become /, `target` a path inside it as the container will see it; see kernel/inroot.py
for how it is found. Nothing here is undone: it all ends with the mount namespace.
"""

from __future__ import annotations

import errno
import os
import stat

from mydocker.errors import StepFailed
from mydocker.kernel import inroot, mounts
from mydocker.kernel.othermounts import open_tree_of
from mydocker.steps.base import Step, command, quote
from mydocker.steps.mounts import option_words, shell_mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Kept by a bind remount: taking them away is refused where a user namespace locks them.
_ATIME_FLAGS = mounts.MS_NOATIME | mounts.MS_NODIRATIME | mounts.MS_RELATIME | mounts.MS_STRICTATIME
_LOCKABLE = {
    os.ST_RDONLY: mounts.MS_RDONLY,
    os.ST_NOSUID: mounts.MS_NOSUID,
    os.ST_NODEV: mounts.MS_NODEV,
    os.ST_NOEXEC: mounts.MS_NOEXEC,
    os.ST_NOATIME: mounts.MS_NOATIME,
    os.ST_NODIRATIME: mounts.MS_NODIRATIME,
    os.ST_RELATIME: mounts.MS_RELATIME,
}


def host_path(root: str, target: str) -> str:
    """Return where a path inside the root is for this process, for people and shell scripts only."""
    return root.rstrip("/") + "/" + target.lstrip("/")


def _mount_on(descriptor: int, source: str | None, fstype: str | None, flags: int, data: str | None) -> None:
    mounts.mount(source, inroot.by_descriptor(descriptor), fstype, flags, data)


def _with(descriptor: int, action: Callable[[int], None]) -> None:
    try:
        action(descriptor)
    finally:
        os.close(descriptor)


def _set_bind_flags(descriptor: int, flags: int) -> None:
    """Give the mount at `descriptor` these flags, keeping those that a user namespace may have locked."""
    present = os.statvfs(inroot.by_descriptor(descriptor)).f_flag
    locked = sum(flag for bit, flag in _LOCKABLE.items() if present & bit)
    if flags & _ATIME_FLAGS:
        locked &= ~_ATIME_FLAGS
    _mount_on(descriptor, None, None, mounts.MS_REMOUNT | mounts.MS_BIND | flags | locked, None)


class MountInRoot(Step):
    """Mount a file system, or bind a file or directory, on a path in the container; the path is made if it is missing.

    flags: of mount(2), without propagation; propagation: MS_PRIVATE … perhaps with MS_REC, 0 to leave it.
    """

    __slots__ = ("root", "source", "target", "fstype", "flags", "data", "propagation")

    def __init__(self, root: str, source: str, target: str, fstype: str = "", flags: int = 0, data: str = "", propagation: int = 0) -> None:
        self.root = root
        self.source = source
        self.target = target
        self.fstype = fstype
        self.flags = flags
        self.data = data
        self.propagation = propagation

    def apply(self) -> None:
        if self.flags & mounts.MS_BIND:
            self._bind()
        else:
            mount = (self.source or "none", self.fstype, self.flags, self.data or None)
            _with(inroot.make_directories(self.root, self.target), lambda fd: _mount_on(fd, *mount))
        if self.propagation:
            _with(inroot.open_in(self.root, self.target), lambda fd: _mount_on(fd, None, None, self.propagation, None))

    def _bind(self) -> None:
        is_directory = stat.S_ISDIR(os.stat(self.source).st_mode)
        make = inroot.make_directories if is_directory else inroot.make_file
        recursive = mounts.MS_BIND | self.flags & mounts.MS_REC
        _with(make(self.root, self.target), lambda fd: _mount_on(fd, self.source, None, recursive, None))
        changes = self.flags & ~recursive
        if changes:
            # The descriptor above is of what the mount covers: a new look-up finds the mount itself.
            _with(inroot.open_in(self.root, self.target), lambda fd: _set_bind_flags(fd, changes))

    def describe(self) -> str:
        what = f" type {self.fstype}" if self.fstype else ""
        data = f" data {quote(self.data)}" if self.data else ""
        flags = mounts.describe_flags(self.flags | self.propagation)
        return f"mount {quote(self.source or 'none')} on {quote(self.target)} in the root{what} flags {flags}{data}"

    def shell(self) -> str:
        target = host_path(self.root, self.target)
        if self.flags & mounts.MS_BIND:
            make = f'if [ -d {quote(self.source)} ]; then mkdir -p "$T"; else mkdir -p "$(dirname "$T")"; [ -e "$T" ] || : > "$T"; fi'
            lines = [f"T={quote(target)}; {make}"]
        else:
            lines = [command("mkdir", "-p", target)]
        lines.append(shell_mount(self.source or "none", target, self.fstype, self.flags, self.data))
        changes = option_words(self.flags)
        if self.flags & mounts.MS_BIND and changes:
            lines.append(command("mount", "-o", ",".join(["remount", "bind", *changes]), target))
        lines += [shell_mount("", target, "", self.propagation, "")] if self.propagation else []
        return "\n".join(lines)


def other_namespace(source: str) -> tuple[str, str]:
    """Return ('/proc/PID', path) of a path in another process's root: /proc/PID/root/PATH. ('', '') for other paths."""
    words = source.split("/", 4)
    if len(words) == 5 and words[1] == "proc" and words[2].isdigit() and words[3] == "root":
        return f"/proc/{words[2]}", "/" + words[4]
    return "", ""


class OpenTree(Step):
    """Keep a clone of a mount open under a fixed descriptor, until AttachTree puts it into the container.

    It is taken before the mount namespace's copies are made slaves, so that it is still a peer of the host's mount: for
    shared volumes. A source /proc/PID/root/… is taken from that process's mount namespace.
    """

    __slots__ = ("source", "descriptor")

    def __init__(self, source: str, descriptor: int) -> None:
        self.source = source
        self.descriptor = descriptor

    def apply(self) -> None:
        process, path = other_namespace(self.source)
        tree = open_tree_of(process, path) if process else mounts.open_tree(self.source, recursive=True)
        os.dup2(tree, self.descriptor, inheritable=False)
        os.close(tree)

    def describe(self) -> str:
        return f"open_tree {quote(self.source)} OPEN_TREE_CLONE|AT_RECURSIVE as descriptor {self.descriptor}"


class AttachTree(Step):
    """move_mount(2) of an open tree onto a path in the container."""

    __slots__ = ("root", "descriptor", "target", "flags")

    def __init__(self, root: str, descriptor: int, target: str, flags: int) -> None:
        self.root = root
        self.descriptor = descriptor
        self.target = target
        self.flags = flags

    def apply(self) -> None:
        is_directory = stat.S_ISDIR(os.fstat(self.descriptor).st_mode)
        make = inroot.make_directories if is_directory else inroot.make_file
        _with(make(self.root, self.target), lambda fd: mounts.move_mount(self.descriptor, fd))
        os.close(self.descriptor)
        if self.flags:
            _with(inroot.open_in(self.root, self.target), lambda fd: _set_bind_flags(fd, self.flags))

    def describe(self) -> str:
        return f"move_mount descriptor {self.descriptor} on {quote(self.target)} in the root flags {mounts.describe_flags(self.flags)}"


class _Cover(Step):
    """Mount something over a path in the container; a path that does not exist needs nothing."""

    __slots__ = ("root", "path")

    def __init__(self, root: str, path: str) -> None:
        self.root = root
        self.path = path

    def apply(self) -> None:
        try:
            descriptor = inroot.open_in(self.root, self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        _with(descriptor, self._cover)

    def _cover(self, descriptor: int) -> None:
        raise NotImplementedError


class MaskPath(_Cover):
    """Cover a path with nothing: a file by the container's /dev/null, a directory by an empty read-only tmpfs."""

    __slots__ = ()

    def _cover(self, descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            _mount_on(descriptor, "tmpfs", "tmpfs", mounts.MS_RDONLY, "size=0k")
        else:
            _with(_null_device(self.root), lambda null: _mount_on(descriptor, inroot.by_descriptor(null), None, mounts.MS_BIND, None))

    def describe(self) -> str:
        return f"mask {quote(self.path)} in the root"

    def shell(self) -> str:
        path = quote(host_path(self.root, self.path))
        empty = f"mount -t tmpfs -o ro,size=0k tmpfs {path}"
        null = quote(host_path(self.root, "/dev/null"))
        return f"if [ -d {path} ]; then {empty}; elif [ -e {path} ]; then mount --bind {null} {path}; fi"


def _null_device(root: str) -> int:
    """Return a descriptor of the container's /dev/null, after a look at what it really is (CVE-2025-31133)."""
    descriptor = inroot.open_in(root, "/dev/null")
    status = os.fstat(descriptor)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != os.makedev(1, 3):
        os.close(descriptor)
        raise StepFailed("/dev/null in the root is not the null device, so nothing can be masked with it", errno.ENODEV)
    return descriptor


class MakeReadOnly(_Cover):
    """Bind a path in the container onto itself, read-only."""

    __slots__ = ()

    def _cover(self, descriptor: int) -> None:
        _mount_on(descriptor, inroot.by_descriptor(descriptor), None, mounts.MS_BIND | mounts.MS_REC, None)
        _with(inroot.open_in(self.root, self.path), lambda fd: _set_bind_flags(fd, mounts.MS_RDONLY))

    def describe(self) -> str:
        return f"make {quote(self.path)} in the root read-only"

    def shell(self) -> str:
        path = quote(host_path(self.root, self.path))
        return f"if [ -e {path} ]; then mount --rbind {path} {path}; mount -o remount,bind,ro {path}; fi"


class RemountReadOnly(Step):
    """Make a mount in the container read-only, after everything that had to be made in it was made."""

    __slots__ = ("root", "target")

    def __init__(self, root: str, target: str) -> None:
        self.root = root
        self.target = target

    def apply(self) -> None:
        _with(inroot.open_in(self.root, self.target), lambda fd: _set_bind_flags(fd, mounts.MS_RDONLY))

    def describe(self) -> str:
        return f"remount {quote(self.target)} in the root read-only"

    def shell(self) -> str:
        return command("mount", "-o", "remount,bind,ro", host_path(self.root, self.target))
