"""Container output on disk, in docker's json-file form: one JSON object a line, with log, stream and time."""

from __future__ import annotations

import os
import time

from mydocker import leanjson

# docker cuts longer lines into entries of this many bytes, the last of which ends with a newline.
_LONGEST = 16384


class Log:
    """A container's log.json. write() takes output as it comes; whole lines, and pieces of very long ones, go to the file."""

    __slots__ = ("_file", "_pending")

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._pending = {"stdout": b"", "stderr": b""}

    def write(self, stream: str, data: bytes) -> None:
        """Take output of 'stdout' or 'stderr'."""
        *lines, rest = (self._pending[stream] + data).split(b"\n")
        entries = [piece for line in lines for piece in (*_full_pieces(line), _last_piece(line) + b"\n")]
        self._pending[stream] = _last_piece(rest)
        entries += _full_pieces(rest)
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
        lines = [leanjson.dumps({"log": e.decode(errors="surrogateescape"), "stream": stream, "time": now}) for e in entries]
        os.write(self._file, ("\n".join(lines) + "\n").encode())


def _full_pieces(line: bytes) -> list[bytes]:
    """Return the pieces of a line that are as long as an entry can be."""
    return [line[start : start + _LONGEST] for start in range(0, len(line) - _LONGEST + 1, _LONGEST)]


def _last_piece(line: bytes) -> bytes:
    return line[len(line) // _LONGEST * _LONGEST :]


def timestamp(nanoseconds: int | None = None) -> str:
    """Return a time (now, unless given in ns since 1970) in RFC 3339 with nanoseconds, in UTC."""
    seconds, rest = divmod(time.time_ns() if nanoseconds is None else nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"
