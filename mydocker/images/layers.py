"""A stored layer going out to a storage driver: nothing of it counts before its digests match."""

from __future__ import annotations

import os
from fcntl import LOCK_EX, flock
from hashlib import sha256
from io import RawIOBase
from typing import cast

from mydocker.errors import Damaged
from mydocker.images.archive import decompressed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.images.layout import Descriptor, Layout

_CHUNK = 1 << 18


class StoredLayer(RawIOBase):
    """A layer's uncompressed tar, hashed while it is read; holds an flock on the blob, so that one process unpacks it at a time.

    read() raises Damaged at the end when the content is not that of the diff id; storage drivers read to that end.
    """

    def __init__(self, layout: Layout, descriptor: Descriptor, diff_id: str) -> None:
        self._digest = descriptor["digest"]
        self._diff_id = diff_id
        self._hash = sha256()
        try:
            self._file = open(layout.blob(self._digest), "rb")  # noqa: SIM115 - closed by close()
        except FileNotFoundError as error:
            raise Damaged(f"layer {self._digest} is missing in {layout.directory}") from error
        flock(self._file.fileno(), LOCK_EX)
        self._check_blob(descriptor["size"])
        self._stream = decompressed(self._file, self._digest)

    def _check_blob(self, size: int) -> None:
        found = os.fstat(self._file.fileno()).st_size
        if found != size:
            raise Damaged(f"layer {self._digest} has {found} bytes, expected {size}")
        blob_hash = sha256()
        while chunk := self._file.read(_CHUNK):
            blob_hash.update(chunk)
        if f"sha256:{blob_hash.hexdigest()}" != self._digest:
            raise Damaged(f"layer {self._digest} does not match its digest")
        self._file.seek(0)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        if not data and size and f"sha256:{self._hash.hexdigest()}" != self._diff_id:
            raise Damaged(f"layer {self._digest} does not match its diff id {self._diff_id}")
        return data

    def close(self) -> None:
        if "_file" in self.__dict__:  # the finalizer comes here too when __init__ failed
            self._file.close()
        super().close()

    def as_binary(self) -> BinaryIO:
        """This object, as the type that storage drivers ask for."""
        return cast("BinaryIO", self)
