"""Archives of images: what they say is checked before anything is made of it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from mydocker.errors import BadInput, Damaged
from mydocker.images.config import platform_fields
from mydocker.images.documents import sha256
from mydocker.images.layout import ImageLayout
from mydocker.images.loading import Archive, Found
from mydocker.images.staging import Staging

DIGEST = "sha256:" + "0" * 64


def images(tmp_path: Path, **files: Any) -> list[Found]:
    """Return the images of an archive with these files, whose names have _ for a dot."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            text = json.dumps(content).encode()
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    data.seek(0)
    with Staging(ImageLayout(f"{tmp_path}/images")) as staging:
        archive = Archive(staging, "x.tar")
        archive.read(io.BufferedReader(data))
        return archive.images(platform_fields("linux/amd64"))


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ({}, "{}: expected a list"),
        ([5], "[0] 5: expected an object"),
        ([{}], "[0].Config is missing"),
        ([{"Config": 5}], "[0].Config 5: expected a text"),
        ([{"Config": "c_json", "Layers": True}], "[0].Layers True: expected a list"),
        ([{"Config": "c_json", "Layers": [5]}], "[0].Layers[0] 5: expected a text"),
        ([{"Config": "c_json", "RepoTags": "x:1"}], "[0].RepoTags 'x:1': expected a list"),
    ],
)
def test_dockers_manifest_names_what_is_wrong(tmp_path: Path, listed: object, problem: str) -> None:
    with pytest.raises(Damaged) as raised:
        images(tmp_path, manifest_json=listed, c_json={})
    assert raised.value.message == f"x.tar: manifest.json: {problem}"


def layout(tmp_path: Path, *entries: dict[str, Any]) -> list[str]:
    """Return the architectures of the images in an archive. Each entry is what its index says of an image beside its digest."""
    config = {"mediaType": "application/vnd.oci.image.config.v1+json"}
    files: dict[str, Any] = {"oci-layout": {}}
    listed = []
    for number, entry in enumerate(entries):
        document = {"os": "linux", "architecture": str(number), "rootfs": {"type": "layers", "diff_ids": []}}
        files[f"c{number}"] = document
        data = json.dumps(document).encode()
        described = {**config, "digest": sha256(data), "size": len(data)}
        files[f"m{number}"] = {"schemaVersion": 2, "config": described, "layers": []}
        data = json.dumps(files[f"m{number}"]).encode()
        listed.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(data), "size": len(data), **entry})
    found = images(tmp_path, **files, index_json={"schemaVersion": 2, "manifests": listed})
    return [str(json.loads(image.config)["architecture"]) for image in found]


NAMED = {"annotations": {"org.opencontainers.image.ref.name": "x:1"}}
HOST, OTHER = ({"platform": {"os": "linux", "architecture": name}} for name in ("amd64", "arm64"))
UNKNOWN = {"platform": {"os": "unknown", "architecture": "unknown"}}
ATTESTATION = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        ([HOST, UNKNOWN], ["0"]),
        ([ATTESTATION, HOST], ["1"]),
        ([{**OTHER, **NAMED}, {**HOST, **NAMED}], ["1"]),
        ([{**OTHER, **NAMED}], ["0"]),
        ([OTHER, HOST], ["0", "1"]),
        ([NAMED, {}], ["0", "1"]),
    ],
)
def test_which_entries_of_an_index_are_images(tmp_path: Path, entries: list[dict[str, Any]], kept: list[str]) -> None:
    assert layout(tmp_path, *entries) == kept


def test_dockers_manifest_with_null(tmp_path: Path) -> None:
    (found,) = images(tmp_path, manifest_json=[{"Config": "c.json", "RepoTags": None, "Layers": None, "Parent": None}], c_json={"a": None})
    assert (found.config, found.names, found.manifest.layers) == (b'{"a": null}', [], [])


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"annotations": "x"}, "manifests[0].annotations 'x': expected an object"),
        (
            {"annotations": {"org.opencontainers.image.ref.name": 5}},
            "manifests[0].annotations.org.opencontainers.image.ref.name 5: expected a text",
        ),
        ({"size": "1"}, "manifests[0].size '1': expected a whole number that is not negative"),
        ({"digest": None}, "manifests[0].digest is missing"),
        ({"platform": "linux"}, "manifests[0].platform 'linux': expected an object"),
    ],
)
def test_the_index_names_what_is_wrong(tmp_path: Path, entry: dict[str, object], problem: str) -> None:
    whole = {"mediaType": "m", "digest": DIGEST, "size": 1, **entry}
    files = {"index_json": {"schemaVersion": 2, "manifests": [whole]}, "oci-layout": {}}
    with pytest.raises(Damaged) as raised:
        images(tmp_path, **files)
    assert raised.value.message == f"x.tar: index.json: {problem}"


def test_an_index_that_lists_nothing(tmp_path: Path) -> None:
    for index in ({"schemaVersion": 2, "manifests": []}, {"schemaVersion": 2, "config": {}}):
        with pytest.raises(BadInput, match="has no image in it"):
            images(tmp_path, **{"index_json": index, "oci-layout": {}})
