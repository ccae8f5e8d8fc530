"""Steps that mount what a container has in its root file system. They are applied in its mount namespace, before pivot_root(2).

`root` is the directory that will become /. `target` is a path inside it, as the container will see it; kernel/inroot.py says how it
is found. Nothing here is undone, because all of it ends with the mount namespace.
"""

from __future__ import annotations

import errno
import os
import stat

from mydocker.kernel import inroot, mounts
from mydocker.kernel.files import Allowing, Held
from mydocker.kernel.othermounts import open_tree_of
from mydocker.kernel.trees import copy_contents
from mydocker.steps.base import Step, command, quote
from mydocker.steps.mounts import option_words, shell_mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# A bind remount keeps these flags, because a kernel refuses to take them away where a user namespace locks them.
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


# What is written below /proc and /sys later would go where a symlink of the image leads (CVE-2019-19921).
_MUST_BE_WHERE_THEY_ARE_SAID = ("proc", "sysfs")


def host_path(root: str, target: str) -> str:
    """Return where a path inside the root is for this process. This is only for people and shell scripts, as symlinks could lead out."""
    return root.rstrip("/") + "/" + target.lstrip("/")


def mount_on(descriptor: int, source: str | None, fstype: str | None, flags: int, data: str | None) -> None:
    """Call mount(2) on the object that a descriptor names."""
    mounts.mount(source, inroot.by_descriptor(descriptor), fstype, flags, data)


def with_descriptor(descriptor: int, action: Callable[[int], None]) -> None:
    """Call a function with a descriptor, and close the descriptor."""
    with Held(descriptor):
        action(descriptor)


def set_bind_flags(descriptor: int, flags: int) -> None:
    """Give the mount at `descriptor` these flags, and keep the flags that a user namespace may have locked."""
    present = os.statvfs(inroot.by_descriptor(descriptor)).f_flag
    locked = sum(flag for bit, flag in _LOCKABLE.items() if present & bit)
    if flags & _ATIME_FLAGS:
        locked &= ~_ATIME_FLAGS
    mount_on(descriptor, None, None, mounts.MS_REMOUNT | mounts.MS_BIND | flags | locked, None)


class MountInRoot(Step):
    """Mount a file system, or bind a file or directory, on a path in the container. The path is made if it is missing."""

    root: str
    source: str
    target: str
    fstype: str = ""
    flags: int = 0  # of mount(2), without propagation
    data: str = ""  # the file system's own options
    propagation: int = 0  # for example MS_PRIVATE, with or without MS_REC; 0 leaves it as it is

    def apply(self) -> None:
        if self.flags & mounts.MS_BIND:
            self._bind()
        else:
            if self.fstype in _MUST_BE_WHERE_THEY_ARE_SAID and os.path.islink(host_path(self.root, self.target)):
                raise OSError(errno.ELOOP, "its mount point is a symlink")
            data = self.data
            if self._is_as_covered:
                with Allowing(errno.ENOENT), Held(inroot.open_in(self.root, self.target)) as covered:
                    data = f"{data},mode={stat.S_IMODE(os.fstat(covered).st_mode):o}".lstrip(",")
            mount = (self.source or "none", self.fstype, self.flags, data or None)
            with_descriptor(inroot.make_directories(self.root, self.target), lambda fd: mount_on(fd, *mount))
        if self.propagation:
            with_descriptor(inroot.open_in(self.root, self.target), lambda fd: mount_on(fd, None, None, self.propagation, None))

    @property
    def _is_as_covered(self) -> bool:
        return self.fstype == "tmpfs" and "mode=" not in self.data  # as with runc, it gets the mode of the directory that it covers

    def _bind(self) -> None:
        is_directory = stat.S_ISDIR(os.stat(self.source).st_mode)
        make = inroot.make_directories if is_directory else inroot.make_file
        recursive = mounts.MS_BIND | self.flags & mounts.MS_REC
        with_descriptor(make(self.root, self.target), lambda fd: mount_on(fd, self.source, None, recursive, None))
        changes = self.flags & ~recursive
        if changes:
            # The descriptor above is of what the mount covers. A new look-up finds the mount itself.
            with_descriptor(inroot.open_in(self.root, self.target), lambda fd: set_bind_flags(fd, changes))

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
            mode = f"M=$(stat -Lc %a {quote(target)} 2>/dev/null || echo 1777)"
            lines = [*([mode] if self._is_as_covered else []), command("mkdir", "-p", target)]
        lines.append(shell_mount(self.source or "none", target, self.fstype, self.flags, self.data))
        lines += [f'chmod "$M" {quote(target)}'] if self._is_as_covered else []
        changes = option_words(self.flags)
        if self.flags & mounts.MS_BIND and changes:
            lines.append(command("mount", "-o", ",".join(["remount", "bind", *changes]), target))
        lines += [shell_mount("", target, "", self.propagation, "")] if self.propagation else []
        return "\n".join(lines)


class CopiedTmpfs(MountInRoot):
    """Mount a tmpfs that begins with a copy of what it covers (the option tmpcopyup)."""

    __slots__ = ()

    def apply(self) -> None:
        with Held(inroot.make_directories(self.root, self.target)) as covered:
            super().apply()
            with_descriptor(inroot.open_in(self.root, self.target), lambda fd: self._fill(covered, fd))

    def _fill(self, covered: int, tmpfs: int) -> None:
        mode = stat.S_IMODE(os.fstat(tmpfs).st_mode)
        copy_contents(covered, tmpfs)
        if "mode=" in self.data:
            os.chmod(inroot.by_descriptor(tmpfs), mode)  # What was asked for counts more than what is covered.

    def describe(self) -> str:
        return super().describe() + ", with a copy of what it covers"

    def shell(self) -> str:
        target = quote(host_path(self.root, self.target))
        return f'C=$(mktemp -d); [ ! -d {target} ] || cp -a {target}/. "$C"\n{super().shell()}\ncp -a "$C"/. {target}; rm -r "$C"'


class SetAttributes(Step):
    """Set and clear attributes of a mount in the container and of all mounts below it, by mount_setattr(2)."""

    root: str
    target: str
    attr_set: int  # MOUNT_ATTR_*
    attr_clr: int  # MOUNT_ATTR_*

    def apply(self) -> None:
        found = inroot.open_in(self.root, self.target)
        with_descriptor(found, lambda fd: mounts.mount_setattr(fd, self.attr_set, self.attr_clr, recursive=True))

    def describe(self) -> str:
        words = f"attr_set {self.attr_set:#x} attr_clr {self.attr_clr:#x}"
        return f"mount_setattr {quote(self.target)} in the root AT_RECURSIVE {words}"


def other_namespace(source: str) -> tuple[str, str]:
    """Return ('/proc/PID', path) for a path in another process's root, /proc/PID/root/PATH, and ('', '') for any other path."""
    words = source.split("/", 4)
    if len(words) == 5 and words[1] == "proc" and words[2].isdigit() and words[3] == "root":
        return f"/proc/{words[2]}", "/" + words[4]
    return "", ""


class OpenTree(Step):
    """Keep a clone of a mount open under a fixed descriptor, until AttachTree puts it into the container.

    The clone is made before the mounts of this mount namespace become slaves, so that it is still a peer of the host's mount.
    Volumes with shared propagation need that.
    """

    source: str  # a path on the mount; /proc/PID/root/PATH is cloned in that process's mount namespace
    descriptor: int  # the number under which the clone is kept open
    recursive: bool = True  # the mounts below are cloned too

    def apply(self) -> None:
        process, path = other_namespace(self.source)
        tree = open_tree_of(process, path) if process else mounts.open_tree(self.source, recursive=self.recursive)
        mounts.place(tree, self.descriptor)

    def describe(self) -> str:
        which = "OPEN_TREE_CLONE|AT_RECURSIVE" if self.recursive else "OPEN_TREE_CLONE"
        return f"open_tree {quote(self.source)} {which} as descriptor {self.descriptor}"


class AttachTree(Step):
    """Attach an open tree to a path in the container, by move_mount(2). The path is made if it is missing."""

    root: str
    descriptor: int  # as OpenTree left it
    target: str
    flags: int  # of mount(2), without propagation
    propagation: int = 0  # as MountInRoot takes it

    def apply(self) -> None:
        is_directory = stat.S_ISDIR(os.fstat(self.descriptor).st_mode)
        make = inroot.make_directories if is_directory else inroot.make_file
        with_descriptor(make(self.root, self.target), lambda fd: mounts.move_mount(self.descriptor, fd))
        os.close(self.descriptor)
        if self.flags:
            with_descriptor(inroot.open_in(self.root, self.target), lambda fd: set_bind_flags(fd, self.flags))
        if self.propagation:
            with_descriptor(inroot.open_in(self.root, self.target), lambda fd: mount_on(fd, None, None, self.propagation, None))

    def describe(self) -> str:
        flags = mounts.describe_flags(self.flags | self.propagation)
        return f"move_mount descriptor {self.descriptor} on {quote(self.target)} in the root flags {flags}"
