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
