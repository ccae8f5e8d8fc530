"""An OCI image layout on disk (image-spec, image-layout.md), safe against crashes and concurrent writers.

    images/oci-layout               {"imageLayoutVersion": "1.0.0"}
    images/index.json               one descriptor per name, and one per image without a name; see index.py
    images/blobs/sha256/HEX         manifests, configs and layers, each whole: only publish() puts one there
    images/staging/RANDOM/          what a living process is adding; see staging.py
    images/lock                     flock: held to change index.json, to publish blobs and to remove them

A blob appears under blobs/ only together with the index entry that reaches it, both under the lock, and blobs
are removed under that lock too. So whoever holds it knows: a blob that index.json does not reach is a crash's.
"""

from __future__ import annotations

import os
import sys

from mydocker import leanjson, store
from mydocker.errors import Damaged, Unsupported
from mydocker.images.reference import is_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    # An OCI descriptor (mediaType, digest, size, annotations) and any other JSON object of the image specification.
    Descriptor = dict[str, Any]
    Document = dict[str, Any]
    Change = Callable[[list[Descriptor]], list[Descriptor]]

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

# A manifest or config is read into memory at once; the registries' limit for a manifest.
DOCUMENT_MAX = 4 << 20


class Layout:
    """The layout in one directory, which need not exist until something is added."""

    __slots__ = ("directory",)

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def create(self) -> None:
        """Make what is missing of an empty layout."""
        store.make_private(self.directory + "/blobs/sha256")
        store.make_private(self.directory + "/staging")
        if not os.path.exists(self.directory + "/oci-layout"):
            with self.lock():
                store.write_json(self.directory + "/oci-layout", {"imageLayoutVersion": "1.0.0"})

    def lock(self) -> store.Lock:
        """Return the lock on index.json and blobs, for an existing layout; create() takes it too, so call that before."""
        return store.Lock(self.directory + "/lock")

    def entries(self) -> list[Descriptor]:
        """Return index.json's descriptors. Raises Damaged when it is no image index."""
        path = self.directory + "/index.json"
        try:
            index = store.read_json(path)
        except FileNotFoundError:
            return []
        entries = index.get("manifests") if isinstance(index, dict) else None
        if not isinstance(entries, list) or not all(isinstance(e, dict) and "digest" in e for e in entries):
            raise Damaged(f"{path}: not an image index")
        return entries

    def change(self, change: Change) -> None:
        """Replace index.json's descriptors by change(descriptors); the caller holds the lock."""
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": change(self.entries())}
        store.write_json(self.directory + "/index.json", index)

    def blob(self, digest: str) -> str:
        """Return a blob's path. Raises Unsupported for a digest that is not sha256:HEX."""
        algorithm, _, digits = digest.partition(":")
        if algorithm != "sha256" or not is_id(digits):
            raise Unsupported(f"digest {digest!r}: expected sha256: and 64 hexadecimal digits")
        return f"{self.directory}/blobs/sha256/{digits}"

    def read(self, descriptor: Descriptor) -> bytes:
        """Return a small blob, whole, after checking its size and digest. Raises Damaged."""
        digest = descriptor["digest"]
        try:
            with open(self.blob(digest), "rb", buffering=0) as file:
                data = file.read(DOCUMENT_MAX)
        except FileNotFoundError as error:
            raise Damaged(f"blob {digest} is missing in {self.directory}") from error
        if len(data) != descriptor["size"]:
            raise Damaged(f"blob {digest} has {len(data)} bytes, expected {descriptor['size']}")
        if sha256(data) != digest:
            raise Damaged(f"blob {digest} does not match its digest")
        return data

    def document(self, descriptor: Descriptor) -> Document:
        """Return a manifest's or config's JSON object, verified. Raises Damaged."""
        try:
            value = leanjson.loads(self.read(descriptor).decode())
        except ValueError as error:
            raise Damaged(f"blob {descriptor['digest']}: not valid JSON: {error}") from error
        if not isinstance(value, dict):
            raise Damaged(f"blob {descriptor['digest']}: not a JSON object")
        return value

    def manifest(self, descriptor: Descriptor) -> Document:
        """Return an image manifest, verified. Raises Damaged when the blob is something else."""
        manifest = self.document(descriptor)
        parts = [manifest.get("config"), *(manifest.get("layers") or [])]
        if not all(isinstance(part, dict) and isinstance(part.get("digest"), str) and "size" in part for part in parts):
            raise Damaged(f"blob {descriptor['digest']}: not an image manifest")
        return manifest

    def unreachable(self) -> list[str]:
        """Return the digests of blobs that index.json does not reach; the caller holds the lock."""
        reached = set(self._reached(self.entries()))
        return [digest for digest in self._stored() if digest not in reached]

    def collect(self) -> list[str]:
        """Remove unreachable blobs and return their digests; the caller holds the lock."""
        garbage = self.unreachable()
        for digest in garbage:
            os.unlink(self.blob(digest))
        return garbage

    def _stored(self) -> list[str]:
        try:
            return [f"sha256:{name}" for name in sorted(os.listdir(self.directory + "/blobs/sha256")) if is_id(name)]
        except FileNotFoundError:
            return []

    def _reached(self, descriptors: Iterable[Descriptor]) -> Iterator[str]:
        for descriptor in descriptors:
            yield descriptor["digest"]
            # An image index (another tool may have put one here) lists manifests, a manifest its config and layers.
            kind = descriptor.get("mediaType", MANIFEST_TYPE)
            if "index" in kind or "manifest" in kind:
                document = self.document(descriptor)
                parts = [document[key] for key in ("config", "subject") if key in document]
                yield from self._reached([*parts, *document.get("manifests", []), *document.get("layers", [])])


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
