"""Layers whose blobs were let go: whatever their tars are, they are made again byte by byte."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker import leanjson
from mydocker.errors import Damaged
from mydocker.images.documents import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.frames import FramedLayer, complete, stored
from mydocker.images.framing import LetBlobGo
from mydocker.images.layers import StoredLayer
from mydocker.images.layout import ImageLayout
from mydocker.images.staging import Staging, leftovers
from mydocker.storage.unpack import unpack
from mydocker.storage.whiteouts import FORMS

if TYPE_CHECKING:
    from mydocker.images.documents import Descriptor

LONG = "long/" * 30 + "name"


def tar(*members: tuple[str, bytes | str], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of files, or of symlinks where the content is a text; the texts '' and 'hard:NAME' are a directory and a hard link."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.uid, member.gid = os.geteuid(), os.getegid()
            if isinstance(content, bytes):
                member.size = len(content)
            elif not content:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            else:
                member.type = tarfile.LNKTYPE if content.startswith("hard:") else tarfile.SYMTYPE
                member.linkname = content.removeprefix("hard:")
            archive.addfile(member, io.BytesIO(content if isinstance(content, bytes) else b""))
    return data.getvalue()


RANDOM = os.urandom(700_000)
SIZES = tuple((f"of-{size}", RANDOM[:size]) for size in (0, 1, 511, 512, 513, 1024, 1 << 18, (1 << 18) + 1, 700_000))
TARS = {
    "sizes": tar(*SIZES),
    "zeros": tar(("zeros", bytes(100_000)), ("more", RANDOM[:5])),
    "none": bytes(10240),
    "long names in pax": tar((LONG, b"a"), ("é" * 80, b"b")),
    "long names in GNU's": tar((LONG, b"a"), (LONG + "2", LONG), form=tarfile.GNU_FORMAT),
    "names as others write them": tar(("./", ""), ("./a", b"1" * 600), ("/b", b"2" * 600), ("d", ""), ("d/../c", b"3" * 600)),
    "links": tar(("a", b"1" * 600), ("hard", "hard:a"), ("soft", "a"), ("d", ""), ("s", "d"), ("s/below", b"2" * 600)),
    "twice with another content": tar(("a", b"1" * 600), ("a", b"2" * 600), ("b", b"x" * 300_000), ("b", b"x" * 299_999 + b"y")),
    "twice with another length": tar(("a", b"1" * 600), ("a", b"1" * 500), ("b", b"1" * 500), ("b", b"1" * 600)),
    "replaced": tar(("a", b"1" * 600), ("a", "b"), ("b", b"2" * 600), ("c", b"3" * 600), ("c", "")),
    "more after the end": tar(("a", b"1" * 600)) + RANDOM[:300_001],
    "no end": tar(("a", b"1" * 600))[: 512 + 1024],
    "whiteouts": tar(("d", ""), ("d/.wh..wh..opq", b""), ("d/.wh.gone", b""), ("d/a", b"1" * 600)),
}


class Layer:
    """A layer that is stored and unpacked below a directory."""

    def __init__(self, directory: Path, content: bytes) -> None:
        self.layout = ImageLayout(f"{directory}/images")
        self.place = directory / "layers/overlay/HEX"
        self.place.mkdir(parents=True)
        unpack(io.BytesIO(content), str(self.place), FORMS["vfs"])
        self.diff_id = sha256(content)
        with Staging(self.layout) as staging:
            self.descriptor = self._put(staging, gzip.compress(content, 9), LAYER_TYPE)
            config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [self.diff_id]}}
            manifest = {"schemaVersion": 2, "config": self._put(staging, leanjson.dumps(config).encode(), CONFIG_TYPE)}
            self.entry = self._put(staging, leanjson.dumps({**manifest, "layers": [self.descriptor]}).encode(), MANIFEST_TYPE)
            staging.publish(lambda entries: [*entries, self.entry])

    @staticmethod
    def _put(staging: Staging, data: bytes, kind: str) -> Descriptor:
        blob = staging.put(data)
        return {"mediaType": kind, "digest": blob.digest, "size": blob.size}

    def let_go(self) -> None:
        LetBlobGo(self.layout, self.descriptor, self.diff_id, str(self.place)).apply()

    def tar(self) -> bytes:
        with stored(self.layout, self.descriptor, self.diff_id) as layer:
            return b"".join(iter(lambda: layer.read(100_000), b""))


@pytest.mark.parametrize("name", list(TARS))
def test_a_tar_is_the_same_again(tmp_path: Path, name: str) -> None:
    layer = Layer(tmp_path, TARS[name])
    layer.let_go()
    assert layer.layout.files(layer.descriptor["digest"]) == [layer.layout.frame(layer.descriptor["digest"])]
    assert layer.tar() == TARS[name]
    assert leftovers(layer.layout) == []


def test_a_sparse_file_stays_in_the_frame(tmp_path: Path) -> None:
    for form in ("gnu", "posix"):
        with open(tmp_path / "holes", "wb") as file:
            file.seek(1 << 20)
            file.write(b"x" * 5000)
            file.truncate(3 << 20)
        made = subprocess.run(["tar", "-C", tmp_path, f"--format={form}", "-Sc", "holes"], check=True, capture_output=True).stdout
        assert len(made) < 1 << 20
        layer = Layer(tmp_path / form, made)
        layer.let_go()
        assert layer.tar() == made


def test_the_contents_are_not_in_the_frame(tmp_path: Path) -> None:
    layer = Layer(tmp_path, TARS["sizes"])
    layer.let_go()
    assert os.path.getsize(layer.layout.frame(layer.descriptor["digest"])) < 2000


def test_what_comes_of_it_is_a_manifest_of_its_own_with_the_same_configuration(tmp_path: Path) -> None:
    layer = Layer(tmp_path, TARS["sizes"])
    with Staging(layer.layout) as staging:
        assert complete(layer.layout, staging, layer.entry)[0] == layer.entry
    layer.let_go()
    with Staging(layer.layout) as staging:
        entry, manifest = complete(layer.layout, staging, layer.entry)
        assert manifest["config"] == layer.layout.manifest(layer.entry)["config"]
        assert entry["digest"] != layer.entry["digest"]
        assert Path(staging.path(entry["digest"])).stat().st_size == entry["size"]
        [descriptor] = manifest["layers"]
        assert gzip.decompress(Path(staging.path(descriptor["digest"])).read_bytes()) == TARS["sizes"]


@pytest.mark.parametrize("change", ["other", "shorter", "gone", "a symlink", "a FIFO"])
def test_a_file_that_is_not_as_it_was_is_told(tmp_path: Path, change: str) -> None:
    layer = Layer(tmp_path, TARS["sizes"])
    layer.let_go()
    file = layer.place / "of-513"
    if change in ("gone", "a symlink", "a FIFO"):
        file.unlink()
    if change == "a FIFO":
        os.mkfifo(file)
    if change == "a symlink":
        file.symlink_to("of-1024")
    if change in ("other", "shorter"):
        file.write_bytes(b"x" * (513 if change == "other" else 512))
    with pytest.raises(Damaged, match="does not match its diff id" if change == "other" else "/of-513: "):
        layer.tar()


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_frame_that_was_cut_off_is_told(tmp_path: Path, kept: int) -> None:
    layer = Layer(tmp_path, TARS["sizes"])
    layer.let_go()
    frame = Path(layer.layout.frame(layer.descriptor["digest"]))
    frame.write_bytes(frame.read_bytes()[:kept])
    with pytest.raises(Damaged):
        layer.tar()


def test_killed_before_the_blob_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then both are there, the blob is what is read, and it goes when somebody asks once more."""
    layer = Layer(tmp_path, TARS["sizes"])
    with monkeypatch.context() as patch:
        blob, unlink = layer.layout.blob(layer.descriptor["digest"]), os.unlink
        patch.setattr(os, "unlink", lambda path: unlink(path) if path != blob else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            layer.let_go()
    assert len(layer.layout.files(layer.descriptor["digest"])) == 2
    assert leftovers(layer.layout) == []
    with stored(layer.layout, layer.descriptor, layer.diff_id) as found:
        assert isinstance(found, StoredLayer)
    layer.let_go()
    with stored(layer.layout, layer.descriptor, layer.diff_id) as found:
        assert isinstance(found, FramedLayer)
    layer.let_go()
    assert layer.tar() == TARS["sizes"]


def test_the_blob_of_another_tar_stays(tmp_path: Path) -> None:
    layer = Layer(tmp_path, TARS["sizes"])
    layer.diff_id = sha256(TARS["links"])
    with pytest.raises(Damaged, match="does not match its diff id"):
        layer.let_go()
    assert layer.layout.files(layer.descriptor["digest"]) == [layer.layout.blob(layer.descriptor["digest"])]


def test_a_frame_goes_with_its_image(tmp_path: Path) -> None:
    layer = Layer(tmp_path, TARS["sizes"])
    layer.let_go()
    with layer.layout.lock():
        layer.layout.change(lambda entries: [])
        assert layer.descriptor["digest"] in layer.layout.unreachable()
    assert layer.layout.frame(layer.descriptor["digest"]) in leftovers(layer.layout)
    with layer.layout.lock():
        layer.layout.collect()
    assert os.listdir(f"{layer.layout.directory}/frames") == os.listdir(f"{layer.layout.directory}/blobs/sha256") == []


def test_an_image_that_was_removed_meanwhile_gets_no_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Layer(tmp_path, TARS["sizes"])
    take = Staging.take

    def removing(staging: Staging, digest: str) -> bool:
        taken = take(staging, digest)
        os.unlink(layer.layout.blob(digest))
        return taken

    monkeypatch.setattr(Staging, "take", removing)
    layer.let_go()
    assert layer.layout.files(layer.descriptor["digest"]) == []
