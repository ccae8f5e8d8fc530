"""The lock of an object that may be removed while its lock is waited for: a container, a network."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import NotFound


class ObjectLock(store.Lock):
    """The file `lock` in an object's directory.

    Whoever held the lock before may have removed the object, and somebody else may have made another one of its name. Then to enter this
    raises NotFound.

    directory: the object's.
    gone: the error's message.
    """

    __slots__ = ("_directory", "_gone")

    def __init__(self, directory: str, gone: str, shared: bool = False) -> None:
        super().__init__(f"{directory}/lock", shared)
        self._directory = directory
        self._gone = gone

    def __enter__(self) -> ObjectLock:
        try:
            super().__enter__()
        except FileNotFoundError as error:
            raise NotFound(self._gone) from error
        if not self._is_current():
            self.__exit__()
            raise NotFound(self._gone)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._descriptor >= 0:  # inside the block it may have been let go, and not got again
            super().__exit__()
            self._descriptor = -1

    def _is_current(self) -> bool:
        """Say whether the file that was locked is still the object's."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))
        except FileNotFoundError:
            return os.path.isdir(self._directory)  # on a read-only file system, the directory itself can be what is locked

    def kept(self) -> int:
        """Return a descriptor that holds the lock until it is closed, also after the block."""
        return os.dup(self._descriptor)
