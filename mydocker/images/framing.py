"""Letting the blobs of unpacked layers go: their frames are written. What a frame is, frames.py says."""

from __future__ import annotations

import os
import tarfile
import zlib
from posixpath import normpath
from struct import pack
from typing import cast

from mydocker import store
from mydocker.errors import BadInput
from mydocker.images.archive import GZIP_LEVEL
from mydocker.images.compression import GZIP_FORMAT
from mydocker.images.frames import CHUNK, HEAD, opened
from mydocker.images.layers import LayerReader
from mydocker.images.staging import Staging
from mydocker.kernel.files import Held
from mydocker.kernel.libc import call
from mydocker.steps.base import Step, quote
from mydocker.tarreader import damaged, members, open_tar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.images.documents import Descriptor
    from mydocker.images.layout import ImageLayout
    from mydocker.images.staging import BlobWriter

_YES, _NO = ("1", "true", "yes"), ("", "0", "false", "no")


def wanted() -> bool:
    """Say whether the blobs of all layers that come in are let go: MYDOCKER_NO_BLOBS. Raises BadInput."""
    text = os.environ.get("MYDOCKER_NO_BLOBS", "")
    if text.lower() not in (*_YES, *_NO):
        raise BadInput(f"invalid MYDOCKER_NO_BLOBS {text!r}: expected 1, true or yes, or 0, false or no")
    return text.lower() in _YES


class LetBlobGo(Step):
    """Replace the blob of a layer that is unpacked by its frame."""

    layout: ImageLayout
    descriptor: Descriptor
    diff_id: str
    directory: str  # of the unpacked layer

    def apply(self) -> None:
        digest, layout = self.descriptor["digest"], self.layout
        with Staging(layout) as staging:
            if not staging.take(digest):
                return  # another process has let it go
            frame = self._frame(staging)
            with Held(os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as descriptor:
                call("syncfs", descriptor)  # From here on nothing else has the content of these files.
            with layout.lock():
                if not os.path.exists(layout.blob(digest)):
                    return  # the image was removed meanwhile
                store.make_private(layout.directory + "/frames")
                os.rename(staging.path(frame), layout.frame(digest))
                store.to_disk(layout.directory + "/frames")
                os.unlink(layout.blob(digest))

    def _frame(self, staging: Staging) -> str:
        """Write the frame into staging, and return its own digest. Raises Damaged if the blob is not what it should be."""
        digest, writer = self.descriptor["digest"], staging.writer()
        try:
            with open(staging.path(digest), "rb") as blob:
                tar = LayerReader(blob, digest, self.diff_id)
                _write(tar.as_binary(), self.directory, os.path.dirname(self.layout.directory), writer)
            writer.finish()
        finally:
            writer.abandon()
        return writer.digest

    def describe(self) -> str:
        frame = quote(self.layout.frame(self.descriptor["digest"]))
        return f"write what is no file's content of layer {self.descriptor['digest']} to {frame}, and remove its blob"


class _Frame:
    """A frame that is being written."""

    def __init__(self, writer: BlobWriter) -> None:
        self._writer = writer
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_FORMAT)
        self._bytes = b""
        self.is_content = False  # whether what is read of the tar is a file's content

    def take(self, data: bytes) -> None:
        """Take what was read of the tar."""
        if not self.is_content:
            self._bytes += data
            if len(self._bytes) > CHUNK:
                self._flush()

    def write(self, data: bytes) -> None:
        self._writer.write(self._compressor.compress(data))

    def file(self, path: bytes, size: int) -> None:
        """Say that the first bytes of a file come next."""
        self._flush()
        self.write(pack(HEAD, size, len(path)) + path)

    def _flush(self) -> None:
        if self._bytes:
            self.write(pack(HEAD, len(self._bytes), 0) + self._bytes)
            self._bytes = b""

    def finish(self) -> None:
        self._flush()
        self._writer.write(self._compressor.flush())


def _write(stream: BinaryIO, directory: str, start: str, writer: BlobWriter) -> None:
    """Write the frame of a tar, which is read to its end.

    directory: where it was unpacked
    start: the directory from which the frame names that one
    """
    frame = _Frame(writer)
    frame.write(os.fsencode(os.path.relpath(directory, start)) + b"\n")
    try:
        with open_tar(stream, frame.take) as archive:
            source = cast("BinaryIO", archive.fileobj)
            for member in members(archive):
                if member.isreg() and member.size and not member.issparse() and source.tell() == member.offset_data:
                    _leave_out(frame, source, directory, member)
            while source.read(CHUNK):
                pass
    except tarfile.TarError as error:
        raise damaged(error) from error
    frame.finish()


def _leave_out(frame: _Frame, source: BinaryIO, directory: str, member: tarfile.TarInfo) -> None:
    """Read a member's content, and leave out of the frame what the file in the directory begins with, too."""
    path = normpath("/" + member.name)
    try:
        file = opened(directory, path)
    except OSError:
        return  # a later member has replaced it: what is read to skip the content stays in the frame
    with file:
        frame.is_content, equal = True, 0
        while equal < member.size:
            data = source.read(min(member.size - equal, CHUNK))
            if not data or file.read(len(data)) != data:
                break
            equal += len(data)
        else:
            data = b""
        frame.is_content = False
        if equal:
            frame.file(os.fsencode(path), equal)
        frame.take(data)
