"""Unpacking a layer tar into a directory. Nothing is ever written outside of the directory, whatever the tar says.

A member's parent is opened with the directory as the root of all symlinks, and the member is made by its name in there. So an absolute
name begins at the directory too, as it does for docker.

Damaged is raised for names with '..' that lead out, members below a file or a dangling symlink, and hard links to what is not in the
directory. Error is raised for more bytes than allowed.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile

from mydocker import store
from mydocker.errors import Conflict, Damaged, Error, StepFailed
from mydocker.kernel.files import Held, openat2
from mydocker.storage.names import is_for_others
from mydocker.storage.whiteouts import OPAQUE, PREFIX, Form
from mydocker.tarreader import damaged, members, open_tar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from typing import Any, BinaryIO

_CHUNK = 1 << 20
_NOT_IN_AUFS = "the storage driver aufs has no names that begin with .wh. or are longer than 242 bytes"
_XATTR_PREFIX = "SCHILY.xattr."
# These attributes say something about layers on this machine and not about the image.
_PRIVATE_XATTRS = ("trusted.overlay.", "user.overlay.")


def unpack(
    stream: BinaryIO,
    directory: str,
    form: Form | None,
    max_size: int | None = None,
    prepare: Callable[[tarfile.TarInfo], None] | None = None,
) -> int:
    """Unpack an uncompressed tar into an existing directory and return the size of its files' contents in bytes.

    form: how to write whiteouts, or None for a tar that is not a layer. In such a tar `.wh.` names are ordinary names.
    max_size: the most bytes that the files' contents may have together, or None.
    prepare: a function that is called with each member before it is made.

    Raises Damaged and Error, as the module says, and Conflict if something in the directory is in a member's way.
    """
    unpacking = _Unpacking(directory, form, max_size)
    try:
        with open_tar(stream) as archive:
            for member in members(archive):
                if prepare:
                    prepare(member)
                unpacking.add(archive, member)
    except (tarfile.TarError, EOFError) as error:
        raise damaged(error) from error
    finally:
        unpacking.close()
    return unpacking.size


class _Unpacking:
    """One tar that is being unpacked."""

    def __init__(self, directory: str, form: Form | None, max_size: int | None) -> None:
        self.root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.form = form
        self.max_size = max_size
        self.size = 0
        # Directory → the names that this tar has made in it.
        self.names: dict[str, set[str]] = {}
        # Directory → its member, whose time is set at the end: making something in a directory changes the directory's time.
        self.times: dict[str, tarfile.TarInfo] = {}

    def close(self) -> None:
        """Set the times of the directories, innermost first, and close the root's descriptor."""
        with Held(self.root):
            for path in sorted(self.times, reverse=True):
                self._set_times(path)

    def _set_times(self, path: str) -> None:
        try:
            descriptor = self._open(path)
        except (FileNotFoundError, NotADirectoryError):
            return  # A later member has replaced it.
        _touch(f"/proc/self/fd/{descriptor}", self.times[path])
        os.close(descriptor)

    def add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Make one member."""
        path = _checked(member.name)
        if path == "":
            self._set_attributes(f"/proc/self/fd/{self.root}/.", member)
            self.times["."] = member
            return
        parent, _, name = path.rpartition("/")
        try:
            descriptor = self._parent(parent)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EEXIST):
                raise
            raise Damaged(f"tar member {member.name!r} lies below a file or a symlink that leads nowhere") from error
        try:
            self._add_in(archive, member, f"/proc/self/fd/{descriptor}", parent, name)
        except OSError as error:
            if error.errno == errno.EEXIST:
                raise Conflict(f"{member.name} was made by somebody else meanwhile", "do it again") from error
            if error.errno not in (errno.EPERM, errno.ENAMETOOLONG):
                raise
            reason = _NOT_IN_AUFS if is_for_others(name) else error.strerror
            raise StepFailed(f"{member.name}: {reason}", error.errno) from error
        finally:
            os.close(descriptor)

    def _add_in(self, archive: tarfile.TarFile, member: tarfile.TarInfo, directory: str, parent: str, name: str) -> None:
        known = self.names.setdefault(parent, set())
        if self.form and name.startswith(PREFIX):
            self._add_whiteout(self.form, member, directory, name, known)
        else:
            known.add(name)
            self._make(archive, member, f"{directory}/{name}", f"{parent}/{name}".lstrip("/"))

    def _add_whiteout(self, form: Form, member: tarfile.TarInfo, directory: str, name: str, known: set[str]) -> None:
        if name == OPAQUE:
            form.make_opaque(directory, known)
        elif name.startswith(PREFIX + PREFIX):
            return  # This is bookkeeping of aufs, which never belongs to a layer.
        else:
            gone = name[len(PREFIX) :]
            if gone in ("", ".", ".."):
                raise Damaged(f"tar member {member.name!r} is a whiteout of nothing that can be in a directory")
            store.remove_tree(f"{directory}/{gone}")
            form.white_out(directory, gone)

    def _make(self, archive: tarfile.TarFile, member: tarfile.TarInfo, place: str, path: str) -> None:
        self._make_room(member, place)
        if member.isdir():
            if not _is_directory(place):
                os.mkdir(place)
            self.times[path] = member
        else:
            self._make_other(archive, member, place)
        if not member.islnk():
            self._set_attributes(place, member)

    def _make_room(self, member: tarfile.TarInfo, place: str) -> None:
        """Remove what is in a member's place.

        A member of a layer replaces whatever is there. In any other tar, a file replaces only a file, and a directory is merged into a
        directory. Raises Conflict for a file in a directory's place, and the reverse.
        """
        if member.isdir() and _is_directory(place):
            return
        if self.form:
            store.remove_tree(place)
        elif os.path.lexists(place):
            if member.isdir() or _is_directory(place):
                kinds = ("a file", "a directory") if member.isdir() else ("a directory", "a file")
                raise Conflict(f"cannot replace {kinds[0]} by {kinds[1]}: {member.name}")
            os.unlink(place)

    def _make_other(self, archive: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
        if member.islnk():
            self._hard_link(member, place)
        elif member.issym():
            os.symlink(member.linkname, place)
        elif member.isfifo():
            os.mkfifo(place)
        elif member.ischr() or member.isblk():
            kind = 0o020000 if member.ischr() else 0o060000
            os.mknod(place, kind | 0o600, os.makedev(member.devmajor, member.devminor))
        elif member.isfile():
            self._write_file(archive, member, place)
        else:
            raise Damaged(f"tar member {member.name!r} is of a kind that no layer has: {member.type!r}")

    def _hard_link(self, member: tarfile.TarInfo, place: str) -> None:
        parent, _, name = _checked(member.linkname).rpartition("/")
        try:
            with Held(self._open(parent or ".")) as descriptor:
                os.link(name, place, src_dir_fd=descriptor, follow_symlinks=False)
        except OSError as error:
            raise Damaged(f"tar member {member.name!r} links to {member.linkname!r}: {error.strerror}") from error

    def _write_file(self, archive: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
        self.size += member.size
        if self.max_size is not None and self.size > self.max_size:
            raise Error(f"the archive's contents are more than {self.max_size} bytes", "raise the limit by --max-size if you trust it")
        source: Any = archive.extractfile(member)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as target:
            # Only what the archive holds is copied. A sparse file can claim holes of any size.
            sparse: list[tuple[int, int]] | None = getattr(member, "sparse", None)
            for offset, size in [(0, member.size)] if sparse is None else sparse:
                source.raw.seek(offset)  # The raw file has no buffer. What a buffer has read ahead of a hole could not be read again.
                target.seek(offset)
                _copy(source.raw, target, size)
            target.truncate(member.size)

    def _set_attributes(self, place: str, member: tarfile.TarInfo) -> None:
        """Set owner, mode, attributes and times.

        This goes through a descriptor, because a container may have put a symlink into this place meanwhile.
        """
        with Held(os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)) as descriptor:
            if stat.S_ISLNK(os.fstat(descriptor).st_mode) != member.issym():
                raise Conflict(f"{member.name} was replaced while it was made")
            itself = f"/proc/self/fd/{descriptor}"
            if os.geteuid() == 0:
                os.chown(itself, member.uid, member.gid)
            if not member.issym():
                os.chmod(itself, member.mode & 0o7777)
            for key, value in member.pax_headers.items():
                if key.startswith(_XATTR_PREFIX) and not key[len(_XATTR_PREFIX) :].startswith(_PRIVATE_XATTRS):
                    _set_xattr(itself, key[len(_XATTR_PREFIX) :], value)
            _touch(itself, member)

    def _parent(self, path: str) -> int:
        """Open a member's directory and return its descriptor. Directories that are missing are made."""
        try:
            return self._open(path or ".")
        except FileNotFoundError:
            above, _, name = path.rpartition("/")
            with Held(self._parent(above)) as descriptor:
                os.mkdir(name, 0o755, dir_fd=descriptor)
            return self._open(path)

    def _open(self, path: str) -> int:
        return openat2(path, os.O_PATH | os.O_DIRECTORY, dirfd=self.root)


def _checked(name: str) -> str:
    """Return a member's name from the directory on, without '.', '..' and a trailing slash. Raises Damaged if it leads out."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                raise Damaged(f"tar member {name!r} lies outside of the archive's root")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _copy(source: BinaryIO, target: FileIO, size: int) -> None:
    """Copy `size` bytes. A chunk of zeros becomes a hole. Raises EOFError if the source has fewer bytes."""
    while size:
        chunk = source.read(min(size, _CHUNK))
        if not chunk:
            raise EOFError("unexpected end of data")
        if chunk.count(0) == len(chunk):
            target.seek(len(chunk), os.SEEK_CUR)
        else:
            target.write(chunk)
        size -= len(chunk)


def _is_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _set_xattr(place: str, name: str, value: str) -> None:
    try:
        os.setxattr(place, name, value.encode("utf-8", "surrogateescape"))
    except OSError as error:
        # It is a user.* attribute of what is neither a file nor a directory, or the file system has no attributes. docker goes on too.
        if error.errno not in (errno.EOPNOTSUPP, errno.EPERM):
            raise


def _touch(place: str, member: tarfile.TarInfo) -> None:
    stamp = member.pax_headers.get("mtime", "")
    whole, _, fraction = stamp.partition(".")
    nanoseconds = int(whole) * 10**9 + int((fraction + "0" * 9)[:9]) if whole.isdigit() else int(member.mtime) * 10**9
    os.utime(place, ns=(nanoseconds, nanoseconds))
