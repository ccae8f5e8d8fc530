"""Layers whose blobs were let go (--no-blobs). What is kept of such a layer's tar is its frame: all that is no file's content. With the
files of the unpacked layer it gives the same tar again, byte by byte.

    images/frames/HEX    compressed by gzip; HEX is the digest of the blob that it stands for

    the layer's directory, from the one above images/ on, and a newline
    one piece of the tar after the other. Each begins with two numbers, see HEAD:
        so many bytes, 0                              the bytes follow
        so many bytes, the length of a file's path    the path in the layer's directory follows; the file begins with the bytes

A frame appears before its blob goes, both under the layout's lock. So one of the two is always there.
"""

from __future__ import annotations

import os
import stat
from errno import ENOENT
from fcntl import LOCK_EX, flock
from io import BufferedReader, RawIOBase
from struct import calcsize, unpack
from typing import cast

from mydocker import leanjson, store
from mydocker.errors import BadInput, Damaged
from mydocker.images.archive import LayerWriter
from mydocker.images.compression import Decompressed
from mydocker.images.documents import LAYER_TYPE
from mydocker.images.layers import LayerReader, StoredLayer
from mydocker.images.staging import Staging
from mydocker.kernel import inroot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from mydocker.images.documents import Descriptor, ImageManifest
    from mydocker.images.layout import ImageLayout

# What a piece of a tar begins with: how many bytes, and the length of a path.
HEAD = ">QI"
CHUNK = 1 << 18
_DOCKER_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def opened(directory: str, path: str) -> BinaryIO:
    """Open a file of a layer. Raises OSError, also for what is no file."""
    descriptor = inroot.open_in(directory, path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - closed by the caller
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise FileNotFoundError(ENOENT, "there is no file", path)
    return cast("BinaryIO", file)


class FramedTar(RawIOBase):
    """The tar of a layer whose blob was let go. It holds an flock on the frame. read() raises Damaged if a file of the layer is not there.

    Whoever reads it compares its digest.
    """

    def __init__(self, layout: ImageLayout, digest: str) -> None:
        self._above = os.path.dirname(layout.directory)
        self._name = layout.frame(digest)
        self._file = open(self._name, "rb")  # noqa: SIM115 - closed by close()
        flock(self._file.fileno(), LOCK_EX)
        self._frame = _decompressed(self._file, self._name)
        self._pieces = self._tar()
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        if "_file" in self.__dict__:  # the finalizer calls this too if __init__ failed
            self._file.close()
        super().close()

    def _tar(self) -> Iterator[bytes]:
        directory = b""
        while not directory.endswith(b"\n"):
            directory += self._exactly(1)
        place = os.path.join(self._above, os.fsdecode(directory[:-1]))
        while head := self._exactly(calcsize(HEAD), or_nothing=True):
            size, length = unpack(HEAD, head)
            if length:
                yield from self._content(place, os.fsdecode(self._exactly(length)), size)
            else:
                yield self._exactly(size)

    def _content(self, directory: str, path: str, size: int) -> Iterator[bytes]:
        try:
            with opened(directory, path) as file:
                while size and (data := file.read(min(size, CHUNK))):
                    size -= len(data)
                    yield data
        except OSError as error:
            raise Damaged(f"{directory}{path}: {error.strerror}, and a layer whose blob was let go needs it") from error
        if size:
            raise Damaged(f"{directory}{path}: {size} bytes are missing, and a layer whose blob was let go needs them")

    def _exactly(self, size: int, or_nothing: bool = False) -> bytes:
        found = b""
        while len(found) < size and (data := self._frame.read(size - len(found))):
            found += data
        if len(found) < size and (found or not or_nothing):
            raise Damaged(f"{self._name}: it ends too early")
        return found


def check_frame(path: str) -> None:
    """Raise Damaged unless a frame is whole."""
    store.read_whole(path, 0)
    with open(path, "rb") as file:
        frame = _decompressed(file, path)
        while frame.read(CHUNK):
            pass


def _decompressed(file: BufferedReader, path: str) -> Decompressed:
    try:
        return Decompressed(file, path)
    except BadInput as error:
        raise Damaged(f"{path}: it is empty") from error


def complete(layout: ImageLayout, staging: Staging, entry: Descriptor) -> tuple[Descriptor, ImageManifest]:
    """Take all layers of an image into staging; those whose blobs were let go are compressed again. Return its descriptor and its manifest.

    Their tars are the same as ever, and so are the configuration and the image's id. What they are compressed to may be another blob:
    then there is another manifest, which is in staging too.
    """
    manifest = layout.manifest(entry)
    diff_ids = layout.configuration(manifest["config"])["rootfs"]["diff_ids"]
    layers = [taken(layout, staging, *pair) for pair in zip(manifest["layers"], diff_ids, strict=True)]
    if layers == manifest["layers"]:
        return entry, manifest
    whole: ImageManifest = {**manifest, "layers": layers}
    blob = staging.put(leanjson.dumps(whole).encode())
    return {**entry, "digest": blob.digest, "size": blob.size}, whole


def taken(layout: ImageLayout, staging: Staging, descriptor: Descriptor, diff_id: str) -> Descriptor:
    """Take a layer's blob into staging, and return its descriptor. If it was let go, it is made again. Raises Damaged."""
    if staging.take(descriptor["digest"]):
        return descriptor
    with stored(layout, descriptor, diff_id) as tar, LayerWriter(staging) as layer:
        while data := tar.read(CHUNK):
            layer.write(data)
        layer.finish()
        kind = _DOCKER_LAYER_TYPE if ".docker." in descriptor["mediaType"] else LAYER_TYPE
        return {**descriptor, "mediaType": kind, "digest": layer.digest, "size": layer.size}


def stored(layout: ImageLayout, descriptor: Descriptor, diff_id: str) -> LayerReader:
    """Return the tar of a layer of the layout, which nobody else reads meanwhile. Raises Damaged if there is nothing to make it of."""
    try:
        return StoredLayer(layout, descriptor, diff_id)
    except Damaged:
        if not os.path.exists(layout.frame(descriptor["digest"])):
            raise
    return FramedLayer(layout, descriptor, diff_id)


class FramedLayer(LayerReader):
    """A layer whose blob was let go."""

    def __init__(self, layout: ImageLayout, descriptor: Descriptor, diff_id: str) -> None:
        self._tar = cast("BufferedReader", BufferedReader(FramedTar(layout, descriptor["digest"]), CHUNK))
        super().__init__(self._tar, descriptor["digest"], diff_id)

    def close(self) -> None:
        if "_tar" in self.__dict__:
            self._tar.close()
        super().close()
