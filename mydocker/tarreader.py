"""Reading tar archives, strictly: from a stream that cannot go back, whose headers nobody vouches for.

Python's tarfile takes a damaged header in the middle for the end of the archive, reads a header's extension of any length into memory, and
remembers every member. Here the first is an error, the second has a limit, and members are forgotten.
"""

from __future__ import annotations

import io
import tarfile
from typing import BinaryIO, cast

from mydocker.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What Go's archive/tar, and so docker, allows for a long name or for a member's pax records.
_EXTENSION_MAX = 1 << 20
_EXTENSIONS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_BUFFER = 1 << 20
_SKIPPED = 1 << 18


class _Header(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in _EXTENSIONS and header.size > _EXTENSION_MAX):
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> _Header:
        try:
            return super().fromtarfile(tarfile_)
        except (tarfile.TruncatedHeaderError, tarfile.InvalidHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from error


class _Forward(io.RawIOBase):
    """A stream with a position, which can be set to a later one; a large buffer keeps the many small reads of headers cheap."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = io.BufferedReader(_Raw(stream), _BUFFER)
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        while self._position < position and self.read(min(position - self._position, _SKIPPED)):
            pass
        if self._position > position:
            raise tarfile.StreamError("a stream cannot go back")
        return self._position


class _Raw(io.RawIOBase):
    """What BufferedReader asks for, of a stream that has read() only."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_tar(stream: BinaryIO) -> tarfile.TarFile:
    """Open an uncompressed tar for members(). Raises tarfile.TarError when it does not begin like one."""
    return tarfile.open(fileobj=cast("BinaryIO", _Forward(stream)), mode="r:", tarinfo=_Header, errorlevel=2)


def members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield each member, whose content can be read (extractfile) until the next is asked for. Raises tarfile.TarError."""
    while member := archive.next():
        yield member
        archive.members = []  # type: ignore[attr-defined] # a million headers are a gigabyte


def damaged(error: Exception) -> Damaged:
    """Return what to raise for a tarfile's or decompressor's complaint."""
    return Damaged(f"not a tar archive, or a damaged one: {error}")
