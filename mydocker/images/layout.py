"""An OCI image layout on disk (image-spec, image-layout.md), safe against crashes and concurrent writers.

    images/oci-layout               {"imageLayoutVersion": "1.0.0"}
    images/index.json               a descriptor for each name, and one for each image without a name; see index.py
    images/blobs/sha256/HEX         manifests, configs and layers, each complete: only Staging.publish() puts one there
    images/frames/HEX               stands for a layer's blob that was let go; see frames.py
    images/staging/RANDOM/          what a living process is adding; see staging.py
    images/lock                     an flock, held to change index.json, to publish blobs and to remove them

A blob appears under blobs/ only together with the index entry that reaches it. Both happen under the lock, and blobs are removed under the
lock too. So whoever holds the lock knows that a crash left every blob that index.json does not reach.
"""

from __future__ import annotations

import os
from time import time_ns

from mydocker import store
from mydocker.errors import Damaged, Unsupported
from mydocker.images import documents
from mydocker.images.config import image_document
from mydocker.images.documents import DOCUMENT_MAX, IMAGE_INDEX, IMAGE_MANIFEST, INDEX_TYPE, LINKS, MANIFEST_TYPE, sha256
from mydocker.images.reference import is_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from mydocker.images.config import ImageDocument
    from mydocker.images.documents import Descriptor, ImageIndex, ImageManifest, Links

    T = TypeVar("T")
    # Returns the new descriptors of index.json, given the old ones.
    Change = Callable[[list[Descriptor]], list[Descriptor]]

LAYOUT = {"imageLayoutVersion": "1.0.0"}

# A client of the API asks for many images, one after the other: {directory of a layout: (the version of its index.json, its descriptors)}.
_SEEN: dict[str, tuple[tuple[int, int], list[Descriptor]]] = {}
_SETTLED = 10**9  # nanoseconds


class ImageLayout:
    """The layout in one directory. The directory need not exist until something is added."""

    __slots__ = ("directory",)

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def create(self) -> None:
        """Make the files and directories of an empty layout that are missing."""
        store.make_private(self.directory + "/blobs/sha256")
        store.make_private(self.directory + "/staging")
        if not all(os.path.lexists(f"{self.directory}/{name}") for name in ("oci-layout", "index.json")):
            with self.lock():
                # Before any blob is there: one that is missing later was lost.
                if not os.path.lexists(self.directory + "/index.json") and not self._stored():
                    self._write_index([])
                if not os.path.lexists(self.directory + "/oci-layout"):
                    store.write_json(self.directory + "/oci-layout", LAYOUT)

    def lock(self) -> store.Lock:
        """Return the lock on index.json and the blobs of an existing layout. create() takes it too, so call create() before."""
        return store.Lock(self.directory + "/lock")

    def entries(self) -> list[Descriptor]:
        """Return the descriptors of index.json. Raises Damaged if the file is not an image index."""
        try:
            index: ImageIndex = store.read_document(self.directory + "/index.json", IMAGE_INDEX)
        except FileNotFoundError as error:
            if self._stored():
                raise Damaged(f"{self.directory}/index.json: is missing, and there are blobs") from error
            return []
        return index["manifests"]

    def consistent(self, read: Callable[[list[Descriptor]], T]) -> T:
        """Return read(descriptors of index.json), without the lock: done again if it fails and the index has changed meanwhile.

        What it finds no more was removed then. Raises Damaged for what an unchanged index names.
        """
        while True:
            before = self._version()
            try:
                return read(self._known(before))
            except Damaged:
                if self._version() == before:
                    raise

    def _known(self, version: tuple[int, int]) -> list[Descriptor]:
        """Return the descriptors of index.json, which nobody changes in place: those that were read before, if it is the same."""
        if _SEEN.get(self.directory, (None,))[0] == version:
            return _SEEN[self.directory][1]
        entries = self.entries()
        # A file as young as the kernel's clock is coarse could have a successor that looks the same.
        if version[1] < time_ns() - _SETTLED:
            _SEEN[self.directory] = version, entries
        return entries

    def _version(self) -> tuple[int, int]:
        """Return what tells one index.json from the next."""
        try:
            status = os.stat(self.directory + "/index.json")
        except OSError:
            return 0, 0
        return status.st_ino, status.st_mtime_ns

    def change(self, change: Change) -> None:
        """Replace index.json's descriptors by change(descriptors), unless they are the same; the caller holds the lock."""
        before = self.entries()
        after = change(before)
        if after != before:
            self._write_index(after)

    def _write_index(self, entries: list[Descriptor]) -> None:
        store.write_json(self.directory + "/index.json", {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries})

    def restore(self) -> None:
        """Write index.json anew, which is missing, from the manifests among the blobs; what names they had nobody knows."""
        with self.lock():
            if not os.path.lexists(self.directory + "/index.json"):
                self._write_index([entry for entry in map(self._entry, self._stored()) if entry])

    def _entry(self, digest: str) -> Descriptor | None:
        """Return the descriptor of a blob that is an image's manifest, None for any other."""
        try:
            size = os.path.getsize(self.blob(digest))
            if size > DOCUMENT_MAX:
                return None
            descriptor: Descriptor = {"mediaType": MANIFEST_TYPE, "digest": digest, "size": size}
            kind = self.manifest(descriptor).get("mediaType", MANIFEST_TYPE)
        except (OSError, Damaged):
            return None
        return {**descriptor, "mediaType": kind}

    def blob(self, digest: str) -> str:
        """Return a blob's path. Raises Unsupported if the digest is not sha256:HEX."""
        algorithm, _, digits = digest.partition(":")
        if algorithm != "sha256" or not is_id(digits):
            raise Unsupported(f"digest {digest!r}: expected sha256: and 64 hexadecimal digits")
        return f"{self.directory}/blobs/sha256/{digits}"

    def frame(self, digest: str) -> str:
        """Return the path of what stands for a layer's blob once that was let go."""
        return f"{self.directory}/frames/{os.path.basename(self.blob(digest))}"

    def files(self, digest: str) -> list[str]:
        """Return the paths of what there is of a blob: itself, and what would stand for it."""
        return [path for path in (self.blob(digest), self.frame(digest)) if os.path.lexists(path)]

    def read(self, descriptor: Descriptor) -> bytes:
        """Return the content of a small blob after checking its size and digest. Raises Damaged if it is missing or they differ."""
        digest = descriptor["digest"]
        try:
            data = store.read_whole(self.blob(digest), DOCUMENT_MAX)
        except FileNotFoundError as error:
            raise Damaged(f"blob {digest} is missing in {self.directory}") from error
        if len(data) != descriptor["size"]:
            raise Damaged(f"blob {digest} has {len(data)} bytes, expected {descriptor['size']}")
        if sha256(data) != digest:
            raise Damaged(f"blob {digest} does not match its digest")
        return data

    def manifest(self, descriptor: Descriptor) -> ImageManifest:
        """Return an image manifest after checking it. Raises Damaged if the blob is something else."""
        manifest: ImageManifest = documents.read(self.read(descriptor), IMAGE_MANIFEST, f"manifest {descriptor['digest']}")
        return manifest

    def configuration(self, descriptor: Descriptor) -> ImageDocument:
        """Return an image configuration after checking it. Raises Damaged if the blob is something else."""
        return image_document(self.read(descriptor), f"config {descriptor['digest']}")

    def unreachable(self) -> list[str]:
        """Return the digests of blobs, or of what stands for them, that index.json does not reach; the caller holds the lock.

        Raises Damaged when something on the way to them is: then nobody knows.
        """
        reached = set(self._reached(self.entries()))
        return [digest for digest in sorted({*self._stored(), *self._named("/frames")}) if digest not in reached]

    def collect(self) -> list[str]:
        """Remove unreachable blobs and return their digests; the caller holds the lock. Raises Damaged, and then removes none."""
        garbage = self.unreachable()
        for digest in garbage:
            for path in self.files(digest):
                os.unlink(path)
        return garbage

    def collect_known(self) -> list[str]:
        """Do as collect(); where nobody knows what is unreachable, that is nothing."""
        try:
            return self.collect()
        except Damaged:
            return []

    def _stored(self) -> list[str]:
        return self._named("/blobs/sha256")

    def _named(self, place: str) -> list[str]:
        """Return the digests after which files in a directory are named."""
        try:
            return [f"sha256:{name}" for name in sorted(os.listdir(self.directory + place)) if is_id(name)]
        except FileNotFoundError:
            return []

    def _reached(self, descriptors: Iterable[Descriptor]) -> Iterator[str]:
        for descriptor in descriptors:
            yield descriptor["digest"]
            # An image index, which another tool may have put here, lists manifests. A manifest lists its config and its layers.
            kind = descriptor["mediaType"]
            if "index" in kind or "manifest" in kind:
                links: Links = documents.read(self.read(descriptor), LINKS, f"blob {descriptor['digest']}")
                parts = [*links["manifests"], *links["layers"]]
                parts += [part for part in (links.get("config"), links.get("subject")) if part]
                yield from self._reached(parts)
