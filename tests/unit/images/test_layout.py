"""The OCI layout: round trips, damage, reachability."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker import leanjson
from mydocker.errors import Damaged, Unsupported
from mydocker.images.documents import CONFIG_TYPE, DOCUMENT_MAX, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.layout import ImageLayout
from mydocker.images.staging import Staging

if TYPE_CHECKING:
    from mydocker.images.documents import Descriptor


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "images"))


def put(staging: Staging, data: bytes, media_type: str) -> Descriptor:
    blob = staging.put(data)
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}


def image(staging: Staging, content: bytes) -> Descriptor:
    config, layer = put(staging, b'{"os":"linux"}', CONFIG_TYPE), put(staging, content, LAYER_TYPE)
    return put(staging, leanjson.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode(), MANIFEST_TYPE)


def stored(layout: ImageLayout) -> set[str]:
    return set(os.listdir(layout.directory + "/blobs/sha256"))


def test_empty_before_anything_is_added(layout: ImageLayout) -> None:
    assert layout.entries() == []
    assert not os.path.exists(layout.directory)


def test_what_is_put_is_read_back(layout: ImageLayout) -> None:
    with Staging(layout) as staging:
        entry = image(staging, b"layer")
        assert stored(layout) == set()
        staging.publish(lambda entries: [*entries, entry])
    assert layout.entries() == [entry]
    assert layout.configuration(layout.manifest(entry)["config"])["os"] == "linux"
    assert Path(layout.directory, "oci-layout").read_text() == '{"imageLayoutVersion": "1.0.0"}'
    assert os.listdir(layout.directory + "/staging") == []


def test_nothing_stays_of_what_was_not_published(layout: ImageLayout) -> None:
    with pytest.raises(KeyError), Staging(layout) as staging:
        image(staging, b"layer")
        half = staging.writer()
        half.write(b"half")
        half.abandon()
        raise KeyError
    assert stored(layout) == set()
    assert os.listdir(layout.directory + "/staging") == []


def test_collect_keeps_what_is_reached(layout: ImageLayout) -> None:
    with Staging(layout) as staging:
        one, two = image(staging, b"one"), image(staging, b"two")
        staging.publish(lambda _: [one, two])
    with layout.lock():
        layout.change(lambda _: [two])
        gone = layout.collect()
        assert set(gone) == {one["digest"], sha256(b"one")}
        assert layout.collect() == []
    assert layout.manifest(two)["layers"][0]["digest"] == sha256(b"two")


def test_an_index_reaches_its_manifests(layout: ImageLayout) -> None:
    with Staging(layout) as staging:
        entry = image(staging, b"deep")
        nested = put(staging, leanjson.dumps({"manifests": [entry]}).encode(), INDEX_TYPE)
        staging.publish(lambda _: [nested])
    with layout.lock():
        assert layout.unreachable() == []
    with pytest.raises(Damaged, match=f"^manifest {nested['digest']}: config is missing$"):
        layout.manifest(nested)


def test_damage_is_told(layout: ImageLayout) -> None:
    with Staging(layout) as staging:
        entry = image(staging, b"x")
        staging.publish(lambda _: [entry])
    path = layout.blob(entry["digest"])
    content = Path(path).read_bytes()
    for data, message in ((content[:-1], "has .* bytes, expected"), (content[:-1] + b" ", "does not match its digest")):
        Path(path).write_bytes(data)
        with pytest.raises(Damaged, match=message):
            layout.manifest(entry)
    os.unlink(path)
    with pytest.raises(Damaged, match="is missing"):
        layout.manifest(entry)


def test_nothing_is_collected_past_damage(layout: ImageLayout) -> None:
    with Staging(layout) as staging:
        entry = image(staging, b"x")
        staging.publish(lambda _: [entry])
    os.unlink(layout.blob(entry["digest"]))
    with layout.lock(), pytest.raises(Damaged):
        layout.collect()
    assert sha256(b"x")[7:] in stored(layout)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[1]", "[1]: expected an object"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b'{"config": 5}', "config 5: expected an object"),
    ],
)
def test_a_document_that_is_none_is_told(layout: ImageLayout, content: bytes, problem: str) -> None:
    with Staging(layout) as staging:
        entry = put(staging, content, MANIFEST_TYPE)
        staging.publish(lambda _: [entry])
    for kind, read in (("manifest", layout.manifest), ("config", layout.configuration)):
        with pytest.raises(Damaged, match=f"^{kind} {entry['digest']}: {re.escape(problem)}"):
            read(entry)
    with layout.lock(), pytest.raises(Damaged, match=f"^blob {entry['digest']}: {re.escape(problem)}"):
        layout.collect()


DIGEST = "sha256:" + "a" * 64
TYPED = f'"mediaType": "m", "digest": "{DIGEST}"'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "[]: expected an object"),
        ("{}", "manifests is missing"),
        ('{"manifests": 1}', "manifests 1: expected a list"),
        ('{"manifests": [1]}', "manifests[0] 1: expected an object"),
        ('{"manifests": [{}]}', "manifests[0].mediaType is missing"),
        (f'{{"manifests": [{{{TYPED}}}]}}', "manifests[0].size is missing"),
        (f'{{"manifests": [{{{TYPED}, "size": 1, "annotations": "x"}}]}}', "manifests[0].annotations 'x': expected an object"),
        (f'{{"manifests": [{{{TYPED}, "size": 1, "platform": 5}}]}}', "manifests[0].platform 5: expected an object"),
    ],
)
def test_a_damaged_index_is_told(layout: ImageLayout, content: str, problem: str) -> None:
    layout.create()
    path = Path(layout.directory, "index.json")
    path.write_text(content)
    with pytest.raises(Damaged) as raised:
        layout.entries()
    assert raised.value.message == f"{path}: {problem}"


def test_what_others_write_into_the_index_stays(layout: ImageLayout) -> None:
    layout.create()
    entry = {"mediaType": "m", "digest": DIGEST, "size": 1, "urls": ["https://a.example"], "annotations": {"a": "b"}}
    Path(layout.directory, "index.json").write_text(leanjson.dumps({"manifests": [entry]}))
    with layout.lock():
        layout.change(lambda entries: entries)
    assert layout.entries() == [entry]


@pytest.mark.parametrize("digest", ["sha512:" + "a" * 128, "sha256:../../etc/passwd", "sha256:" + "A" * 64, ""])
def test_a_digest_is_never_a_path(layout: ImageLayout, digest: str) -> None:
    with pytest.raises(Unsupported, match="expected sha256"):
        layout.blob(digest)


def test_light_hash_is_the_same() -> None:
    assert sha256(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()
    assert DOCUMENT_MAX == 4 * 1024 * 1024


def test_an_index_that_stays_the_same_is_not_written(layout: ImageLayout) -> None:
    with Staging(layout) as staging:
        made = image(staging, b"1")
        staging.publish(lambda entries: [*entries, made])
    before = os.stat(f"{layout.directory}/index.json")
    with layout.lock():
        layout.change(list)
        assert os.stat(f"{layout.directory}/index.json") == before
        layout.change(lambda entries: [])
        assert os.stat(f"{layout.directory}/index.json").st_ino != before.st_ino
