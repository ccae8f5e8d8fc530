"""Reading a container's log or events.json: all of its files, or only the last entries, and then what is added."""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.engine.record.log import files
from mydocker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_BLOCK = 65536
# What a file holds after a power cut where a write had not reached the disk. No entry begins so.
LOST = b"\0"
_NONE: dict[str, str] = {}


class Entry:
    """One entry of a container's log. A line that is none is shown as it is."""

    __slots__ = ("text", "stream", "time", "attributes")

    def __init__(self, line: bytes) -> None:
        self.text = line + b"\n"  # what the container wrote
        self.stream = "stdout"  # or 'stderr'
        self.time = ""  # in RFC 3339
        self.attributes = _NONE  # see attributes.py
        try:
            value = leanjson.loads(line.decode(errors="surrogateescape"))
            self.text, self.stream, self.time = value["log"].encode(errors="surrogateescape"), value["stream"], value["time"]
            if "attrs" in value:
                self.attributes = {str(name): str(each) for name, each in value["attrs"].items()}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return


class LogReader:
    """Reads a log forward. Each call of lines() reads what was written since the last one, also if files were rotated."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._rest = b""  # the beginning of a line that is not whole yet

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that are there and were not read yet, without their ends."""
        while self._file or self._open_first():
            assert self._file
            # Look for the next file before reading this one: once there is a next file, nothing is added to this one.
            successor = self._open_successor()
            yield from self._lines()
            if successor is None:
                return
            self._file.close()
            self._file = successor

    def _open_first(self) -> bool:
        with self._lock():
            for path in files(self.path)[:1]:
                self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        return self._file is not None

    def _lock(self) -> Lock:
        return Lock(self.path + ".lock", shared=True)

    def _lines(self) -> Iterator[bytes]:
        assert self._file
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)  # with a single file, rotation cuts it
            self._rest = b""
        while block := self._file.read(_BLOCK):
            *lines, self._rest = (self._rest + block).split(b"\n")
            yield from (line.lstrip(LOST) for line in lines)

    def _open_successor(self) -> BinaryIO | None:
        """Open the file that follows the open one. Return None if the open one is the newest."""
        assert self._file
        own = os.fstat(self._file.fileno())
        try:
            with self._lock():
                there = files(self.path)
                # If the open file was removed, it was the oldest: what follows it is the oldest one now.
                position = next((index for index, path in enumerate(there) if os.path.samestat(os.stat(path), own)), -1)
                return open(there[position + 1], "rb") if position + 1 < len(there) else None
        except FileNotFoundError:
            return None  # the container was removed

    def skip_to_last(self, count: int) -> None:
        """Have lines() begin with the last `count` lines."""
        missing = count
        with self._lock():
            for path in reversed(files(self.path)):
                file = open(path, "rb")  # noqa: SIM115 - closed by close()
                missing -= _seek_back(file, missing)
                self.close()
                self._file = file
                if missing <= 0:
                    return

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


def _seek_back(file: BinaryIO, count: int) -> int:
    """Set the position of a file before its last `count` lines. Return how many lines follow, `count` at most."""
    position = file.seek(0, os.SEEK_END)
    newlines: list[int] = []
    while position > 0 and len(newlines) <= count:
        start = max(position - _BLOCK, 0)
        file.seek(start)
        block = file.read(position - start)
        found = [start + offset for offset, byte in enumerate(block) if byte == 10]
        newlines = [*found, *newlines][-count - 1 :]
        position = start
    complete = len(newlines) > count
    file.seek(newlines[0] + 1 if complete else 0)
    return count if complete else len(newlines)
