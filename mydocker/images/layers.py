"""Layers as uncompressed tars: a stored layer on its way to a storage driver, and a layer that comes from outside.

Neither counts before its digests match. A layer from outside is stored, hashed, decompressed, hashed again and handed to whoever unpacks
it, all in one pass:

    source ─ blob in staging, digest ─ decompress ─ diff id ─ read()
"""

from __future__ import annotations

import os
from contextlib import suppress
from fcntl import LOCK_EX, flock
from hashlib import sha256
from io import BufferedReader, RawIOBase
from typing import cast

from mydocker.errors import Damaged
from mydocker.images import index
from mydocker.images.compression import Decompressed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.images.documents import Descriptor
    from mydocker.images.layout import ImageLayout
    from mydocker.images.staging import BlobWriter

_CHUNK = 1 << 18


class LayerReader(RawIOBase):
    """A layer's uncompressed tar, hashed while it is read. tar_size counts the bytes.

    At the end, read() raises Damaged if the content does not match the diff id. Storage drivers read to that end.
    """

    def __init__(self, stream: BufferedReader, digest: str, diff_id: str) -> None:
        self._digest = digest
        self._diff_id = diff_id
        self._hash = sha256()
        self._stream = Decompressed(stream, digest)
        self.tar_size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        self.tar_size += len(data)
        if not data and size:
            self._ended()
        return data

    def _ended(self) -> None:
        if f"sha256:{self._hash.hexdigest()}" != self._diff_id:
            raise Damaged(f"layer {self._digest} does not match its diff id {self._diff_id}")

    def as_binary(self) -> BinaryIO:
        """Return this object as the type that storage drivers ask for."""
        return cast("BinaryIO", self)


class StoredLayer(LayerReader):
    """A layer of the layout. It holds an flock on the blob, so only one process at a time unpacks it."""

    def __init__(self, layout: ImageLayout, descriptor: Descriptor, diff_id: str) -> None:
        digest = descriptor["digest"]
        try:
            self._file = open(layout.blob(digest), "rb")  # noqa: SIM115 - closed by close()
        except FileNotFoundError as error:
            raise Damaged(f"layer {digest} is missing in {layout.directory}") from error
        flock(self._file.fileno(), LOCK_EX)
        check_blob(self._file, descriptor)
        super().__init__(self._file, digest, diff_id)

    def close(self) -> None:
        if "_file" in self.__dict__:  # the finalizer calls this too if __init__ failed
            self._file.close()
        super().close()


def check_blob(file: BinaryIO, descriptor: Descriptor) -> None:
    """Compare a blob with its descriptor. Raises Damaged if they differ.

    file: open at the beginning. Afterwards it is at the beginning again.
    """
    digest, found = descriptor["digest"], os.fstat(file.fileno()).st_size
    if found != descriptor["size"]:
        raise Damaged(f"layer {digest} has {found} bytes, expected {descriptor['size']}")
    blob_hash = sha256()
    while chunk := file.read(_CHUNK):
        blob_hash.update(chunk)
    if f"sha256:{blob_hash.hexdigest()}" != digest:
        raise Damaged(f"layer {digest} does not match its digest")
    file.seek(0)


class ArrivingLayer(LayerReader):
    """A layer from outside, stored in staging while it is read. At its end it is a finished blob.

    read() raises Damaged if the layer is longer than announced or does not match one of its digests.
    """

    def __init__(self, source: BinaryIO, descriptor: Descriptor, diff_id: str, blob: BlobWriter) -> None:
        self._source = BufferedReader(cast("RawIOBase", _Storing(source, blob, descriptor["size"])), _CHUNK)
        self._blob = blob
        super().__init__(cast("BufferedReader", self._source), descriptor["digest"], diff_id)

    def _ended(self) -> None:
        while self._source.read1(_CHUNK):
            pass  # bytes after the end of the compressed content are part of the blob too
        if not self._blob.digest:
            self._blob.finish(self._digest)
        super()._ended()


class _Storing(RawIOBase):
    """A stream that stores all that is read from it. It raises Damaged if that is more than was announced."""

    def __init__(self, source: BinaryIO, blob: BlobWriter, size: int) -> None:
        self._source = source
        self._blob = blob
        self._size = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        if self._blob.size + len(data) > self._size:
            raise Damaged(f"a layer has more than the {self._size} bytes that its manifest announces")
        self._blob.write(data)
        buffer[: len(data)] = data
        return len(data)


def known_sizes(layout: ImageLayout) -> dict[str, int]:
    """Return the uncompressed sizes of stored layers, by digest, as far as they were noted."""
    sizes: dict[str, int] = {}
    for entry in layout.entries():
        noted = index.sizes(entry)
        with suppress(Damaged):  # a damaged image says nothing about its layers
            layers = layout.manifest(entry)["layers"] if noted else []
            sizes.update(zip((layer["digest"] for layer in layers), noted, strict=False))
    return sizes
