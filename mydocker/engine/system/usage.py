"""Measure the space that images, containers and volumes take on the disk, for `system df`. What images share is counted once."""

from __future__ import annotations

import os

from mydocker.engine.catalog import caches
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
    """The space that all things of one kind take, a line of `system df`."""

    kind: str  # as docker calls it: 'Images', 'Containers', 'Local Volumes', 'Build Cache'
    total: int  # how many there are
    active: int  # how many of them are in use
    size: int  # bytes
    reclaimable: int  # bytes that nothing in use needs


class Images:
    """All images, and the pieces that each has.

    A piece is the path of a blob or of an unpacked layer.

    images: the images that somebody asked for
    steps: the images that builds keep for the next build
    users: {image's id: the records of the containers made from it}
    pieces: {manifest's digest: {piece: bytes}}
    """

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
        files = [path for digest in digests for path in layout.files(digest)]
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
        """Return the number of bytes that only this image needs, and that are free once it is removed."""
        others = {piece for other in self.images if other.manifest != image.manifest for piece in self.pieces[other.manifest]}
        return sum(size for piece, size in self.pieces[image.manifest].items() if piece not in others)

    def size(self, image: Image) -> int:
        """Return the number of bytes of all pieces of an image."""
        return sum(self.pieces[image.manifest].values())

    def share(self) -> Share:
        every = {piece: size for image in self.images for piece, size in self.pieces[image.manifest].items()}
        active = [image for image in self.images if self.users[image.id]]
        needed = {piece for image in active for piece in self.pieces[image.manifest]}
        reclaimable = sum(size for piece, size in every.items() if piece not in needed)
        return Share(kind="Images", total=len(self.images), active=len(active), size=sum(every.values()), reclaimable=reclaimable)

    def share_of_builds(self) -> Share:
        """Return the space of what builds have kept for the next build and no image needs: their steps, and the caches of RUN --mount."""
        needed = {piece for image in self.images for piece in self.pieces[image.manifest]}
        own = {piece: size for step in self.steps for piece, size in self.pieces[step.manifest].items() if piece not in needed}
        sizes = {path: caches.size(path) for path in caches.every(self.paths)}
        active = [path for path in sizes if caches.is_used(path)]
        total = sum(own.values()) + sum(sizes.values())
        return Share(
            kind="Build Cache",
            total=len(self.steps) + len(sizes),
            active=len(active),
            size=total,
            reclaimable=total - sum(sizes[path] for path in active),
        )


def of_containers(paths: Paths) -> Share:
    """Return the space of what containers have written. A container is active while it runs."""
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
    """Return the space of what volumes hold. A volume is active if a container has it mounted, running or not."""
    found = {}
    for name in volumes.names(paths):
        try:
            found[name] = (volumes.size(paths, name), volumes.users(paths, name))
        except NotFound:
            continue  # somebody has removed it meanwhile
    unused = sum(size for size, users in found.values() if not users)
    active = sum(bool(users) for _, users in found.values())
    return Share(kind="Local Volumes", total=len(found), active=active, size=sum(size for size, _ in found.values()), reclaimable=unused)
