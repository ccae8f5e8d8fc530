"""Manifests and indexes from outside."""

from __future__ import annotations

from typing import Any

import pytest

from mydocker.errors import Damaged, NotFound, Unsupported
from mydocker.images import manifests

HELM = b'{"schemaVersion": 2, "config": {"digest": "sha256:%s", "size": 1, "mediaType": "helm"}}' % (b"0" * 64)


def index(*platforms: str) -> dict[str, Any]:
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
def test_the_manifest_for_a_platform(wanted: dict[str, str], offered: list[str], chosen: int) -> None:
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
        (b'{"schemaVersion": 2}', Damaged, "invalid digest None"),
        (b'{"schemaVersion": 2, "config": {"digest": "sha256:../../etc", "size": 1}}', Damaged, "invalid digest"),
        (b'{"schemaVersion": 2, "config": {"digest": "sha256:%s", "size": -1}}' % (b"0" * 64), Damaged, "invalid size -1"),
        (b'{"schemaVersion": 2, "config": {"digest": "sha256:%s", "size": 1}}' % (b"0" * 64), Damaged, "no media type"),
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
