"""Messages that a client is too slow to read, kept in order in a file without a name."""

from __future__ import annotations

import os
from struct import calcsize, pack, unpack

_HEADER = "cI"  # the kind, and the length of the payload that follows


class Spool:
    """A queue of messages on disk.

    The file is made in `directory` with the first message, and emptied after the last. Once the directory is gone, it is made in memory:
    of a removed container little is left to tell, its exit status above all.
    """

    __slots__ = ("directory", "_file", "_read", "_written")

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._file = -1  # until there is a message
        self._read = self._written = 0  # offsets in the file

    def __bool__(self) -> bool:
        return self._read < self._written

    def put(self, kind: str, payload: bytes) -> None:
        """Add a message at the end."""
        if self._file < 0:
            self._file = self._open()
        record = pack(_HEADER, kind.encode(), len(payload)) + payload
        self._written += os.pwrite(self._file, record, self._written)

    def first(self) -> tuple[str, bytes]:
        """Return the oldest message. It stays in the queue."""
        kind, length = unpack(_HEADER, os.pread(self._file, calcsize(_HEADER), self._read))
        return kind.decode(), os.pread(self._file, length, self._read + calcsize(_HEADER))

    def drop_first(self) -> None:
        """Remove the oldest message."""
        _, payload = self.first()
        self._read += calcsize(_HEADER) + len(payload)
        if not self:
            os.ftruncate(self._file, 0)
            self._read = self._written = 0

    def close(self) -> None:
        """Forget all messages."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._read, self._written = -1, 0, 0

    def _open(self) -> int:
        path = f"{self.directory}/spool.{os.getpid()}.{id(self)}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return os.memfd_create("spool")
        os.unlink(path)
        return descriptor
