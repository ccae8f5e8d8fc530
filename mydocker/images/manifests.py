"""Manifests and indexes from outside: told apart, checked, and the one for a platform chosen.

Sources: image-spec (manifest.md, image-index.md); distribution's "Image Manifest V2, Schema 2", which says the same in other media types.
"""

from __future__ import annotations

from mydocker import leanjson
from mydocker.errors import Damaged, NotFound, Unsupported
from mydocker.images.layout import CONFIG_TYPE, DOCUMENT_MAX, INDEX_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.reference import is_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.images.layout import Descriptor, Document

DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
ACCEPTED = (MANIFEST_TYPE, INDEX_TYPE, DOCKER_MANIFEST_TYPE, DOCKER_INDEX_TYPE)
_INDEXES = (INDEX_TYPE, DOCKER_INDEX_TYPE)
_CONFIGS = (CONFIG_TYPE, "application/vnd.docker.container.image.v1+json")
_SCHEMA_1 = "an image of manifest schema 1, which registries gave up in 2019"


class Manifest:
    """A manifest as it came, byte by byte.

    descriptor: its mediaType, digest and size. config, layers: descriptors, checked; layers from the lowest.
    """

    __slots__ = ("config", "data", "descriptor", "layers")

    def __init__(self, data: bytes, name: str) -> None:
        document = parse(data, name)
        self.data = data
        self.config: Descriptor = _checked(document.get("config"), name)
        self.layers: list[Descriptor] = [_checked(layer, name) for layer in document.get("layers") or []]
        kind = document.get("mediaType") or (DOCKER_MANIFEST_TYPE if "docker" in self.config["mediaType"] else MANIFEST_TYPE)
        self.descriptor: Descriptor = {"mediaType": kind, "digest": sha256(data), "size": len(data)}
        if self.config["mediaType"] not in _CONFIGS:
            raise Unsupported(f"{name} is no container image: its config is of type {self.config['mediaType']!r}")
        if self.config["size"] > DOCUMENT_MAX:
            raise Damaged(f"{name}: a config of {self.config['size']} bytes, more than {DOCUMENT_MAX}")


def parse(data: bytes, name: str) -> Document:
    """Return a manifest's or index's JSON object. Raises Damaged, and Unsupported for schema 1."""
    try:
        document: Any = leanjson.loads(data.decode())
    except ValueError as error:
        raise Damaged(f"{name}: not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise Damaged(f"{name}: not a JSON object")
    if document.get("schemaVersion") == 1:
        raise Unsupported(f"{name}: {_SCHEMA_1}")
    if document.get("schemaVersion") != 2:
        raise Damaged(f"{name}: neither an image manifest nor an image index")
    return document


def is_index(document: Document) -> bool:
    """Say whether a document lists manifests, and is none itself."""
    return document.get("mediaType") in _INDEXES or ("manifests" in document and "config" not in document)


def listed(index: Document, name: str) -> list[Descriptor]:
    """Return an index's descriptors. Raises Damaged."""
    entries = index.get("manifests") or []
    if not isinstance(entries, list):
        raise Damaged(f"{name}: an index without a list of manifests")
    return [_checked(entry, name) for entry in entries]


def choose(index: Document, platform: dict[str, str], name: str) -> Descriptor:
    """Return the descriptor of an index that fits a platform best. platform: os, architecture, perhaps variant. Raises NotFound."""
    entries = listed(index, name)
    fitting = [entry for entry in entries if _fits(entry.get("platform"), platform)]
    if fitting:
        # Of several, the one whose variant is named, else the first: indexes list the best first.
        return next((e for e in fitting if e["platform"].get("variant", "") == platform.get("variant", "")), fitting[0])
    if len(entries) == 1 and not entries[0].get("platform"):
        return entries[0]
    offered = sorted({_shown(entry["platform"]) for entry in entries if entry.get("platform")} - {"unknown/unknown"})
    raise NotFound(f"{name}: no image for platform {_shown(platform)}", f"there is {', '.join(offered)}" if offered else None)


def _fits(offered: Any, wanted: dict[str, str]) -> bool:
    if not isinstance(offered, dict) or any(offered.get(key) != wanted[key] for key in ("os", "architecture")):
        return False
    return not wanted.get("variant") or offered.get("variant", "") in ("", wanted["variant"])


def _shown(platform: dict[str, str]) -> str:
    return "/".join(platform[key] for key in ("os", "architecture", "variant") if platform.get(key))


def _checked(descriptor: Any, name: str) -> Descriptor:
    """Return a descriptor whose digest can be a file's name and whose size is one. Raises Damaged."""
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not digest.startswith("sha256:") or not is_id(digest.removeprefix("sha256:")):
        raise Damaged(f"{name}: invalid digest {digest!r}: expected sha256: and 64 hexadecimal digits")
    if type(descriptor.get("size")) is not int or descriptor["size"] < 0:
        raise Damaged(f"{name}: invalid size {descriptor.get('size')!r} of {digest}")
    if not isinstance(descriptor.get("mediaType"), str):
        raise Damaged(f"{name}: {digest} has no media type")
    found: Descriptor = descriptor
    return found
