"""Decompressed streams: the format is known by the first bytes, and damage raises the same error for every format."""

from __future__ import annotations

import zlib
from io import BufferedReader, RawIOBase
from typing import cast

from mydocker.errors import BadInput, Damaged, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

# zlib's number for: with gzip's header and trailer.
GZIP_FORMAT = 31
_CHUNK = 1 << 18
_BLOCK = 512  # bytes, of a tar


class Decompressed(RawIOBase):
    """The uncompressed content of a plain, gzip, bzip2, xz or zstd stream. read() raises Damaged if the stream is damaged."""

    def __init__(self, stream: BufferedReader, name: str) -> None:
        self._name = name
        self._stream = _opened(stream, name)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._stream.read(size)
        except _damages() as error:
            # bz2 raises an OSError without errno for bad data. An OSError with errno comes from the kernel.
            if isinstance(error, OSError) and error.errno:
                raise
            raise Damaged(f"{self._name}: damaged archive: {str(error).lower()}") from error

    def as_binary(self) -> BinaryIO:
        """Return this object as the type that readers of archives ask for."""
        return cast("BinaryIO", self)


class Ended(RawIOBase):
    """A tar with the end that docker's client leaves out when it adds a Dockerfile: the last block's rest, and two empty blocks."""

    def __init__(self, tar: BinaryIO) -> None:
        self._tar = tar
        self._length = 0
        self._end: bytes | None = None  # what is left of it, once the tar has been read

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._tar.read(size) if self._end is None else b""
        self._length += len(data)
        if data or not size:
            return data
        left = bytes(-self._length % _BLOCK + 2 * _BLOCK) if self._end is None else self._end
        cut = size if size > 0 else len(left)
        self._end = left[cut:]
        return left[:cut]

    def as_binary(self) -> BinaryIO:
        """Return this object as the type that readers of archives ask for."""
        return cast("BinaryIO", self)


def _opened(stream: BufferedReader, name: str) -> BinaryIO:
    start = stream.peek(6)
    for magic, opener in _FORMATS:
        if start.startswith(magic):
            return opener(stream)
    if not start:
        raise BadInput(f"{name} is not a tar archive")
    return cast("BinaryIO", stream)


class _Gzip(RawIOBase):
    """The uncompressed content of a gzip stream. Several members one after the other are one content, as for gzip(1).

    gzip.GzipFile reads only 8 KiB at a time, which takes twice as long.
    """

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._member = zlib.decompressobj(GZIP_FORMAT)
        self._input = b""

    def read(self, size: int = -1, /) -> bytes:
        limit = size if size > 0 else _CHUNK
        while True:
            self._input = self._input or self._stream.read1(_CHUNK)
            if not self._input and not self._member.eof:
                raise EOFError("compressed file ended before the end-of-stream marker was reached")
            if self._member.eof:
                # After a member comes another one, or zeros that fill the block of a tape.
                self._input = self._input.lstrip(b"\0") or self._stream.read1(_CHUNK).lstrip(b"\0")
                if not self._input:
                    return b""
                self._member = zlib.decompressobj(GZIP_FORMAT)
            data = self._member.decompress(self._input, limit)
            self._input = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if data:
                return data


def _gzip(stream: BufferedReader) -> BinaryIO:
    return cast("BinaryIO", _Gzip(stream))


def _bzip2(stream: BufferedReader) -> BinaryIO:
    from bz2 import BZ2File

    return cast("BinaryIO", BZ2File(stream))


def _xz(stream: BufferedReader) -> BinaryIO:
    from lzma import LZMAFile

    return cast("BinaryIO", LZMAFile(stream))


def _zstd(stream: BufferedReader) -> BinaryIO:
    # Python has this module from 3.14 on. For older versions a package has the same module.
    try:
        from compression.zstd import ZstdFile  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        try:
            from backports.zstd import ZstdFile
        except ImportError as error:
            raise Unsupported("a zstd archive needs Python 3.14 or the package backports.zstd") from error

    file: BinaryIO = ZstdFile(stream)
    return file


_FORMATS: list[tuple[bytes, Callable[[BufferedReader], BinaryIO]]] = [
    (b"\x1f\x8b", _gzip),
    (b"BZh", _bzip2),
    (b"\xfd7zXZ\0", _xz),
    (b"\x28\xb5\x2f\xfd", _zstd),
]


def _damages() -> tuple[type[Exception], ...]:
    """Return the exceptions that decompressors raise for bad data. A module that is not imported cannot raise any."""
    import sys

    modules = (("lzma", "LZMAError"), ("compression.zstd", "ZstdError"), ("backports.zstd", "ZstdError"))
    optional = [getattr(sys.modules[module], name) for module, name in modules if module in sys.modules]
    return (EOFError, zlib.error, OSError, *optional)
