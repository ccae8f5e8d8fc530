"""Writing a directory as a tar: a layer with what has changed, or a whole tree.

The same directory always gives the same tar: names are sorted, and owners are numbers.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from contextlib import contextmanager

from mydocker.kernel.files import GONE, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, Allowing, Held, open_directory, openat2
from mydocker.storage.whiteouts import PLAIN, PREFIX, Form, names_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from typing import BinaryIO

_XATTR_PREFIX = "SCHILY.xattr."
_PRIVATE_XATTRS = ("trusted.overlay.", "user.overlay.")


def pack(directory: str, stream: BinaryIO, form: Form, exclude: set[str], layers: Sequence[str] = ()) -> None:
    """Write a layer's directory as an uncompressed tar with its whiteouts as `.wh.` files.

    form: how the directory holds whiteouts.
    exclude: absolute paths as the container sees them. Neither they nor what is below them is written.
    layers: the directories of the layers below, topmost first. What an opaque directory hides of them is whited out name by name, as
        the specification wants it.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        Packing(archive, directory, form, exclude, None, layers).whole()


def pack_tree(directory: str, stream: BinaryIO, hidden: Container[str] = ()) -> None:
    """Write a whole tree as an uncompressed tar. The contents of file systems that are mounted in it are left out.

    hidden: directories whose contents are left out as well, for what is mounted from the same file system
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        packing = Packing(archive, directory, PLAIN, set(), {os.stat(directory).st_dev})
        packing.hidden = hidden
        packing.whole()


def pack_one(directory: str | int, name: str, archive: tarfile.TarFile, devices: set[int] | None = None, itself: bool = False) -> None:
    """Write one entry of a directory and all that is below it to a tar.

    directory: a path, or a descriptor, which is closed in the end.
    name: the entry's name, or '.' for all entries.
    devices: the file systems below the entry whose contents are written, or None for all. The entry's own is one of them.
    itself: with '.', write an entry for the directory too, so that all names begin with './'.
    """
    with _inside(directory):
        own = {os.lstat(name).st_dev}
        packing = Packing(archive, ".", PLAIN, set(), devices and devices | own)
        if name == "." and not itself:
            packing.walk("")
        else:
            packing.add("", name)


class Packing:
    """One tar that is being written.

    The tree may belong to a running container, which can put a symlink where a directory was a moment ago. So the current directory
    moves through the tree by descriptors that were opened without following symlinks. Every name is looked up only in that directory.
    """

    def __init__(
        self, archive: tarfile.TarFile, root: str, form: Form, exclude: set[str], devices: set[int] | None, layers: Sequence[str] = ()
    ) -> None:
        self.layers = [os.path.abspath(layer) for layer in layers]
        self.archive = archive
        self.root = root
        self.form = form
        self.exclude = exclude
        self.hidden: Container[str] = ()  # directories that are written without what they hold
        self.devices = devices  # the file systems whose directories are written with what they hold; None: all
        self.links: dict[tuple[int, int], str] = {}  # (device, inode) → the first name, to which hard links are written

    def whole(self) -> None:
        """Write everything below the root."""
        with _inside(self.root):
            self.walk("")

    def add_one(self, path: str) -> None:
        """Write one entry of the tree without what is below it. An entry that the container has removed meanwhile is left out."""
        with Held(os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as root:
            flags = os.O_RDONLY | os.O_DIRECTORY
            with Allowing(*GONE):
                parent = openat2(os.path.dirname(path).lstrip("/") or ".", flags, 0, root, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)
                with _inside(parent):
                    self.add_entry(path, os.lstat(os.path.basename(path)))

    def walk(self, path: str, opaque: bool = False) -> None:
        """Write what is in the current directory.

        path: the directory's path in the tree: '' for the root, else with a slash first.
        opaque: whether a directory above hides the layers below, and so hides them here too.
        """
        names = sorted(os.listdir("."))
        opaque = opaque or bool(path and self.form.is_opaque("."))
        if opaque:
            self._hide(path, set(names))
        for name in names:
            if f"{path}/{name}" in self.exclude or self.form.is_own(name):
                continue
            with Allowing(*GONE):  # The tar holds what was there until then.
                self.add(path, name, opaque)

    def _hide(self, path: str, own: set[str]) -> None:
        """Write a whiteout for every name that the layers below have in an opaque directory, except for the directory's own names."""
        for name in sorted(names_below(self.form, path, self.layers) - own):
            if f"{path}/{name}" not in self.exclude:
                self.add_whiteout(f"{path}/{PREFIX}{name}")

    def add(self, path: str, name: str, opaque: bool = False) -> None:
        where = f"{path}/{name}"
        status = os.lstat(name)
        gone = self.form.deleted(name, status)
        if gone:
            self.add_whiteout(f"{path}/{PREFIX}{gone}")
        elif not stat.S_ISSOCK(status.st_mode):
            self.add_entry(where, status)
            if stat.S_ISDIR(status.st_mode) and where not in self.hidden and (not self.devices or status.st_dev in self.devices):
                with _inside(name):
                    self.walk(where, opaque)

    def add_entry(self, path: str, status: os.stat_result) -> None:
        """Write one entry of the current directory without what is below it. path: the entry's path in the tree."""
        member = self._member(path, status)
        if not member.isreg():
            self.archive.addfile(member)
            return
        with open(os.path.basename(path), "rb", opener=_open_file) as file:
            # The file's size is taken once. A container may write to the file or cut it while it is read.
            member.size = os.fstat(file.fileno()).st_size
            self.archive.addfile(member, _Padded(file))

    def add_whiteout(self, path: str) -> None:
        """Write a whiteout. path: the path in the tree, with `.wh.` before the name of what is gone."""
        self.archive.addfile(tarfile.TarInfo(path.lstrip("/")))

    def _member(self, path: str, status: os.stat_result) -> tarfile.TarInfo:
        member = tarfile.TarInfo(path.lstrip("/"))
        member.uid, member.gid, member.mode = status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)
        seconds, rest = divmod(status.st_mtime_ns, 10**9)
        member.mtime = seconds
        headers = {"mtime": f"{seconds}.{rest:09d}"} if rest else {}
        self._set_kind(member, path, status)
        if not member.islnk():
            headers |= _xattrs(os.path.basename(path))
        member.pax_headers = headers
        return member

    def _set_kind(self, member: tarfile.TarInfo, path: str, status: os.stat_result) -> None:
        mode = status.st_mode
        key = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(mode):
            member.type = tarfile.DIRTYPE
        elif status.st_nlink > 1 and key in self.links:
            member.type, member.linkname = tarfile.LNKTYPE, self.links[key]
        elif stat.S_ISLNK(mode):
            member.type, member.linkname = tarfile.SYMTYPE, os.readlink(os.path.basename(path))
        elif stat.S_ISFIFO(mode):
            member.type = tarfile.FIFOTYPE
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            member.type = tarfile.CHRTYPE if stat.S_ISCHR(mode) else tarfile.BLKTYPE
            member.devmajor, member.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
        else:
            member.size = status.st_size
        if not stat.S_ISDIR(mode):
            self.links.setdefault(key, path.lstrip("/"))


class _Padded:
    """A file that is read as if zeros followed its end.

    In a tar a member's size comes before its contents. So a file that a container cuts meanwhile is filled up.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, size: int = -1, /) -> bytes:
        return self.file.read(size).ljust(size, b"\0")


@contextmanager
def _inside(directory: str | int) -> Iterator[None]:
    """Change into a directory for the time of a with statement.

    directory: a name, which is opened without following a symlink, or a descriptor, which is closed in the end.
    """
    with Held(os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as before:
        inside = directory if isinstance(directory, int) else open_directory(directory)
        try:
            os.fchdir(inside)
            yield
        finally:
            os.close(inside)
            os.fchdir(before)


def _open_file(path: str, flags: int) -> int:
    """Open a regular file. Raises OSError with ELOOP if it has become anything else, and never waits for a FIFO's other end."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ELOOP, "no ordinary file any more", path)


def _xattrs(path: str) -> dict[str, str]:
    """Return a file's extended attributes as headers. One that is removed meanwhile is left out."""
    found = {}
    with Allowing(errno.EOPNOTSUPP, errno.ENODATA):
        for name in os.listxattr(path, follow_symlinks=False):
            if not name.startswith(_PRIVATE_XATTRS):
                value = os.getxattr(path, name, follow_symlinks=False)
                found[_XATTR_PREFIX + name] = value.decode("utf-8", "surrogateescape")
    return found
