"""A directory → a tar: a layer of what changed, or a whole tree. Deterministic: sorted names, numeric owners."""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from mydocker.kernel.files import RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, open_directory, openat2
from mydocker.storage.whiteouts import PLAIN, PREFIX, Form, names_below

# What an entry answers that the container has removed or replaced meanwhile.
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)
_XATTR_PREFIX = "SCHILY.xattr."
_PRIVATE_XATTRS = ("trusted.overlay.", "user.overlay.")


def pack(
    directory: str, stream: BinaryIO, form: Form, exclude: set[str], one_file_system: bool = False, layers: Sequence[str] = ()
) -> None:
    """Write a layer directory as an uncompressed tar, its whiteouts as `.wh.` files.

    exclude: absolute paths as the container sees them; neither they nor what is below them is written. layers: the directories of
    those below it, topmost first: what an opaque directory hides of them is whited out name by name, as the specification wants it.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        Packing(archive, directory, form, exclude, one_file_system, layers).whole()


def pack_tree(directory: str, stream: BinaryIO, exclude: set[str] | None = None, one_file_system: bool = True) -> None:
    """Write a whole tree as an uncompressed tar, without what other file systems that are mounted in it hold."""
    pack(directory, stream, PLAIN, exclude or set(), one_file_system)


def pack_one(directory: str | int, name: str, stream: BinaryIO) -> None:
    """Write one entry of a directory (a path, or a descriptor that is closed in the end) and all below it; '.' for all its entries."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive, _inside(directory):
        packing = Packing(archive, ".", PLAIN, set(), False)
        if name == ".":
            packing.walk("")
        else:
            packing.add("", name)


class Packing:
    """One tar under way: hard links known by device and inode.

    The tree may be a running container's, which can put a symlink where a directory was a moment ago. So the current directory moves
    through it, by descriptors that were opened without following symlinks, and every name is looked up in that directory only.
    """

    def __init__(
        self, archive: tarfile.TarFile, root: str, form: Form, exclude: set[str], one_file_system: bool, layers: Sequence[str] = ()
    ) -> None:
        self.layers = [os.path.abspath(layer) for layer in layers]
        self.archive = archive
        self.root = root
        self.form = form
        self.exclude = exclude
        self.device = os.stat(root).st_dev if one_file_system else None
        self.links: dict[tuple[int, int], str] = {}

    def whole(self) -> None:
        """Write everything below the root."""
        with _inside(self.root):
            self.walk("")

    def add_one(self, path: str) -> None:
        """Write one entry of the tree, without what is below it; one that the container has removed meanwhile is left out."""
        root = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY
            parent = openat2(os.path.dirname(path).lstrip("/") or ".", flags, 0, root, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)
            with _inside(parent):
                self.add_entry(path, os.lstat(os.path.basename(path)))
        except OSError as error:
            if error.errno not in _GONE:
                raise
        finally:
            os.close(root)

    def walk(self, path: str, opaque: bool = False) -> None:
        """Write what is in the current directory, which is `path` of the tree: '' or with a slash first.

        opaque: whether nothing of the layers below shows in it, because none does in a directory above.
        """
        names = sorted(os.listdir("."))
        opaque = opaque or bool(path and self.form.is_opaque("."))
        if opaque:
            self._hide(path, set(names))
        for name in names:
            if f"{path}/{name}" in self.exclude or self.form.is_own(name):
                continue
            try:
                self.add(path, name, opaque)
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                # Removed or replaced by the container meanwhile: of that, the tar holds what there was.

    def _hide(self, path: str, own: set[str]) -> None:
        """Write that what the layers below have in an opaque directory is gone, but for what is there anew."""
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
            if stat.S_ISDIR(status.st_mode) and self.device in (None, status.st_dev):
                with _inside(name):
                    self.walk(where, opaque)

    def add_entry(self, path: str, status: os.stat_result) -> None:
        """Write one entry of the current directory, `path` in the tree, without what is below it."""
        member = self._member(path, status)
        if not member.isreg():
            self.archive.addfile(member)
            return
        with open(os.path.basename(path), "rb", opener=_open_file) as file:
            # What the file is now is what is written; a container may write to it meanwhile, or cut it.
            member.size = os.fstat(file.fileno()).st_size
            self.archive.addfile(member, _Padded(file))

    def add_whiteout(self, path: str) -> None:
        """Write that what is at a `.wh.` path's place is gone."""
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
    """A file that goes on with zeros where it is shorter than it was said to be: a tar's member has its size first."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, size: int = -1, /) -> bytes:
        return self.file.read(size).ljust(size, b"\0")


@contextmanager
def _inside(directory: str | int) -> Iterator[None]:
    """Work in a directory, a descriptor (closed in the end) or a name, opened without following a symlink, and come back."""
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        inside = directory if isinstance(directory, int) else open_directory(directory)
        try:
            os.fchdir(inside)
            yield
        finally:
            os.close(inside)
            os.fchdir(before)
    finally:
        os.close(before)


def _open_file(path: str, flags: int) -> int:
    """Open an ordinary file; what has become a symlink is refused, and a FIFO is not waited for."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ELOOP, "no ordinary file any more", path)


def _xattrs(path: str) -> dict[str, str]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return {}
    kept = [name for name in names if not name.startswith(_PRIVATE_XATTRS)]
    return {_XATTR_PREFIX + name: os.getxattr(path, name, follow_symlinks=False).decode("utf-8", "surrogateescape") for name in kept}
