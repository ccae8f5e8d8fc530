"""mount(2), umount2(2), pivot_root(2), the mount API of Linux 5.2 and later, and /proc/PID/mountinfo."""

from __future__ import annotations

import os
from errno import EBADF, EMFILE
from struct import pack

from mydocker.kernel.libc import AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, buffer, call, syscall

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_SYNCHRONOUS = 0x10
MS_REMOUNT = 0x20
MS_MANDLOCK = 0x40
MS_DIRSYNC = 0x80
MS_NOSYMFOLLOW = 0x100
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_SILENT = 0x8000
MS_UNBINDABLE = 0x20000
MS_PRIVATE = 0x40000
MS_SLAVE = 0x80000
MS_SHARED = 0x100000
MS_RELATIME = 0x200000
MS_I_VERSION = 0x800000
MS_STRICTATIME = 0x1000000
MS_LAZYTIME = 0x2000000
MNT_DETACH = 0x2

FLAG_NAMES = {value: name for name, value in list(globals().items()) if name.startswith("MS_")}

OPEN_TREE_CLONE = 0x1
OPEN_TREE_CLOEXEC = 0o2000000
MOVE_MOUNT_F_EMPTY_PATH = 0x4
MOVE_MOUNT_T_EMPTY_PATH = 0x40
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
# The mask of a field of three bits, in which relatime is 0.
MOUNT_ATTR__ATIME = 0x70
MOUNT_ATTR_RELATIME = 0x0
MOUNT_ATTR_NOATIME = 0x10
MOUNT_ATTR_STRICTATIME = 0x20
MOUNT_ATTR_NODIRATIME = 0x80
MOUNT_ATTR_IDMAP = 0x100000
MOUNT_ATTR_NOSYMFOLLOW = 0x200000


def mount(source: str | None, target: str, fstype: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Call mount(2): attach a file system, or bind, move, remount or change the propagation of a mount. Raises OSError about `target`."""
    call("mount", source, target, fstype, flags, data, subject=target)


def umount(target: str, flags: int = 0) -> None:
    """Detach what is mounted at `target`."""
    call("umount2", target, flags, subject=target)


def pivot_root(new_root: str, put_old: str) -> None:
    """Make `new_root` the root file system and move the old one to `put_old`."""
    syscall("pivot_root", new_root, put_old, subject=new_root)


def open_tree(path: str, flags: int = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, recursive: bool = False) -> int:
    """Return a descriptor of a detached clone of the mount on which `path` lies. The clone's root is `path`."""
    return syscall("open_tree", AT_FDCWD, path, flags | (AT_RECURSIVE if recursive else 0), subject=path)


def place(descriptor: int, number: int) -> None:
    """Give an open file another number, closed on execve. Raises OSError, with nothing changed, when the limit is below that."""
    try:
        os.dup2(descriptor, number, inheritable=False)
    except OSError as error:
        if error.errno != EBADF:
            raise
        raise OSError(EMFILE, f"needs file descriptor {number}, which the limit on open files (ulimit -n) is below") from error
    os.close(descriptor)


def move_mount(tree: int, target: int | str) -> None:
    """Attach a detached tree to a path, or to the object that an O_PATH descriptor names."""
    if isinstance(target, int):
        flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
        syscall("move_mount", tree, "", target, "", flags, subject=f"descriptor {target}")
    else:
        syscall("move_mount", tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH, subject=target)


def mount_setattr(tree: int, attr_set: int, attr_clr: int = 0, propagation: int = 0, userns: int = 0, recursive: bool = False) -> None:
    """Change the attributes of a mount, detached or attached (struct mount_attr, Linux 5.12).

    tree: a descriptor of the mount's root.
    attr_set, attr_clr: MOUNT_ATTR_* to set and to clear.
    propagation: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, or 0 to leave it as it is.
    userns: a descriptor of the user namespace that maps the owners, with MOUNT_ATTR_IDMAP.
    """
    attributes = buffer(pack("QQQQ", attr_set, attr_clr, propagation, userns))
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    syscall("mount_setattr", tree, "", flags, attributes, len(attributes), subject=f"mount at descriptor {tree}")


class MountEntry:
    """A mount, as one line of /proc/PID/mountinfo describes it. The fields have the names of proc(5), but `target` is the mount point."""

    __slots__ = ("mount_id", "root", "target", "options", "optional", "fstype", "source", "super_options")

    def __init__(self, line: str) -> None:
        before, after = line.split(" - ", 1)
        fields = before.split(" ")
        self.mount_id = int(fields[0])
        self.root = unescape(fields[3])
        self.target = unescape(fields[4])
        self.options = fields[5].split(",")
        self.optional = fields[6:]
        self.fstype, source, super_options = after.split(" ", 2)
        self.source = unescape(source)
        self.super_options = super_options.split(",")


def unescape(field: str) -> str:
    """Return a field of mountinfo without its octal escapes, which stand for space, tab, newline and backslash."""
    if "\\" not in field:
        return field
    head, *rest = field.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def mountinfo(proc: str = "/proc", pid: int | str = "self") -> list[MountEntry]:
    """Return every mount that a process sees, in the kernel's order: a later one covers an earlier one at the same place."""
    with open(f"{proc}/{pid}/mountinfo", errors="surrogateescape") as file:
        return [MountEntry(line.rstrip("\n")) for line in file]


def describe_flags(flags: int) -> str:
    """Return the names of flags as mount(2) spells them, such as 'MS_BIND|MS_REC', or '0' if there are none."""
    names = [name for value, name in FLAG_NAMES.items() if flags & value]
    return "|".join(names) or "0"
