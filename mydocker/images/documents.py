"""The documents that lead to an image (image-spec: descriptor.md, image-index.md, manifest.md), and how documents are read.

    index.json, or an index of platforms ─ manifest ┬─ configuration, see config.py
                                                    └─ layers

A document from outside is stored byte by byte, under its digest. What read() returns is only for our own use: it has no null fields, and
missing fields may have a default.
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
        """What an image can run on."""

        architecture: str
        os: str
        variant: str

    class Descriptor(TypedDict):
        """How a document points to a blob."""

        mediaType: str
        digest: str
        size: int
        annotations: NotRequired[dict[str, str]]
        platform: NotRequired[Platform]

    class ImageIndex(TypedDict):
        """An image index: index.json, or one image for each of several platforms."""

        schemaVersion: NotRequired[int]
        mediaType: NotRequired[str]
        manifests: list[Descriptor]

    class ImageManifest(TypedDict):
        """An image manifest: one image for one platform."""

        schemaVersion: NotRequired[int]
        mediaType: NotRequired[str]
        config: Descriptor
        layers: list[Descriptor]
        annotations: NotRequired[dict[str, str]]

    class Links(TypedDict):
        """All that an index or a manifest, also one of something that is not an image, can point to."""

        config: NotRequired[Descriptor]
        subject: NotRequired[Descriptor]
        manifests: list[Descriptor]
        layers: list[Descriptor]


PLATFORM: Shape = {"architecture": "text", "os": "text", "variant": "text"}
DESCRIPTOR: Shape = {
    "mediaType!": "text",
    "digest!": "text",  # 'sha256:HEX'
    "size!": "natural",  # in bytes
    "annotations": {"*": "text"},  # for those in index.json see index.py
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
    "annotations": {"*": "text"},
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

# A manifest or a config is read into memory at once. This is the limit that registries have for a manifest, in bytes.
DOCUMENT_MAX = 4 << 20


def read(data: bytes, shape: Shape, name: str) -> Any:
    """Return a document after checking it against its shape. name: what errors call it. Raises Damaged, which names the field."""
    return checked(parse(data, name), shape, name)


def parse(data: bytes, name: str) -> Any:
    """Return a document that has not been checked yet. Raises Damaged if it is not JSON."""
    try:
        return leanjson.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{name}: not valid JSON: {error}") from error


def checked(document: Any, shape: Shape, name: str) -> Any:
    """Return a parsed document without its null fields and with its defaults. Raises Damaged if it does not fit the shape."""
    try:
        fit(document, shape)
    except WrongShape as error:
        raise Damaged(f"{name}: {error}") from error
    return document


def sha256(data: bytes) -> str:
    """Return the digest of a small blob, 'sha256:HEX', by the lightest implementation that this Python has."""
    # hashlib loads OpenSSL. That takes 2 ms, which the start of a container need not pay.
    try:
        if sys.version_info >= (3, 12):
            from _sha2 import sha256 as make  # type: ignore[import-not-found,unused-ignore]
        else:
            from _sha256 import sha256 as make  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from hashlib import sha256 as make
    return f"sha256:{make(data).hexdigest()}"
