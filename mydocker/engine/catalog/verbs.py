"""Verbs that change the image store: tag and rmi."""

from __future__ import annotations

from mydocker.engine.catalog.images import Image, all_images, by_name, find, layers_lock, survey
from mydocker.engine.record import containers, damage, events
from mydocker.engine.record.state import may_run
from mydocker.errors import BadInput, Conflict, Damaged
from mydocker.images.layout import ImageLayout
from mydocker.images.naming import DeleteImage, NameImage, UnnameImage
from mydocker.images.reference import parse, parse_name
from mydocker.steps.base import Step, quote
from mydocker.store import Lock, make_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mydocker.engine.record.containers import Record
    from mydocker.images.documents import Descriptor
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths
    from mydocker.steps.base import Run
    from mydocker.storage.base import StorageDriver


def tell(paths: Paths, run: Run, action: str, image_id: str, name: str, labels: dict[str, str] | None = None) -> None:
    """Write an event about an image, unless this is a dry run. name: '' for its id"""
    if run.done:
        digest = f"sha256:{image_id}"
        events.emit(paths, "image", action, digest, {**(labels or {}), "name": name or digest})


def _labels(image: Image) -> dict[str, str]:
    try:
        return image.config.get("Labels") or {}
    except Damaged:
        return {}  # an image whose blobs are damaged is tagged and removed all the same


def tag(paths: Paths, source: str, target: str, run: Run) -> None:
    """Give an image one more name."""
    reference = parse_name(target)
    image = find(paths, source)
    run.apply(NameImage(ImageLayout(paths.images), image.entry, reference))
    tell(paths, run, "tag", image.id, str(reference), _labels(image))


def remove(paths: Paths, drivers: Sequence[StorageDriver], name: str, force: bool, run: Run) -> list[str]:
    """Take a name from an image, and remove the image with its last name. Return docker's 'Untagged:' and 'Deleted:' lines.

    drivers: all storage drivers that may have unpacked the image.
    name: a name of the image, or its id.

    As in docker, one of several names is only taken away. An image that a container uses needs force, and so does the id of an image
    with several names. An image that a running container uses only loses its name.
    """
    layout = ImageLayout(paths.images)
    reference = _name_meant(layout, name)
    try:
        image = find(paths, name)
    except Damaged:
        entry = by_name(layout.entries(), reference) if reference else _by_digest(layout, name)
        if entry is None or not force:
            raise
        return _remove_damaged(layout, entry, reference, run)
    users = using(paths, image)
    # An id may stand for several manifests, whose layers are the same, compressed in different ways.
    twins = [image] if reference else [other for other in all_images(paths) if other.id == image.id]
    _check_removable(paths, image, sum(len(twin.names) for twin in twins), reference, users, force)
    lines = []
    for twin in twins:
        names = [reference] if reference else [parse(n) for n in twin.names]
        run.execute(UnnameImage(layout, twin.manifest, n) for n in names)
        for n in names:
            tell(paths, run, "untag", image.id, str(n), _labels(twin))
        lines += [f"Untagged: {n}" for n in names]
        if len(twin.names) <= len(names) and not any(may_run(paths, record["id"]) for record in users):
            lines += _delete(paths, drivers, twin, run)
    return lines


def _name_meant(layout: ImageLayout, name: str) -> Reference | None:
    """Return the stored name that a user's text means, or None if it means an id or nothing."""
    try:
        reference = parse(name).with_default_tag()
    except BadInput:
        return None
    return reference if reference.tag and by_name(layout.entries(), reference) else None


def _check_removable(paths: Paths, image: Image, names: int, reference: Reference | None, users: list[Record], force: bool) -> None:
    """Raise Conflict if docker would refuse to remove this.

    names: how many names the image has, under all of its manifests.
    reference: the name that is to be taken away, None if the user gave an id.
    """
    running = [record for record in users if may_run(paths, record["id"])]
    if reference:
        if len(image.names) == 1 and users and not force:
            raise Conflict(f"cannot remove {reference} without force: container {users[0]['id'][:12]} uses its image {image.id[:12]}")
        return
    if running:
        raise Conflict(f"cannot delete image {image.id[:12]}: running container {running[0]['id'][:12]} uses it")
    if names > 1 and not force:
        raise Conflict(f"cannot delete image {image.id[:12]} without force: it has {names} names")
    if users and not force:
        raise Conflict(f"cannot delete image {image.id[:12]} without force: stopped container {users[0]['id'][:12]} uses it")


def _by_digest(layout: ImageLayout, digest: str) -> Descriptor | None:
    prefix = f"sha256:{digest.removeprefix('sha256:')}"
    return next((entry for entry in layout.entries() if entry["digest"].startswith(prefix)), None)


def _remove_damaged(layout: ImageLayout, entry: Descriptor, reference: Reference | None, run: Run) -> list[str]:
    names = [reference] if reference else []
    run.execute([*(UnnameImage(layout, entry["digest"], n) for n in names), DeleteImage(layout, entry["digest"])])
    return [*(f"Untagged: {n}" for n in names), f"Deleted: {entry['digest']}"]


def _delete(paths: Paths, drivers: Sequence[StorageDriver], image: Image, run: Run) -> list[str]:
    gone = unneeded_layers(paths, image.chain_ids, image.manifest)
    run.execute([DeleteImage(ImageLayout(paths.images), image.manifest), *([RemoveLayers(paths, drivers, gone)] if gone else [])])
    tell(paths, run, "delete", image.id, "")
    return [f"Deleted: sha256:{i}" for i in [image.id, *gone]]


def using(paths: Paths, image: Image) -> list[Record]:
    """Return the records of the containers that were made from an image."""
    return [record for record in containers.every(paths) if record["imageId"] == image.id]


def unneeded_layers(paths: Paths, chain_ids: Iterable[str], except_image: str = "") -> list[str]:
    """Return those of these layers that no image and no container needs, not counting the image with this manifest.

    As long as one of those is damaged, or was put away, nobody knows what it needs: then there are none.
    """
    records, unreadable = containers.survey(paths)
    try:
        images, damaged = survey(paths)
    except Damaged:
        return []
    if unreadable or any(image.entry["digest"] != except_image for image in damaged) or damage.put_away(paths, "container", "image"):
        return []
    needed = {c for image in images if image.manifest != except_image for c in image.chain_ids}
    needed.update(c for record in records for c in containers.layers_of(record))
    return [chain_id for chain_id in chain_ids if chain_id not in needed]


class RemoveLayers(Step):
    """Remove unpacked layers, with every storage driver that has them. A layer that is needed by now stays."""

    paths: Paths
    drivers: Sequence[StorageDriver]
    chain_ids: list[str]  # of the layers

    def apply(self) -> None:
        make_private(self.paths.layers)
        with Lock(layers_lock(self.paths)):
            # Asked again under the lock: a container may have been created meanwhile.
            for chain_id in unneeded_layers(self.paths, self.chain_ids):
                for driver in self.drivers:
                    if driver.has(chain_id):
                        driver.remove_layer(chain_id)

    def describe(self) -> str:
        return f"remove layers {' '.join(self.chain_ids)} in {quote(self.paths.layers)}"
