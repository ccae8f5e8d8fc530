"""The caches of RUN --mount=type=cache: directories that outlive builds, and that no image holds.

    ROOT/caches/KEY/NUMBER/data    what a container sees. KEY stands for the cache's id and for what it began with

Whoever uses a cache holds a lock by flock(2) on its NUMBER, which a container cannot reach. `shared` caches share it, a `locked` one is
waited for, and with `private` the first NUMBER that is free is taken, or made. A cache is made under a temporary name and then renamed.
The lock of a cache is taken before any container's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from itertools import count

from mydocker import leanjson, store
from mydocker.engine.record.sizes import tree_size
from mydocker.images.documents import sha256
from mydocker.steps.base import Step, command, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.paths import Paths


def key(name: str, *began: object) -> str:
    """Return the key of a cache. As in BuildKit, the same id with another owner, mode or beginning is another cache.

    name: its id
    began: all that it began with
    """
    return sha256(leanjson.dumps([name, *map(str, began)]).encode()).removeprefix("sha256:")


class Cache:
    """The use of a cache. `with` locks it, makes it if it is missing, and gives the path of its data."""

    def __init__(self, paths: Paths, key: str, sharing: str, fill: Callable[[str], None]) -> None:
        """fill: is called with a new cache's data directory, which is empty."""
        self.directory = f"{paths.caches}/{key}"
        self.sharing = sharing
        self.fill = fill
        self.lock = -1

    def __enter__(self) -> str:
        for number in count() if self.sharing == "private" else iter(int, 1):
            path = f"{self.directory}/{number}"
            self._make(path)
            self.lock = self._locked(path)
            if self.lock >= 0:
                return f"{path}/data"
        raise AssertionError("there is always another number")

    def __exit__(self, *exception: object) -> None:
        os.close(self.lock)

    def _make(self, path: str) -> None:
        if os.path.isdir(path):
            return
        made = store.temporary(path)
        store.remove_tree(made)
        self._make_directory(made)
        try:
            os.mkdir(f"{made}/data", 0o755)
            self.fill(f"{made}/data")
            os.rename(made, path)
        except BaseException:
            store.remove_tree(made)
            if not os.path.isdir(path):
                raise

    def _make_directory(self, path: str) -> None:
        while True:
            store.make_private(self.directory)
            try:
                os.mkdir(path, 0o700)
                return
            except FileNotFoundError:
                continue  # `builder prune` has removed the directory above meanwhile, as it was empty

    def _locked(self, path: str) -> int:
        """Return a descriptor that holds the lock, or -1 if the cache is in use or was removed meanwhile."""
        wanted = {"shared": LOCK_SH, "locked": LOCK_EX, "private": LOCK_EX | LOCK_NB}[self.sharing]
        return _flocked(path, wanted)


def _flocked(path: str, how: int) -> int:
    """Return a descriptor that holds the lock of a cache. Return -1 if it is in use and is not waited for, or if it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1
    try:
        flock(descriptor, how)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return -1


def every(paths: Paths) -> list[str]:
    """Return the directories of all caches."""
    return [
        f"{paths.caches}/{key}/{number}" for key in _listed(paths.caches) for number in _listed(f"{paths.caches}/{key}") if number.isdigit()
    ]


def size(path: str) -> int:
    """Return the bytes of a cache's files."""
    return tree_size(f"{path}/data")


def is_used(path: str) -> bool:
    """Say whether a build uses a cache."""
    lock = _flocked(path, LOCK_EX | LOCK_NB)
    if lock >= 0:
        os.close(lock)
    return lock < 0 and os.path.isdir(path)


class RemoveCache(Step):
    """Remove a cache unless a build uses it. `removed` says whether it was removed."""

    __slots__ = ("path", "removed")

    def __init__(self, path: str) -> None:
        self.path = path
        self.removed = False

    def apply(self) -> None:
        lock = _flocked(self.path, LOCK_EX | LOCK_NB)
        if lock < 0:
            return
        try:
            store.discard(self.path)
            self.removed = True
        finally:
            os.close(lock)
        key = os.path.dirname(self.path)
        with suppress(OSError):  # There are more numbers, or more caches.
            os.rmdir(key)
            os.rmdir(os.path.dirname(key))

    def describe(self) -> str:
        return f"remove the cache {quote(self.path)}"

    def shell(self) -> str:
        return command("rm", "-rf", self.path)


def removal(paths: Paths, key: str) -> list[RemoveCache]:
    """Return the steps that remove a cache under all of its numbers. One that another build uses stays."""
    return [RemoveCache(f"{paths.caches}/{key}/{number}") for number in _listed(f"{paths.caches}/{key}") if number.isdigit()]


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
