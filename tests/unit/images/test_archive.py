"""Archives coming in and layers going out."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import io
import lzma
import sys
import tarfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.errors import BadInput, Damaged
from mydocker.images import archive
from mydocker.images.archive import LayerWriter
from mydocker.images.documents import LAYER_TYPE
from mydocker.images.layers import StoredLayer
from mydocker.images.layout import ImageLayout
from mydocker.images.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.images.documents import Descriptor


def tar_of(files: dict[str, bytes]) -> bytes:
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return result.getvalue()


TAR = tar_of({"etc/passwd": b"root\n", "long/" * 40 + "name": b"x" * 20000, "last": b"1" * 600})


def zstd(data: bytes) -> bytes:
    module = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    compressed: bytes = module.compress(data)
    return compressed


def reader(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "images"))


def publish(layout: ImageLayout, data: bytes, name: str = "x.tar") -> tuple[Descriptor, str]:
    with Staging(layout) as staging:
        with LayerWriter(staging) as layer:
            archive.store(reader(data), name, layer)
            layer.finish()
        staging.publish(lambda _: [{"digest": layer.digest, "size": layer.size, "mediaType": LAYER_TYPE}])
        assert layer.tar_size == len(TAR)
    return layout.entries()[0], layer.diff_id


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd])
def test_every_compression_gives_the_same_layer(layout: ImageLayout, compress: Callable[[bytes], bytes]) -> None:
    entry, diff_id = publish(layout, compress(TAR))
    blob = Path(layout.blob(entry["digest"])).read_bytes()
    assert gzip.decompress(blob) == TAR
    assert blob[4:8] == bytes(4), "a time stamp would make equal layers differ"
    assert diff_id == "sha256:" + hashlib.sha256(TAR).hexdigest()
    assert entry["digest"] == "sha256:" + hashlib.sha256(blob).hexdigest()


def test_concatenated_gzip_members_are_one_archive(layout: ImageLayout) -> None:
    _, diff_id = publish(layout, gzip.compress(TAR[:5000]) + gzip.compress(TAR[5000:]))
    assert diff_id == "sha256:" + hashlib.sha256(TAR).hexdigest()


@pytest.mark.parametrize("data", [b"", b"text\n", b"x" * 5000, gzip.compress(b"text", mtime=0), b"PK\3\4" + b"\1" * 600])
def test_not_a_tar(layout: ImageLayout, data: bytes) -> None:
    with pytest.raises(BadInput, match=r"^x\.tar is not a tar archive$"):
        publish(layout, data)
    assert layout.entries() == []


def broken_header(data: bytes) -> bytes:
    position = data.index(b"last\0")
    return data[:position] + b"?" + data[position + 1 :]


@pytest.mark.parametrize(
    "data",
    [
        TAR[:15000],
        broken_header(TAR),
        broken_header(tar_of({"first": b"", "last": b""})),
        gzip.compress(TAR)[:-9],
        gzip.compress(TAR)[:-8] + b"12345678",
        gzip.compress(TAR) + b"trailing rubbish",
        bz2.compress(TAR)[:-9],
        lzma.compress(TAR)[:-30],
        lzma.compress(TAR)[:60] + b"\0" * 40,
        zlib.compress(TAR).join([gzip.compress(b"")[:10], b"12345678"]),
    ],
    ids=["cut", "header", "short", "gzip cut", "gzip crc", "gzip rubbish", "bzip2 cut", "xz cut", "xz damage", "deflate"],
)
def test_damage_is_told_and_nothing_stored(layout: ImageLayout, data: bytes) -> None:
    with pytest.raises(Damaged, match=r"^x\.tar: damaged "):
        publish(layout, data)
    assert layout.entries() == []


class Failing(io.RawIOBase):
    """A file whose content after the first bytes the kernel cannot read."""

    def __init__(self, data: bytes) -> None:
        self.chunks = [data]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self.chunks:
            raise OSError(errno.EIO, "Input/output error")
        data = self.chunks.pop()
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("data", [TAR[:5000], gzip.compress(TAR)[:100]], ids=["plain", "gzip"])
def test_a_read_error_is_not_called_damage(layout: ImageLayout, data: bytes) -> None:
    with Staging(layout) as staging, LayerWriter(staging) as layer, pytest.raises(OSError, match="Input/output error"):
        archive.store(io.BufferedReader(Failing(data)), "x.tar", layer)


def test_damaged_zstd(layout: ImageLayout) -> None:
    with pytest.raises(Damaged, match="damaged archive"):
        publish(layout, zstd(TAR)[:-10])


@pytest.mark.parametrize(("files", "empty"), [({}, True), ({"a": b""}, False)])
def test_empty(layout: ImageLayout, files: dict[str, bytes], empty: bool) -> None:
    with Staging(layout) as staging, LayerWriter(staging) as layer:
        archive.store(reader(tar_of(files)), "x", layer)
        assert layer.empty is empty


def test_a_layer_can_be_written_like_a_file(layout: ImageLayout) -> None:
    with Staging(layout) as staging, LayerWriter(staging) as layer:
        with tarfile.open(fileobj=layer, mode="w|") as tar:
            tar.addfile(tarfile.TarInfo("a"))
        assert layer.tell() == layer.tar_size == tarfile.RECORDSIZE


def test_a_stored_layer_reads_back(layout: ImageLayout) -> None:
    entry, diff_id = publish(layout, TAR)
    with StoredLayer(layout, entry, diff_id) as layer:
        assert layer.read(10) + layer.read(1 << 20) + layer.read(1) == TAR


def test_a_wrong_diff_id_is_told_at_the_end(layout: ImageLayout) -> None:
    entry, _ = publish(layout, TAR)
    with StoredLayer(layout, entry, "sha256:" + "0" * 64) as layer:
        assert layer.read(len(TAR)) == TAR
        with pytest.raises(Damaged, match="does not match its diff id"):
            layer.read(1)


@pytest.mark.parametrize(
    ("damage", "message"), [(lambda b: b[:-1], "bytes, expected"), (lambda b: b[:-1] + b"x", "does not match its digest")]
)
def test_a_damaged_blob_is_told_before_anything_is_read(layout: ImageLayout, damage: Callable[[bytes], bytes], message: str) -> None:
    entry, diff_id = publish(layout, TAR)
    path = Path(layout.blob(entry["digest"]))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Damaged, match=message):
        StoredLayer(layout, entry, diff_id)


def test_a_missing_blob_is_told(layout: ImageLayout) -> None:
    entry, diff_id = publish(layout, TAR)
    Path(layout.blob(entry["digest"])).unlink()
    with pytest.raises(Damaged, match="is missing"):
        StoredLayer(layout, entry, diff_id)
