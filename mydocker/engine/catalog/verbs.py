"""Verbs that change the image store: import, tag, rmi."""

from __future__ import annotations

import os

from mydocker.engine.catalog.images import Image, all_images, by_name, find, layers_lock
from mydocker.engine.record import containers, events
from mydocker.engine.record.state import running_pid
from mydocker.errors import BadInput, Conflict, Damaged, NotFound
from mydocker.images import archive, change, config
from mydocker.images.draft import Draft, StoreImage, StoreLayer
from mydocker.images.layout import ImageLayout
from mydocker.images.naming import DeleteImage, NameImage, UnnameImage
from mydocker.images.reference import parse, parse_name
from mydocker.images.times import now
from mydocker.steps.base import Step, quote
from mydocker.store import Lock, make_private
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedReader

    from mydocker.engine.record.containers import Record
    from mydocker.images.archive import LayerWriter
    from mydocker.images.documents import Descriptor
    from mydocker.images.draft import Fill
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths
    from mydocker.steps.base import Run
    from mydocker.storage.base import StorageDriver


class ImportOptions(Value):
    """What the user asked of import."""

    changes: Sequence[str] = ()  # Dockerfile instructions
    message: str = ""  # the comment in the image's history
    platform: str = ""  # such as 'linux/amd64', '' for the host's


def import_image(paths: Paths, source: str, stdin: BufferedReader, reference: Reference | None, options: ImportOptions, run: Run) -> str:
    """Make an image of one layer from a tar archive, a directory or, for '-', standard input. Raises BadInput.

    Returns the image's id, or '' if `run` did not apply the steps.
    """
    created = now()
    settings = change.apply({}, options.changes)
    document = config.new_document(options.platform or config.host_platform(), config.image_settings(settings), created)
    entry = config.history_entry(created, comment=options.message or f"Imported from {source}")
    with Draft(ImageLayout(paths.images), document, [], []) as draft:
        run.execute([StoreLayer(draft, f"from {source}", _filler(source, stdin), entry), StoreImage(draft, reference)])
        _tell(paths, run, "import", draft.image_id, str(reference or ""))
        return draft.image_id


def _tell(paths: Paths, run: Run, action: str, image_id: str, name: str) -> None:
    """Write an event about an image, unless this is a dry run."""
    if run.done:
        events.emit(paths, "image", action, f"sha256:{image_id}", {"name": name} if name else {})


def _filler(source: str, stdin: BufferedReader) -> Fill:
    if source == "-":
        return lambda layer: archive.store(stdin, "standard input", layer)
    if os.path.isdir(source):
        return lambda layer: _store_directory(source, layer)
    if not os.path.exists(source):
        raise BadInput(f"cannot import {source!r}: no such file or directory")
    return lambda layer: _store_file(source, layer)


def _store_directory(source: str, layer: LayerWriter) -> None:
    from mydocker.storage.pack import pack_tree

    pack_tree(source, layer.as_binary())


def _store_file(source: str, layer: LayerWriter) -> None:
    with open(source, "rb") as file:
        archive.store(file, source, layer)


def tag(paths: Paths, source: str, target: str, run: Run) -> None:
    """Give an image one more name."""
    reference = parse_name(target)
    image = find(paths, source)
    run.apply(NameImage(ImageLayout(paths.images), image.entry, reference))
    _tell(paths, run, "tag", image.id, str(reference))


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
            _tell(paths, run, "untag", image.id, str(n))
        lines += [f"Untagged: {n}" for n in names]
        if len(twin.names) <= len(names) and not any(running_pid(paths, record["id"]) for record in users):
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
    running = [record for record in users if running_pid(paths, record["id"])]
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
    return next((entry for entry in layout.entries() if entry["digest"] == digest), None)


def _remove_damaged(layout: ImageLayout, entry: Descriptor, reference: Reference | None, run: Run) -> list[str]:
    names = [reference] if reference else []
    run.execute([*(UnnameImage(layout, entry["digest"], n) for n in names), DeleteImage(layout, entry["digest"])])
    return [*(f"Untagged: {n}" for n in names), f"Deleted: {entry['digest']}"]


def _delete(paths: Paths, drivers: Sequence[StorageDriver], image: Image, run: Run) -> list[str]:
    needed = needed_layers(paths, image.manifest)
    gone = [chain_id for chain_id in image.chain_ids if chain_id not in needed]
    run.execute([DeleteImage(ImageLayout(paths.images), image.manifest), *([RemoveLayers(paths, drivers, gone)] if gone else [])])
    _tell(paths, run, "delete", image.id, "")
    return [f"Deleted: sha256:{i}" for i in [image.id, *gone]]


def using(paths: Paths, image: Image) -> list[Record]:
    """Return the records of the containers that were made from an image."""
    return [record for record in records(paths) if record["imageId"] == image.id]


def records(paths: Paths) -> list[Record]:
    """Return every container's record. A container without one is left out: it is being made, or half removed."""
    found = []
    for container_id in containers.ids(paths):
        try:
            found.append(containers.load(paths, container_id))
        except NotFound:
            continue
    return found


def needed_layers(paths: Paths, except_image: str = "") -> set[str]:
    """Return the chain ids of the layers that images and containers need.

    except_image: the digest of the manifest of an image that does not count.
    """
    needed = {c for image in all_images(paths) if image.manifest != except_image for c in image.chain_ids}
    return needed.union(c for record in records(paths) for c in record["layers"])


class RemoveLayers(Step):
    """Remove unpacked layers, with every storage driver that has them. A layer that is needed by now stays."""

    paths: Paths
    drivers: Sequence[StorageDriver]
    chain_ids: list[str]  # of the layers

    def apply(self) -> None:
        make_private(self.paths.layers)
        with Lock(layers_lock(self.paths)):
            # This is asked again under the lock, as a container may have been created meanwhile.
            needed = needed_layers(self.paths)
            for chain_id in self.chain_ids:
                for driver in self.drivers if chain_id not in needed else ():
                    if driver.has(chain_id):
                        driver.remove_layer(chain_id)

    def describe(self) -> str:
        return f"remove layers {' '.join(self.chain_ids)} in {quote(self.paths.layers)}"
