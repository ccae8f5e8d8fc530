"""Manifests and indexes from outside: which of them a document is, its checks, and the choice of a manifest for a platform.

Sources: image-spec (manifest.md, image-index.md) and distribution's "Image Manifest V2, Schema 2". The latter has the same content with
other media types.
"""

from __future__ import annotations

from mydocker.errors import Damaged, NotFound, Unsupported
from mydocker.images import documents
from mydocker.images.documents import CONFIG_TYPE, DOCUMENT_MAX, IMAGE_INDEX, IMAGE_MANIFEST, INDEX_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.index import name_of
from mydocker.images.reference import is_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.images.documents import Descriptor, ImageIndex, ImageManifest, Platform

DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
ACCEPTED = (MANIFEST_TYPE, INDEX_TYPE, DOCKER_MANIFEST_TYPE, DOCKER_INDEX_TYPE)
_INDEXES = (INDEX_TYPE, DOCKER_INDEX_TYPE)
_CONFIGS = (CONFIG_TYPE, "application/vnd.docker.container.image.v1+json")
_SCHEMA_1 = "an image of manifest schema 1, which registries gave up in 2019"


class Manifest:
    """A manifest from outside, after checking it. Raises Damaged, and Unsupported if it is not of a container image.

    data: the manifest byte by byte.
    descriptor: its mediaType, digest and size.
    config: the descriptor of its config.
    layers: the descriptors of its layers, the lowest first.
    """

    __slots__ = ("config", "data", "descriptor", "layers")

    def __init__(self, data: bytes, name: str) -> None:
        document: ImageManifest = documents.checked(_parse(data, name), IMAGE_MANIFEST, name)
        self.data = data
        self.config = document["config"]
        self.layers = document["layers"]
        _check_digests([self.config, *self.layers], name)
        kind = document.get("mediaType") or (DOCKER_MANIFEST_TYPE if "docker" in self.config["mediaType"] else MANIFEST_TYPE)
        self.descriptor: Descriptor = {"mediaType": kind, "digest": sha256(data), "size": len(data)}
        if self.config["mediaType"] not in _CONFIGS:
            raise Unsupported(f"{name} is no container image: its config is of type {self.config['mediaType']!r}")
        if self.config["size"] > DOCUMENT_MAX:
            raise Damaged(f"{name}: a config of {self.config['size']} bytes, more than {DOCUMENT_MAX}")


def read_index(data: bytes, name: str) -> ImageIndex | None:
    """Return an image index, or None if the document is not one, so that it should be a manifest.

    name: what errors call the document.

    Raises Damaged, and Unsupported for schema 1.
    """
    document = _parse(data, name)
    if document.get("mediaType") not in _INDEXES and ("manifests" not in document or "config" in document):
        return None
    index: ImageIndex = documents.checked(document, IMAGE_INDEX, name)
    _check_digests(index["manifests"], name)
    return index


def _parse(data: bytes, name: str) -> Any:
    """Return the JSON object of a manifest or an index. Raises Damaged if it is none, and Unsupported for schema 1."""
    document = documents.parse(data, name)
    if not isinstance(document, dict):
        raise Damaged(f"{name}: not a JSON object")
    if document.get("schemaVersion") == 1:
        raise Unsupported(f"{name}: {_SCHEMA_1}")
    if document.get("schemaVersion") != 2:
        raise Damaged(f"{name}: neither an image manifest nor an image index")
    return document


def choose(index: ImageIndex, platform: Platform, name: str) -> Descriptor:
    """Return the descriptor of an index that fits a platform best.

    platform: has os and architecture, and perhaps variant.
    name: what errors call the index.

    Raises NotFound if none fits.
    """
    entries = index["manifests"]
    fitting = [entry for entry in entries if _fits(_platform(entry), platform)]
    if fitting:
        # If several fit, take the one with the same variant, or else the first one, because indexes list the best first.
        return next((entry for entry in fitting if _platform(entry).get("variant", "") == platform.get("variant", "")), fitting[0])
    if len(entries) == 1 and not _platform(entries[0]):
        return entries[0]
    offered = sorted({_shown(_platform(entry)) for entry in entries if _platform(entry)} - {"unknown/unknown"})
    raise NotFound(f"{name}: no image for platform {_shown(platform)}", f"there is {', '.join(offered)}" if offered else None)


def images_of(index: ImageIndex, platform: Platform) -> list[Descriptor]:
    """Return the entries of an archive's index that are images. Of several with one name, those for the platform, if there are any.

    BuildKit lists its attestations beside the image that they are about.
    """
    entries = [entry for entry in index["manifests"] if not _is_attestation(entry)]
    fitting = {_name(entry) for entry in entries if _fits(_platform(entry), platform)} - {""}
    return [entry for entry in entries if _name(entry) not in fitting or not _platform(entry) or _fits(_platform(entry), platform)]


def _is_attestation(entry: Descriptor) -> bool:
    about = entry.get("annotations", {}).get("vnd.docker.reference.type")
    return about == "attestation-manifest" or _shown(_platform(entry)) == "unknown/unknown"


def _name(entry: Descriptor) -> str:
    return name_of(entry) or ""


def _platform(entry: Descriptor) -> Platform:
    return entry.get("platform", {})


def _fits(offered: Platform, wanted: Platform) -> bool:
    if (offered.get("os"), offered.get("architecture")) != (wanted["os"], wanted["architecture"]):
        return False
    return not wanted.get("variant") or offered.get("variant", "") in ("", wanted["variant"])


def _shown(platform: Platform) -> str:
    words = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return "/".join(word for word in words if word)


def _check_digests(descriptors: list[Descriptor], name: str) -> None:
    """Check that the digests can be names of files. Raises Damaged if one cannot."""
    for descriptor in descriptors:
        digest = descriptor["digest"]
        if not digest.startswith("sha256:") or not is_id(digest.removeprefix("sha256:")):
            raise Damaged(f"{name}: invalid digest {digest!r}: expected sha256: and 64 hexadecimal digits")
