"""Container output on disk, in docker's json-file form: one JSON object a line, with log, stream and time.

log.json is the newest file; with rotation log.json.1 is the one before it, and so on. Who renames or looks for them locks log.json.lock.
"""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.engine.record.moments import timestamp
from mydocker.store import Lock

# docker cuts longer lines into entries of this many bytes, the last of which ends with a newline.
_LONGEST = 16384


class Log:
    """Where a container's output goes. write() takes it as it comes; whole lines, and pieces of very long ones, go to the file.

    max_size: bytes after which a new file is begun, 0 for never. max_files: how many are kept, log.json among them.
    problem: why some of it is missing, '' if nothing is.
    """

    __slots__ = ("path", "max_size", "max_files", "_file", "_size", "_pending", "_lost", "problem")

    def __init__(self, path: str, max_size: int = 0, max_files: int = 1) -> None:
        self.path = path
        self.max_size = max_size
        self.max_files = max_files
        self._pending = {"stdout": b"", "stderr": b""}
        self._lost = 0
        self.problem = ""
        self._open()

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._file).st_size

    def write(self, stream: str, data: bytes) -> None:
        """Take output of 'stdout' or 'stderr'."""
        *lines, rest = (self._pending[stream] + data).split(b"\n")
        entries = [piece for line in lines for piece in _pieces(line + b"\n")]
        *pieces, self._pending[stream] = _pieces(rest)
        entries += pieces
        if entries:
            self._append(stream, entries)

    def close(self) -> None:
        """Write what has no newline yet."""
        for stream, rest in self._pending.items():
            if rest:
                self._append(stream, [rest])
        os.close(self._file)

    def _append(self, stream: str, entries: list[bytes]) -> None:
        now = timestamp()
        if self._lost:
            entries = [b"mydocker: %d log entries were lost, the disk was full\n" % self._lost, *entries]
        lines = [leanjson.dumps({"log": e.decode(errors="surrogateescape"), "stream": stream, "time": now}) for e in entries]
        data = ("\n".join(lines) + "\n").encode()
        if self.max_size and self._size and self._size + len(data) > self.max_size:
            self._rotate()
        self._write(data, len(entries))

    def _write(self, data: bytes, count: int) -> None:
        """Write entries whole or not at all: a full disk must not end the container, nor leave half a line."""
        before = self._size
        try:
            while data:
                written = os.write(self._file, data)
                self._size += written
                data = data[written:]
            self._lost = 0
        except OSError as error:
            if self._size != before:
                os.ftruncate(self._file, before)
            self._size = before
            self._lost += count
            self.problem = f"log entries were lost: {error.strerror}"

    def _rotate(self) -> None:
        """Begin a new file; the oldest goes. While somebody looks which file follows which, it can wait for the next entry."""
        try:
            with Lock(self.path + ".lock", wait=False):
                self._shift()
        except BlockingIOError:
            return

    def _shift(self) -> None:
        os.close(self._file)
        for number in range(self.max_files - 1, 0, -1):
            older = f"{self.path}.{number - 1}" if number > 1 else self.path
            if os.path.exists(older):
                os.rename(older, f"{self.path}.{number}")
        if self.max_files == 1:
            os.truncate(self.path, 0)
        self._open()


def _pieces(line: bytes) -> list[bytes]:
    """Cut a line as docker does; the last piece is the only one that may be shorter, or empty."""
    return [line[start : start + _LONGEST] for start in range(0, len(line) or 1, _LONGEST)]


def files(path: str) -> list[str]:
    """Return a log's files, the oldest first. Stays true only under a shared Lock on PATH.lock."""
    numbered: list[str] = []
    while os.path.exists(f"{path}.{len(numbered) + 1}"):
        numbered.append(f"{path}.{len(numbered) + 1}")
    return [*reversed(numbered), *([path] if os.path.exists(path) else [])]
