"""The files of a container as a tar, in and out, and what one path is: docker's archive endpoints, and what cp shares with them.

A path's last symlink is not followed: docker's client asks what it leads to, and asks again.
"""

from __future__ import annotations

import os
import stat

from mydocker.engine.container import copy, sides
from mydocker.engine.container.children import Child
from mydocker.engine.record import bundle, events, locks, state
from mydocker.errors import BadInput, NotFound, StepFailed
from mydocker.kernel import inroot
from mydocker.kernel.files import openat2
from mydocker.runtime.init import resolved_user
from mydocker.storage import drivers

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable
    from typing import BinaryIO

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

# The kind of a file, and three bits of its mode, as Go's FileMode has them.
_KINDS = {stat.S_IFDIR: 1 << 31, stat.S_IFLNK: 1 << 27, stat.S_IFBLK: 1 << 26, stat.S_IFIFO: 1 << 25, stat.S_IFSOCK: 1 << 24}
_KINDS[stat.S_IFCHR] = 1 << 26 | 1 << 21
_BITS = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}
_MOST_SYMLINKS = 40


class PathStat:
    """What a path in a container is. It travels from the child that looked to its parent as a line."""

    def __init__(self, name: str, size: int, mode: int, modified: int, target: str) -> None:
        self.name = name
        self.size = size
        self.mode = mode  # as Go has it
        self.modified = modified  # ns since 1970
        self.target = target  # where a symlink leads to, an absolute path; '' for all else


def reach(paths: Paths, record: Record, work: Callable[[sides.Container], None]) -> None:
    """Call work() with a container's side. Nobody starts or removes a stopped container meanwhile: its root is mounted for this."""
    inside = sides.Container(paths=paths, driver=drivers.driver(record["storageDriver"], paths), record=record)
    with locks.ContainerLock(paths, record["id"]):
        locks.load_whole(paths, record["id"])
        inside.pid = state.running_pid(paths, record["id"])
        if not inside.pid:
            work(inside)
    if inside.pid:
        with locks.WithoutLock(paths, record, inside.pid):
            work(inside)


def look(inside: sides.Container, path: str) -> PathStat:
    """Return what a path is. Raises NotFound."""
    read, write = os.pipe()

    def child() -> None:
        found = _look(inside.enter(), inside.absolute(path))
        with open(write, "w", errors="surrogateescape") as told:
            told.write("\0".join(found))

    looking = Child(child)
    os.close(write)
    with open(read, errors="surrogateescape") as told:
        words = told.read().split("\0")
    _finished(looking, inside, path)
    name, size, mode, modified, target = words
    return PathStat(name, int(size), int(mode), int(modified), target)


def _look(root: int, path: str) -> tuple[str, ...]:
    directory, name = copy.found(root, path, False)
    status = os.lstat(f"{inroot.by_descriptor(directory)}/{name}")
    mode = stat.S_IMODE(status.st_mode) & 0o777 | _KINDS.get(stat.S_IFMT(status.st_mode), 0)
    mode |= sum(go for bit, go in _BITS.items() if status.st_mode & bit)
    target = _target(root, path) if stat.S_ISLNK(status.st_mode) else ""
    shown = os.path.basename(os.path.normpath(path)) or "/"
    return shown, str(status.st_size), str(mode), str(status.st_mtime_ns), target


def _target(root: int, path: str) -> str:
    """Return where a symlink leads to, as an absolute path, whether that exists or not."""
    for _ in range(_MOST_SYMLINKS):
        try:
            directory, name = copy.found(root, path, False)
            path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(f"{inroot.by_descriptor(directory)}/{name}")))
        except (NotFound, OSError):
            break
    return path


def send(inside: sides.Container, path: str, take: Callable[[BinaryIO], None]) -> None:
    """Have take() read a file or a directory as a tar. Raises NotFound, before take() is called."""
    read, write = os.pipe()

    def child() -> None:
        os.close(read)
        with open(write, "wb") as stream:
            copy.pack_found(inside, path, stream, itself=True)

    packing = Child(child)
    os.close(write)
    with open(read, "rb") as stream:
        if stream.peek(1):
            take(stream)
    _finished(packing, inside, path)
    events.of_container(inside.paths, inside.record, "archive-path", path=path)


def receive(inside: sides.Container, path: str, give: Callable[[BinaryIO], None], strict: bool, to_user: bool) -> None:
    """Unpack the tar that give() writes, plain or compressed, into a directory of a container.

    strict: refuse to put a directory in the place of a file, and a file in that of a directory
    to_user: the files become the container's user's, if it has another than root

    Raises BadInput if the path is no directory, or what is written no tar.
    """
    read, write = os.pipe()
    owner: list[int] = []  # known from the first member on

    def check(root: int, directory: int, member: tarfile.TarInfo) -> None:
        if strict:
            _check_kind(directory, member)
        if to_user and inside.record["config"]["User"]:
            owner[:] = owner or _user(inside, inroot.by_descriptor(root))
            member.uid, member.gid = owner

    def child() -> None:
        os.close(write)
        with open(read, "rb") as stream:
            copy.unpack_stream(stream, inside, path, check)

    unpacking = Child(child)
    os.close(read)
    try:
        with open(write, "wb") as stream:
            give(stream)
    except BrokenPipeError:
        pass  # the child says why
    _finished(unpacking, inside, path)
    events.of_container(inside.paths, inside.record, "extract-to-dir", path=path)


def _user(inside: sides.Container, root: str) -> list[int]:
    """Return uid and gid of a container's user, as its own files name it."""
    spec = bundle.load(inside.paths, inside.record["id"])
    return list(resolved_user(spec, inroot.read_text(root, "/etc/passwd"), inroot.read_text(root, "/etc/group"))[:2])


def _check_kind(directory: int, member: tarfile.TarInfo) -> None:
    """Raise BadInput if a member would put a directory in the place of a file, or a file in that of a directory."""
    try:
        there = openat2(member.name.lstrip("/") or ".", os.O_PATH | os.O_NOFOLLOW, dirfd=directory)
    except (FileNotFoundError, NotADirectoryError):
        return
    is_directory = stat.S_ISDIR(os.fstat(there).st_mode)
    os.close(there)
    if is_directory != member.isdir():
        words = ("directory", "non-directory") if is_directory else ("non-directory", "directory")
        raise BadInput(f"cannot overwrite {words[0]} {member.name!r} with {words[1]}")


def _finished(child: Child, inside: sides.Container, path: str) -> None:
    """Wait for a child. What it says of a path is no defect of ours: the kinds of errors that a client may tell apart are raised again."""
    try:
        child.wait()
    except StepFailed as error:
        if error.message.startswith("no such file or directory"):
            raise NotFound(f"Could not find the file {path} in container {inside.record['id']}") from error
        raise BadInput(error.message) from error
