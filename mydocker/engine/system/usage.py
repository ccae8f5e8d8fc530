"""How much of the disk images, containers and volumes take: what `system df` shows. What is shared counts once."""

from __future__ import annotations

import os

from mydocker.engine.catalog.images import Image, all_images
from mydocker.engine.record import containers, state
from mydocker.engine.record.sizes import tree_size, written
from mydocker.engine.volume import volumes
from mydocker.errors import NotFound
from mydocker.images.layout import ImageLayout
from mydocker.paths import Paths
from mydocker.storage.drivers import NAMES, driver
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record


class Share(Value):
    """What one kind of thing takes. size and reclaimable in bytes; the latter is what nothing in use needs."""

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int


class Images:
    """All images, and which stored and unpacked pieces each has: {piece: bytes}."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        every = all_images(paths)
        self.images = [image for image in every if not image.is_cache]
        self.steps = [image for image in every if image.is_cache]
        self.users: dict[str, list[Record]] = {image.id: [] for image in self.images}
        for record in containers.every(paths):
            self.users.setdefault(record["imageId"], []).append(record)
        self._sizes: dict[str, int] = {}
        self.pieces = {image.manifest: self._pieces(image) for image in every}

    def _pieces(self, image: Image) -> dict[str, int]:
        layout = ImageLayout(self.paths.images)
        digests = [image.manifest, f"sha256:{image.id}", *(layer["digest"] for layer in image.layers)]
        files = [layout.blob(digest) for digest in digests]
        trees = [driver(name, self.paths).layer(chain_id) for name in NAMES for chain_id in image.chain_ids]
        return {path: size for path in [*files, *trees] if (size := self._size(path))}

    def _size(self, path: str) -> int:
        if path not in self._sizes:
            try:
                self._sizes[path] = tree_size(path) if os.path.isdir(path) else os.path.getsize(path)
            except FileNotFoundError:
                self._sizes[path] = 0
        return self._sizes[path]

    def unique(self, image: Image) -> int:
        """Return the bytes that go when an image is removed."""
        others = {piece for other in self.images if other.manifest != image.manifest for piece in self.pieces[other.manifest]}
        return sum(size for piece, size in self.pieces[image.manifest].items() if piece not in others)

    def size(self, image: Image) -> int:
        """Return the bytes of an image's pieces."""
        return sum(self.pieces[image.manifest].values())

    def share(self) -> Share:
        every = {piece: size for image in self.images for piece, size in self.pieces[image.manifest].items()}
        active = [image for image in self.images if self.users[image.id]]
        needed = {piece for image in active for piece in self.pieces[image.manifest]}
        reclaimable = sum(size for piece, size in every.items() if piece not in needed)
        return Share(kind="Images", total=len(self.images), active=len(active), size=sum(every.values()), reclaimable=reclaimable)

    def share_of_steps(self) -> Share:
        """Return what builds have kept for the next ones and no image needs."""
        needed = {piece for image in self.images for piece in self.pieces[image.manifest]}
        own = {piece: size for step in self.steps for piece, size in self.pieces[step.manifest].items() if piece not in needed}
        return Share(kind="Build Cache", total=len(self.steps), active=0, size=sum(own.values()), reclaimable=sum(own.values()))


def of_containers(paths: Paths) -> Share:
    """Return what containers have written."""
    sizes = {record["id"]: written(paths, record) for record in containers.every(paths)}
    running = [container_id for container_id in sizes if state.may_run(paths, container_id)]
    total = sum(sizes.values())
    return Share(
        kind="Containers",
        total=len(sizes),
        active=len(running),
        size=total,
        reclaimable=total - sum(sizes[container_id] for container_id in running),
    )


def of_volumes(paths: Paths) -> Share:
    """Return what volumes hold."""
    found = {}
    for name in volumes.names(paths):
        try:
            found[name] = (volumes.size(paths, name), volumes.users(paths, name))
        except NotFound:
            continue  # removed meanwhile
    unused = sum(size for size, users in found.values() if not users)
    active = sum(bool(users) for _, users in found.values())
    return Share(kind="Local Volumes", total=len(found), active=active, size=sum(size for size, _ in found.values()), reclaimable=unused)
