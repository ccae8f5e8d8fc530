"""Manifests and indexes from outside."""

from __future__ import annotations

from typing import Any

import pytest

from mydocker.errors import Damaged, NotFound, Unsupported
from mydocker.images import manifests

HELM = b'{"schemaVersion": 2, "config": {"digest": "sha256:%s", "size": 1, "mediaType": "helm"}}' % (b"0" * 64)


def index(*platforms: str) -> Any:
    entries = []
    for number, platform in enumerate(platforms):
        os_, architecture, *variant = platform.split("/")
        fields = {"os": os_, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        entries.append({"mediaType": "m", "digest": f"sha256:{number:064}", "size": 1, "platform": fields})
    return {"schemaVersion": 2, "manifests": entries}


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        ({"os": "linux", "architecture": "amd64"}, ["linux/arm64", "linux/amd64"], 1),
        ({"os": "linux", "architecture": "amd64"}, ["linux/amd64/v3", "linux/amd64"], 1),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, ["linux/arm/v6", "linux/arm/v7"], 1),
        ({"os": "linux", "architecture": "arm64"}, ["linux/amd64", "linux/arm64/v8"], 1),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, ["linux/arm"], 0),
    ],
)
def test_the_manifest_for_a_platform(wanted: Any, offered: list[str], chosen: int) -> None:
    assert manifests.choose(index(*offered), wanted, "x")["digest"] == f"sha256:{chosen:064}"


def test_no_manifest_for_a_platform() -> None:
    with pytest.raises(NotFound, match="no image for platform linux/s390x") as caught:
        manifests.choose(index("linux/amd64", "unknown/unknown"), {"os": "linux", "architecture": "s390x"}, "x")
    assert caught.value.hint == "there is linux/amd64"


@pytest.mark.parametrize(
    ("document", "error", "message"),
    [
        (b"{", Damaged, "not valid JSON"),
        (b"[]", Damaged, "not a JSON object"),
        (b'{"schemaVersion": 1}', Unsupported, "schema 1"),
        (b'{"schemaVersion": 3}', Damaged, "neither an image manifest"),
        (b'{"schemaVersion": 2}', Damaged, "x: config is missing"),
        (b'{"schemaVersion": 2, "config": {"digest": "sha256:../../etc", "size": 1, "mediaType": "m"}}', Damaged, "invalid digest"),
        (b'{"schemaVersion": 2, "config": {"digest": 5, "size": 1, "mediaType": "m"}}', Damaged, "x: config.digest 5: expected a text"),
        (
            b'{"schemaVersion": 2, "config": {"digest": "sha256:%s", "size": -1, "mediaType": "m"}}' % (b"0" * 64),
            Damaged,
            "config.size -1: ",
        ),
        (b'{"schemaVersion": 2, "config": {"digest": "sha256:%s", "size": 1}}' % (b"0" * 64), Damaged, "config.mediaType is missing"),
        (HELM[:-1] + b', "layers": 5}', Damaged, "x: layers 5: expected a list"),
        (HELM[:-1] + b', "layers": [5]}', Damaged, r"x: layers\[0\] 5: expected an object"),
        (b"[" * 100_000, Damaged, "x: not valid JSON"),
        (
            b'{"schemaVersion": 2, "config": {"digest": "sha256:%s", "size": 1, "mediaType": "helm"}}' % (b"0" * 64),
            Unsupported,
            "no container image",
        ),
    ],
)
def test_bad_manifests(document: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        manifests.Manifest(document, "x")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b'{"schemaVersion": 2, "manifests": 5}', "x: manifests 5: expected a list"),
        (b'{"schemaVersion": 2, "manifests": [{"digest": 5}]}', r"x: manifests\[0\].mediaType is missing"),
        (b'{"schemaVersion": 2, "manifests": [{"mediaType": "m", "digest": "../x", "size": 1}]}', "x: invalid digest '../x'"),
        (b'{"schemaVersion": 2, "manifests": [], "mediaType": 5}', "x: mediaType 5: expected a text"),
    ],
)
def test_bad_indexes(document: bytes, message: str) -> None:
    with pytest.raises(Damaged, match=message):
        manifests.read_index(document, "x")


def test_a_manifest_is_no_index() -> None:
    assert manifests.read_index(HELM, "x") is None
    assert manifests.read_index(b'{"schemaVersion": 2, "manifests": []}', "x") == {"schemaVersion": 2, "manifests": []}


def test_null_is_what_is_not_there() -> None:
    data = HELM.replace(b"helm", b"application/vnd.oci.image.config.v1+json")[:-1] + b', "layers": null, "annotations": null}'
    assert (manifests.Manifest(data, "x").layers, manifests.Manifest(data, "x").data) == ([], data)
