"""A directory → a tar: a layer of what changed, or a whole tree. Deterministic: sorted names, numeric owners."""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from typing import BinaryIO

from mydocker.storage.whiteouts import OPAQUE, PLAIN, PREFIX, Form

_XATTR_PREFIX = "SCHILY.xattr."
_PRIVATE_XATTRS = ("trusted.overlay.", "user.overlay.")


def pack(directory: str, stream: BinaryIO, form: Form, exclude: set[str], one_file_system: bool = False) -> None:
    """Write a layer directory as an uncompressed tar, its whiteouts as `.wh.` files.

    exclude: absolute paths as the container sees them; neither they nor what is below them is written.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        Packing(archive, directory, form, exclude, one_file_system).walk("")


def pack_tree(directory: str, stream: BinaryIO, exclude: set[str] | None = None, one_file_system: bool = True) -> None:
    """Write a whole tree as an uncompressed tar, without what other file systems that are mounted in it hold."""
    pack(directory, stream, PLAIN, exclude or set(), one_file_system)


class Packing:
    """One tar under way: hard links known by device and inode."""

    def __init__(self, archive: tarfile.TarFile, root: str, form: Form, exclude: set[str], one_file_system: bool) -> None:
        self.archive = archive
        self.root = root
        self.form = form
        self.exclude = exclude
        self.device = os.stat(root).st_dev if one_file_system else None
        self.links: dict[tuple[int, int], str] = {}

    def walk(self, path: str) -> None:
        """Write what is in a directory; path is '' or starts with a slash."""
        directory = self.root + path
        if path and self.form.is_opaque(directory):
            self.add_whiteout(f"{path}/{OPAQUE}")
        for name in sorted(os.listdir(directory)):
            where = f"{path}/{name}"
            if where in self.exclude or self.form.is_own(name):
                continue
            status = os.lstat(self.root + where)
            gone = self.form.deleted(directory, name, status)
            if gone:
                self.add_whiteout(f"{path}/{PREFIX}{gone}")
            elif not stat.S_ISSOCK(status.st_mode):
                self._add(where, status)

    def _add(self, path: str, status: os.stat_result) -> None:
        self.add_entry(path, status)
        if stat.S_ISDIR(status.st_mode) and self.device in (None, status.st_dev):
            self.walk(path)

    def add_entry(self, path: str, status: os.stat_result) -> None:
        """Write one entry, without what is below it."""
        member = self._member(path, status)
        if member.isreg():
            with open(self.root + path, "rb", opener=_open_file) as file:
                self.archive.addfile(member, file)
        else:
            self.archive.addfile(member)

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
            headers |= _xattrs(self.root + path)
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
            member.type, member.linkname = tarfile.SYMTYPE, os.readlink(self.root + path)
        elif stat.S_ISFIFO(mode):
            member.type = tarfile.FIFOTYPE
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            member.type = tarfile.CHRTYPE if stat.S_ISCHR(mode) else tarfile.BLKTYPE
            member.devmajor, member.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
        else:
            member.size = status.st_size
        if not stat.S_ISDIR(mode):
            self.links.setdefault(key, path.lstrip("/"))


def _open_file(path: str, flags: int) -> int:
    # The tree may be a running container's: what was a file a moment ago may be a symlink now.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _xattrs(path: str) -> dict[str, str]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return {}
    kept = [name for name in names if not name.startswith(_PRIVATE_XATTRS)]
    return {_XATTR_PREFIX + name: os.getxattr(path, name, follow_symlinks=False).decode("utf-8", "surrogateescape") for name in kept}
