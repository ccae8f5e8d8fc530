"""Crash-safe files: documents that are whole or absent, claims that only one owner can hold, locks that end with their holder.

Locking order: container before network before image. A lock is flock(2) on a file of its own, so that the kernel frees it
whatever ends its holder. The file itself stays. There is one exception, the directory of a volume that is being filled
(engine/volume/first_use.py): its lock is taken last.
"""

from __future__ import annotations

import os
from errno import EDQUOT, EISDIR, ELOOP, EMFILE, ENFILE, ENOMEM, ENOSPC, EROFS
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock

from mydocker import leanjson
from mydocker.errors import Damaged
from mydocker.shape import WrongShape, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.shape import Shape

# Who holds a claim that is damaged: the id of no container.
UNCLEAR = "?"
# What keeps this process from reading, and says nothing of a file.
_OURS = (EMFILE, ENFILE, ENOMEM)
# How many bytes a JSON file may have: more than any has, and less than memory.
JSON_MAX = 16 << 20

# What a disk without room says, or a user's share of it.
FULL = (ENOSPC, EDQUOT)
_BLOCK = 4096


def write_atomic(path: str, data: bytes, mode: int = 0o600, sync: bool = True) -> None:
    """Replace a file so that a reader sees the old content or the new one and nothing between, also after a power cut.

    sync: False leaves out both calls of fsync(2). That is for what a reboot ends anyway (tmpfs), or whose loss means that
        it never happened.
    """
    made = temporary(path)
    try:
        _write(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), data, sync)
        os.rename(made, path)
    except BaseException as error:
        remove_tree(made)
        if isinstance(error, OSError) and not error.filename:
            error.filename = path
        raise
    if sync:
        to_disk(os.path.dirname(path))


def _write(descriptor: int, data: bytes, sync: bool) -> None:
    """Make data the content of a file, and close it."""
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.ftruncate(descriptor, len(data))
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_reserving(path: str, data: bytes, sync: bool = True) -> None:
    """Replace a file as write_atomic does, on a full disk too: in blocks that were put by beside it when it was last written."""
    spare = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.spare")
    try:
        write_atomic(path, data, sync=sync)
    except OSError as error:
        if error.errno not in FULL or not os.path.exists(spare):
            raise
        try:
            _write(os.open(spare, os.O_WRONLY | os.O_CLOEXEC), data, sync)
        except OSError as second:
            raise error from second  # Where each write takes new blocks (btrfs), those do not help.
        os.rename(spare, path)
        if sync:
            to_disk(os.path.dirname(path))
    _reserve(spare, len(data))


def _reserve(spare: str, size: int) -> None:
    """Have a file with blocks for so many bytes, and some more, if there is room for it."""
    wanted = (size // _BLOCK + 1) * _BLOCK
    if os.path.exists(spare) and os.path.getsize(spare) >= wanted:
        return
    descriptor = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, wanted)
    except OSError:
        os.unlink(spare)  # the disk is full already
    finally:
        os.close(descriptor)


def temporary(path: str) -> str:
    """Return the name that this process gives to what will become `path`, or was it. No container or volume can have such a name."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.tmp")


def writer_of(name: str) -> int:
    """Return the pid in a name that temporary() made, or 0 for any other name."""
    pid = name.split(".")[-2] if name.startswith(".") and name.endswith(".tmp") else ""
    return int(pid) if pid.isdigit() else 0


def make_private(path: str) -> None:
    """Make a directory, and what is missing above it, for its owner alone. A directory that is there already stays as it is."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_private(os.path.dirname(path))
        make_private(path)


def close_to_others(path: str) -> None:
    """Close a directory of ours to everybody except its owner, and a group that passes through it to a socket (api/listening.py)."""
    try:
        status = os.stat(path)
    except OSError:
        return  # Whoever uses the directory is told what is wrong with it.
    if status.st_mode & 0o077 not in (0, 0o010 if status.st_gid else 0) and status.st_uid == os.geteuid():
        os.chmod(path, 0o700)


def to_disk(path: str) -> None:
    """Make a file's content durable, or the renames and removals in a directory."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_whole(path: str, limit: int = -1) -> bytes:
    """Return a file's content, up to a limit. Raises FileNotFoundError, or Damaged for what is there and cannot be read."""
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            return file.read(min(os.fstat(file.fileno()).st_size or limit, limit))  # Python takes so much memory before it reads
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _OURS:
            raise
        raise Damaged(f"{path}: {error.strerror}") from error


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a FIFO in its place would have us wait for whoever writes into it."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_json(path: str) -> Any:
    """Return a JSON file's value. Raises FileNotFoundError, or Damaged when it is not JSON or too long."""
    data = read_whole(path, JSON_MAX + 1)
    if len(data) > JSON_MAX:
        raise Damaged(f"{path}: more than {JSON_MAX} bytes")
    try:
        return leanjson.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path}: not valid JSON: {error}") from error


def read_document(path: str, shape: Shape) -> Any:
    """Return the document of a JSON file. It is checked against its shape, and what is missing gets its default.

    Raises FileNotFoundError, or Damaged, which names the path and the first field that is wrong.
    """
    document = read_json(path)
    try:
        fit(document, shape)
    except WrongShape as error:
        raise Damaged(f"{path}: {error}") from error
    return document


def write_json(path: str, value: Any, mode: int = 0o600, sync: bool = True) -> None:
    """Replace a JSON file. See write_atomic()."""
    write_atomic(path, leanjson.dumps(value).encode(), mode, sync)


def claim(path: str, owner: str) -> str | None:
    """Make a claim for `owner`. Return None if that worked, else the owner that holds the claim.

    path: the file that is the claim.

    The claim appears whole, by link(2). There is no moment at which it exists without its owner.
    """
    made = temporary(path)
    try:
        with open(made, "w") as file:
            file.write(owner)
        os.link(made, path)
    except FileExistsError:
        return claimed_by(path) or claim(path, owner)
    finally:
        remove_tree(made)
    return None


def claimed_by(path: str) -> str | None:
    """Return who holds a claim, None when nobody does, UNCLEAR when it is damaged."""
    try:
        owner = read_whole(path).decode()
    except FileNotFoundError:
        return None
    except (Damaged, UnicodeDecodeError):
        return UNCLEAR
    return owner if owner.isprintable() and owner and "/" not in owner else UNCLEAR


def release(path: str, owner: str) -> None:
    """Give a claim back if `owner` holds it. It is not an error if it does not."""
    if claimed_by(path) == owner:
        os.unlink(path)


def remove_tree(path: str) -> None:
    """Remove a file, or a directory with all that it holds, and follow no symlink. What is gone already, or meanwhile, is not an error."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            with os.scandir(path) as entries:
                for entry in entries:
                    remove_tree(entry.path)
            os.rmdir(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return


def discard(path: str) -> None:
    """Rename a tree and then remove it, so that nobody finds half of it under its own name. What is gone already is not an error."""
    doomed = temporary(path)
    try:
        os.rename(path, doomed)
    except FileNotFoundError:
        return
    remove_tree(doomed)


class Unlocked:
    """A `with` block without a lock, for when there is nothing yet that can be locked."""

    __slots__ = ()

    def __enter__(self) -> Unlocked:
        return self

    def __exit__(self, *exception: object) -> None:
        return


def _opened_lock(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in (EISDIR, ELOOP):
            raise Damaged(f"{path}: {error.strerror}") from error
        if error.errno != EROFS:
            raise
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)


class Lock:
    """A lock by flock(2) on a file, which is held inside a `with` block.

    shared: others may hold it at the same time, if they share it too.
    wait: False raises BlockingIOError if the lock would have to be waited for.

    Where nothing can be written, a file that is there can be locked all the same, and its directory in place of one that is not.
    """

    __slots__ = ("_descriptor", "_mode", "_path")

    def __init__(self, path: str, shared: bool = False, wait: bool = True) -> None:
        self._path = path
        self._mode = (LOCK_SH if shared else LOCK_EX) | (0 if wait else LOCK_NB)
        self._descriptor = -1

    def __enter__(self) -> Lock:
        self._descriptor = _opened_lock(self._path)
        try:
            flock(self._descriptor, self._mode)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)
