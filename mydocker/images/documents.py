"""The documents that lead to an image (image-spec: descriptor.md, image-index.md, manifest.md), and how any document is read.

    index.json, or an index of platforms ─ manifest ┬─ configuration, see config.py
                                                    └─ layers

A document that came from elsewhere is stored byte by byte, under its digest. What read() returns is only for us: what is null is gone
there, and what is missing may have a default.
"""

from __future__ import annotations

import sys

from mydocker import leanjson
from mydocker.errors import Damaged
from mydocker.shape import WrongShape, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NotRequired, TypedDict

    from mydocker.shape import Shape

    class Platform(TypedDict, total=False):
        """What an image runs on."""

        architecture: str
        os: str
        variant: str

    class Descriptor(TypedDict):
        """A blob, as others point to it."""

        mediaType: str
        digest: str
        size: int
        annotations: NotRequired[dict[str, str]]
        platform: NotRequired[Platform]

    class ImageIndex(TypedDict):
        """Many images."""

        schemaVersion: NotRequired[int]
        mediaType: NotRequired[str]
        manifests: list[Descriptor]

    class ImageManifest(TypedDict):
        """One image."""

        schemaVersion: NotRequired[int]
        mediaType: NotRequired[str]
        config: Descriptor
        layers: list[Descriptor]

    class Links(TypedDict):
        """What any of these, or a manifest of something that is no image, points to."""

        config: NotRequired[Descriptor]
        subject: NotRequired[Descriptor]
        manifests: list[Descriptor]
        layers: list[Descriptor]


PLATFORM: Shape = {"architecture": "text", "os": "text", "variant": "text"}
DESCRIPTOR: Shape = {
    "mediaType!": "text",
    "digest!": "text",
    "size!": "natural",
    "annotations": {"*": "text"},  # in index.json: see index.py
    "platform": PLATFORM,
}
IMAGE_INDEX: Shape = {
    "schemaVersion": "natural",
    "mediaType": "text",
    "manifests!": [DESCRIPTOR],
}
IMAGE_MANIFEST: Shape = {
    "schemaVersion": "natural",
    "mediaType": "text",
    "config!": DESCRIPTOR,
    "layers": ([DESCRIPTOR], []),  # the lowest first
}
LINKS: Shape = {
    "config": DESCRIPTOR,
    "subject": DESCRIPTOR,
    "manifests": ([DESCRIPTOR], []),
    "layers": ([DESCRIPTOR], []),
}

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

# A manifest or config is read into memory at once; the registries' limit for a manifest.
DOCUMENT_MAX = 4 << 20


def read(data: bytes, shape: Shape, name: str) -> Any:
    """Return a document, checked against its shape. name: what to call it. Raises Damaged, which names the field."""
    return checked(parse(data, name), shape, name)


def parse(data: bytes, name: str) -> Any:
    """Return a document of which nothing is known yet. Raises Damaged when it is not JSON."""
    try:
        return leanjson.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{name}: not valid JSON: {error}") from error


def checked(document: Any, shape: Shape, name: str) -> Any:
    """Return a document, its null fields gone and what is missing filled in. Raises Damaged."""
    try:
        fit(document, shape)
    except WrongShape as error:
        raise Damaged(f"{name}: {error}") from error
    return document


def sha256(data: bytes) -> str:
    """Return the digest of a small blob, 'sha256:HEX', by the lightest implementation that this Python has."""
    # hashlib loads OpenSSL, 2 ms that the start of a container need not pay.
    try:
        if sys.version_info >= (3, 12):
            from _sha2 import sha256 as make  # type: ignore[import-not-found,unused-ignore]
        else:
            from _sha256 import sha256 as make  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from hashlib import sha256 as make
    return f"sha256:{make(data).hexdigest()}"
