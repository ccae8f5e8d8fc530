"""A container's output on disk, in docker's json-file format: each line is a JSON object with log, stream and time.

log.json is the newest file. With rotation, log.json.1 is the file before it, and so on. Whoever renames these files, or looks which of
them are there, locks log.json.lock.
"""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.engine.record.moments import timestamp
from mydocker.errors import attempt
from mydocker.store import Lock

# docker cuts a longer line into entries of this many bytes. Only the last of them ends with a newline.
_LONGEST = 16384


class Log:
    """Where a container's output goes.

    write() takes output as it comes. The file gets whole lines, and pieces of very long lines.
    """

    __slots__ = ("path", "max_size", "max_files", "attributes", "_file", "_size", "_pending", "_lost", "_torn", "problem")

    def __init__(self, path: str, max_size: int = 0, max_files: int = 1, attributes: dict[str, str] | None = None) -> None:
        self.path = path
        self.max_size = max_size  # bytes after which a new file is begun, 0 for never
        self.max_files = max_files  # how many files are kept, log.json among them
        self.attributes = {"attrs": attributes} if attributes else {}  # what stands in each entry besides, see attributes.py
        self._pending = {"stdout": b"", "stderr": b""}  # what has no newline yet
        self._lost = 0  # entries since the disk became full
        self._torn = False  # whether the file ends with a part of an entry
        self.problem = ""  # why some output is missing, '' if none is
        self._open()

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._file).st_size

    def write(self, stream: str, data: bytes) -> None:
        """Take output of the stream 'stdout' or 'stderr'."""
        *lines, rest = (self._pending[stream] + data).split(b"\n")
        entries = [piece for line in lines for piece in _pieces(line + b"\n")]
        *pieces, self._pending[stream] = _pieces(rest)
        entries += pieces
        if entries:
            self._append(stream, entries)

    def close(self) -> None:
        """Write what has no newline yet, and close the file."""
        for stream, rest in self._pending.items():
            if rest:
                self._append(stream, [rest])
        os.close(self._file)

    def _append(self, stream: str, entries: list[bytes]) -> None:
        now, count = timestamp(), len(entries)
        if self._lost:
            entries = [b"mydocker: %d log entries were lost, the disk was full\n" % self._lost, *entries]
        told = {"stream": stream, **self.attributes, "time": now}
        lines = [leanjson.dumps({"log": entry.decode(errors="surrogateescape"), **told}) for entry in entries]
        data = ("\n".join(lines) + "\n").encode()
        if self.max_size and self._size and self._size + len(data) > self.max_size:
            self._rotate()
        self._write(data, count)

    def _write(self, data: bytes, count: int) -> None:
        """Write entries whole or not at all. A full disk must neither end the container nor leave half a line.

        count: how many entries of the container `data` holds.
        """
        try:
            self._cut()
            left = data
            while left:
                left = left[os.write(self._file, left) :]
                self._torn = bool(left)
            self._size += len(data)
            self._lost = 0
        except OSError as error:
            self._lost += count
            self.problem = f"log entries were lost: {error.strerror}"
            attempt([], self._cut)

    def _cut(self) -> None:
        """Cut off the half of an entry that a failed write left. A disk can be so full that this fails too; then the next entry tries."""
        if self._torn:
            os.ftruncate(self._file, self._size)
            self._torn = False

    def _rotate(self) -> None:
        """Begin a new file and remove the oldest one.

        While a reader looks which file follows which, nothing is done: the next entry tries again.
        """
        try:
            with Lock(self.path + ".lock", wait=False):
                self._shift()
        except BlockingIOError:
            return
        except OSError as error:
            self.problem = f"the log was not rotated: {error.strerror}"

    def _shift(self) -> None:
        for number in range(self.max_files - 1, 0, -1):
            older = f"{self.path}.{number - 1}" if number > 1 else self.path
            if os.path.exists(older):
                os.rename(older, f"{self.path}.{number}")
        if self.max_files == 1:
            os.truncate(self.path, 0)
        before = self._file
        self._open()
        os.close(before)


def _pieces(line: bytes) -> list[bytes]:
    """Cut a line into pieces as docker does. Only the last piece may be shorter than the others, or empty."""
    return [line[start : start + _LONGEST] for start in range(0, len(line) or 1, _LONGEST)]


def files(path: str) -> list[str]:
    """Return the files of a log, the oldest first. The answer stays true only under a shared Lock on PATH.lock."""
    numbered: list[str] = []
    while os.path.exists(f"{path}.{len(numbered) + 1}"):
        numbered.append(f"{path}.{len(numbered) + 1}")
    return [*reversed(numbered), *([path] if os.path.exists(path) else [])]
