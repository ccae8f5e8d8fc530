"""Reading tar archives strictly, from a stream that cannot go back, and whose headers cannot be trusted.

This is what Python's tarfile does, and what is done here instead:

    It takes a damaged header in the middle for the end of the archive.           That is an error.
    It reads an extension of a header into memory, however long it is.            An extension has a limit.
    It parses that in time that grows with the square of its length, which is     It is parsed once, from its beginning to its end.
    the kind of CVE-2024-6232.
    It takes any text for a number.                                               Numbers are numbers.
    It remembers every member.                                                    Members are forgotten.
"""

from __future__ import annotations

import io
import tarfile
from typing import cast

from mydocker.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO

# Go's archive/tar, and so docker, allows this much for a long name or for a member's pax records.
_EXTENSION_MAX = 1 << 20
_EXTENSIONS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
# No size, time or id in a header has more digits than this.
_LONGEST_NUMBER = 19
_NUMBERS = ("size", "uid", "gid", "GNU.sparse.size", "GNU.sparse.realsize", "GNU.sparse.numblocks")
_TIMES = ("mtime", "atime", "ctime")
_BUFFER = 1 << 20
_SKIPPED = 1 << 18
_TOO_MANY = "too many headers before one member"


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

    def _proc_pax(self, archive: Any) -> tarfile.TarInfo:
        """Read this extended header and the header that it extends. Return the member."""
        blocks = -(-self.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        records = _records(archive.fileobj.read(blocks)[: self.size])
        is_global = self.type == tarfile.XGLTYPE
        headers = archive.pax_headers if is_global else dict(archive.pax_headers)
        headers.update(records)
        member: Any = self.fromtarfile(archive)
        if is_global:
            return cast("tarfile.TarInfo", member)
        if any(key.startswith("GNU.sparse.") for key in headers):
            member.sparse = _sparse_map(headers, records, archive)
            if headers.get("GNU.sparse.major") == "1":
                member.offset_data = archive.fileobj.tell()  # The data starts after the map.
        stored = int(headers.get("size", member.size))
        member._apply_pax_info(headers, archive.encoding, archive.errors)
        member.offset = self.offset
        if "size" in headers:
            has_data = member.isreg() or member.type not in tarfile.SUPPORTED_TYPES
            archive.offset = member.offset_data + (-(-stored // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE if has_data else 0)
        return cast("tarfile.TarInfo", member)


def _records(data: bytes) -> list[tuple[str, str]]:
    """Return the records of an extended header as (key, value), in their order. Raises tarfile.ReadError.

    data: the records. Each is 'LENGTH KEY=VALUE' and a newline.
    """
    found = []
    position = 0
    while position < len(data):
        blank = data.find(b" ", position, position + _LONGEST_NUMBER)
        end = position + int(data[position:blank]) if blank > position and data[position:blank].isdigit() else 0
        if not position < blank < end <= len(data) or data[end - 1 : end] != b"\n":
            raise tarfile.ReadError(f"an extended header without a record at byte {position}")
        key, equals, value = data[blank + 1 : end - 1].decode("utf-8", "surrogateescape").partition("=")
        if not equals or not key:
            raise tarfile.ReadError(f"an extended header whose record at byte {position} is no KEY=VALUE")
        found.append((key, _checked(key, value)))
        position = end
    return found


def _checked(key: str, value: str) -> str:
    """Return the value of a record. Raises tarfile.ReadError if it should be a number and is not."""
    whole, _, fraction = value.removeprefix("-").partition(".") if key in _TIMES else (value, "", "")
    if value and key in (*_NUMBERS, *_TIMES) and not (_is_number(whole) and (not fraction or (fraction.isascii() and fraction.isdigit()))):
        raise tarfile.ReadError(f"an extended header with {key} {value[:40]!r}")
    return value


def _is_number(text: str | bytes) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _sparse_map(headers: dict[str, str], records: list[tuple[str, str]], archive: Any) -> list[tuple[int, int]]:
    """Return the (offset, size) of each piece of a sparse file's data, from any of GNU tar's three forms. Raises tarfile.ReadError."""
    if headers.get("GNU.sparse.major") == "1":
        numbers = _numbers_before_data(archive)
    elif "GNU.sparse.map" in headers:
        numbers = headers["GNU.sparse.map"].split(",")
    else:
        numbers = [value for key, value in records if key in ("GNU.sparse.offset", "GNU.sparse.numbytes")]
    if len(numbers) % 2 or not all(map(_is_number, numbers)):
        raise tarfile.ReadError("a sparse file whose map is not pairs of numbers")
    values = list(map(int, numbers))
    pairs = list(zip(values[::2], values[1::2], strict=True))
    end = 0
    for offset, size in pairs:
        if offset < end:
            raise tarfile.ReadError("a sparse file whose map goes back")
        end = offset + size
    return pairs


def _numbers_before_data(archive: Any) -> list[str]:
    """Return the numbers of a sparse file's map that stands before the data.

    It has a number on each line: first how many pairs there are, and then the pairs. It fills whole blocks.
    """
    lines: list[bytes] = []
    rest = b""
    taken = 0
    while not lines or len(lines) <= 2 * int(lines[0]):
        block = archive.fileobj.read(tarfile.BLOCKSIZE)
        taken += len(block)
        *whole, rest = (rest + block).split(b"\n")
        lines += whole
        if len(block) < tarfile.BLOCKSIZE or taken > _EXTENSION_MAX or len(rest) > tarfile.BLOCKSIZE or not all(map(_is_number, whole)):
            raise tarfile.ReadError("a sparse file without a map")
    return [line.decode() for line in lines[1 : 1 + 2 * int(lines[0])]]


class _Forward(io.RawIOBase):
    """A stream with a position, which can be set to a later one. A large buffer keeps the many small reads of headers cheap."""

    def __init__(self, stream: BinaryIO, watch: Callable[[bytes], None] | None) -> None:
        self._stream = io.BufferedReader(_Raw(stream), _BUFFER)
        self._watch = watch
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        if self._watch:
            self._watch(data)
        return data

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True  # But it can only go forward.

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        while self._position < position and self.read(min(position - self._position, _SKIPPED)):
            pass
        if self._position > position:
            raise tarfile.StreamError("a stream cannot go back")
        return self._position


class _Raw(io.RawIOBase):
    """A stream that has only read(), with what BufferedReader needs."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_tar(stream: BinaryIO, watch: Callable[[bytes], None] | None = None) -> tarfile.TarFile:
    """Open a tar archive that is not compressed, for members(). Raises tarfile.TarError if it does not begin like one.

    watch: is given all bytes of the archive in their order, as they are read
    """
    try:
        return tarfile.open(fileobj=cast("BinaryIO", _Forward(stream, watch)), mode="r:", tarinfo=_Header, errorlevel=2)
    except RecursionError as error:
        raise tarfile.ReadError(_TOO_MANY) from error


def members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield each member. Its content can be read (extractfile) until the next member is asked for. Raises tarfile.TarError."""
    while member := _next(archive):
        yield member
        archive.members = []  # type: ignore[attr-defined] # a million headers are a gigabyte


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return archive.next()
    except RecursionError as error:
        raise tarfile.ReadError(_TOO_MANY) from error


def damaged(error: Exception) -> Damaged:
    """Return the error to raise for an exception of tarfile or of a decompressor."""
    return Damaged(f"not a tar archive, or a damaged one: {error}")
