"""Opening a path inside a directory that somebody else controls.

openat2(2) does that. Where the kernel lacks it (before Linux 5.6), or gives up as something was mounted or renamed while it went through
a '..' (EAGAIN), it is done here, component by component.
"""

from __future__ import annotations

import os
from errno import EAGAIN, ELOOP, ENOENT, ENOSYS, ENOTDIR
from stat import S_ISLNK
from struct import pack

from mydocker.kernel.libc import AT_FDCWD, buffer, syscall

RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_MOST_SYMLINKS = 40


def openat2(path: str, flags: int, mode: int = 0, dirfd: int = AT_FDCWD, resolve: int = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) -> int:
    """Open a path below `dirfd` as if that were the root, so that no symlink leads out of it. Return a close-on-exec descriptor."""
    how = buffer(pack("QQQ", flags | os.O_CLOEXEC, mode, resolve))
    try:
        return syscall("openat2", dirfd, path, how, len(how), subject=path)
    except OSError as error:
        if error.errno not in (ENOSYS, EAGAIN):
            raise
    return open_by_hand(path, flags, mode, dirfd, bool(resolve & RESOLVE_NO_SYMLINKS))


def open_by_hand(path: str, flags: int, mode: int, dirfd: int, no_symlinks: bool) -> int:
    """Do what openat2 with RESOLVE_IN_ROOT does, component by component. An absolute symlink starts again from `dirfd`."""
    parts = [part for part in path.split("/") if part not in ("", ".")][::-1]
    opened = [os.dup(dirfd)]
    followed = 0
    try:
        while parts:
            part = parts.pop()
            if part == "..":
                if len(opened) > 1:
                    os.close(opened.pop())
                continue
            try:
                here = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=opened[-1])
            except FileNotFoundError:
                if parts or not flags & os.O_CREAT:
                    raise
                return os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=opened[-1])
            if not S_ISLNK(os.fstat(here).st_mode) or (flags & os.O_NOFOLLOW and not parts):
                opened.append(here)
                continue
            target = os.readlink("", dir_fd=here)
            os.close(here)
            followed += 1
            if no_symlinks or followed > _MOST_SYMLINKS:
                raise OSError(ELOOP, os.strerror(ELOOP), path)
            if target.startswith("/"):
                while len(opened) > 1:
                    os.close(opened.pop())
            parts += [word for word in target.split("/") if word not in ("", ".")][::-1]
        return os.open(f"/proc/self/fd/{opened[-1]}", flags & ~os.O_NOFOLLOW | os.O_CLOEXEC)
    finally:
        for descriptor in opened:
            os.close(descriptor)


class Held:
    """A `with` block that has a descriptor, which is closed when the block ends."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __enter__(self) -> int:
        return self.descriptor

    def __exit__(self, *exception: object) -> None:
        os.close(self.descriptor)


# The errors for an entry of a tree that has gone, or is another, since it was listed.
GONE = (ENOENT, ELOOP, ENOTDIR)


class Allowing:
    """A `with` block in which some errno values are no failure: the block ends where one of them comes up."""

    __slots__ = ("numbers",)

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, OSError) and error.errno in self.numbers


def content(path: str, *absent: int) -> str:
    """Return the text of a file of the kernel's. absent: the errno values that mean that there is none; then it is ''."""
    with Allowing(*absent), Held(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as descriptor:
        text = b""
        while piece := os.read(descriptor, 1 << 16):
            text += piece
        return text.decode(errors="surrogateescape")
    return ""


def open_directory(name: str, parent: int | None = None) -> int:
    """Open a directory, to list it. Raises OSError (ELOOP or ENOTDIR) if it is a symlink by now.

    parent: a descriptor of the directory in which `name` is looked up, or None for the working directory.
    """
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
