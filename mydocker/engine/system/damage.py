"""Finding what is damaged, and putting it away (aside.py) so that all else goes on; what can be known is written anew.

Of a container, a network and an image all is put away together. A volume stays where it is, as containers mount it: only its record goes.
"""

from __future__ import annotations

import os
from functools import partial

from mydocker import store
from mydocker.engine.catalog import images
from mydocker.engine.connection import unplug
from mydocker.engine.container.orphans import half_made
from mydocker.engine.record import containers, damage, state
from mydocker.engine.record.moments import timestamp
from mydocker.engine.system import aside, documents
from mydocker.engine.system.leftover import Leftover, trying
from mydocker.engine.volume import volumes
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.images.frames import check_frame
from mydocker.images.layout import LAYOUT, ImageLayout
from mydocker.network import attachments
from mydocker.steps.base import Run
from mydocker.storage.drivers import NAMES, driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.engine.catalog.images import DamagedImage
    from mydocker.engine.record.containers import Record
    from mydocker.engine.system.documents import Document
    from mydocker.paths import Paths


def found(paths: Paths) -> Iterator[Leftover]:
    """Yield everything that is damaged."""
    for document in documents.DOCUMENTS:
        for path, name in documents.places(paths, document.path):
            if not _is_under_way(paths, document, name):
                yield from _checked(paths, document, path, name)
    yield from _unclaimed(paths)
    yield from _images(paths)
    yield from _layers(paths)


def _is_under_way(paths: Paths, document: Document, name: str) -> bool:
    """Say whether a file belongs to a container that is being made or removed, or was when somebody died."""
    if not document.path.startswith("ROOT/containers/"):
        return False
    try:
        containers.load(paths, name)
    except NotFound:
        return True
    except Damaged:
        return state.is_busy(paths, name)
    return state.is_busy(paths, name) or bool(half_made(paths, name))


def _checked(paths: Paths, document: Document, path: str, name: str) -> Iterator[Leftover]:
    """Yield what is wrong with one file."""
    try:
        document.check(path)
    except FileNotFoundError:
        if document.is_needed and _is_missed(paths, document):
            yield _damaged(paths, document, path, name, f"{path}: is missing")
    except Damaged as error:
        yield _damaged(paths, document, path, name, error.message)


def _is_missed(paths: Paths, document: Document) -> bool:
    """Say whether a file that is not there should be; an empty layout has not got to have an index."""
    if document.path != documents.INDEX_PATH:
        return True
    try:
        ImageLayout(paths.images).entries()
        return False
    except Damaged:
        return True


def _damaged(paths: Paths, document: Document, path: str, name: str, what: str) -> Leftover:
    kind, shown = _kind(paths, document, path, name)
    target = aside.place(paths, kind, shown)
    moved = path
    for _ in document.path.split("/")[len(document.whole.split("/")) :] if document.whole else ():
        moved = os.path.dirname(moved)

    def repair() -> None:
        _check_unused(paths, document, name, shown)
        with store.Lock(f"{moved}/lock") if document.whole and os.path.isdir(moved) else store.Unlocked():
            aside.move(moved, target)
        _renew(paths, document.path, path, name)

    done = f"put away to {target}:" if os.path.lexists(moved) else "written anew:"
    return Leftover(what=what, repair=trying(repair), done=done)


def _kind(paths: Paths, document: Document, path: str, name: str) -> tuple[str, str]:
    """Return what a file belongs to, and the name of that: 'container', 'web'."""
    parts = document.path.split("/")
    if "ID" in parts:
        kind = "container" if document.whole else os.path.basename(path).lstrip(".").partition(".")[0]
        return kind, damage.name_of(paths, name)
    if len(parts) > 2 and name:
        return parts[1].removesuffix("s"), name
    return os.path.basename(path).lstrip(".").partition(".")[0], ""


def _check_unused(paths: Paths, document: Document, name: str, shown: str) -> None:
    """Raise Conflict for a container that runs, and for a network that one is on: what is put away must be nobody's."""
    if document.whole == "ROOT/containers/ID" and _is_alive(paths, name):
        raise Conflict(f"container {shown} runs", f"stop it first, or remove it: mydocker rm -f {shown}")
    using = unplug.users(paths, name) if document.path == documents.NETWORK_PATH else []
    if using:
        raise Conflict(f"network {name} is used by container {', '.join(damage.name_of(paths, i) for i in using)}", "stop it first")


def _is_alive(paths: Paths, container_id: str) -> bool:
    try:
        return bool(state.running_pid(paths, container_id)) or state.has_monitor(paths, container_id)
    except Damaged:
        return False  # its state has just been told of, too


def _renew(paths: Paths, pattern: str, path: str, name: str) -> None:
    """Write anew what can be known of a file that was put away."""
    renewals: dict[str, Callable[[], object]] = {
        documents.VOLUME_PATH: lambda: store.write_json(path, {**volumes.blank(name), "createdAt": timestamp()}),
        documents.NAME_PATH: lambda: [store.claim(path, owner) for owner in containers.named(paths, name)[:1]],
        documents.ADDRESS_PATH: lambda: [store.claim(path, owner) for owner in _holders(paths, name, os.path.basename(path))[:1]],
        documents.LAYOUT_PATH: lambda: store.write_json(path, LAYOUT),
        documents.INDEX_PATH: ImageLayout(paths.images).restore,
        **{file: partial(_write_file, path) for file in documents.FILES},
    }
    if pattern in renewals:
        renewals[pattern]()


def _write_file(path: str) -> None:
    """Make an empty file in place of one that is mounted into a container; a start fills it."""
    with open(path, "x") as file:
        os.fchmod(file.fileno(), 0o644)


def _holders(paths: Paths, network: str, address: str) -> list[str]:
    """Return the ids of the containers whose attachments say that they have an address."""
    found = []
    for container_id, attachment in attachments.on_network(paths, network).items():
        for endpoint in attachment["endpoints"]:
            if endpoint["network"] == network and any(each["address"] == address for each in endpoint["addresses"]):
                found.append(container_id)
    return found


def _unclaimed(paths: Paths) -> Iterator[Leftover]:
    """Yield the names that containers have and do not claim."""
    for record in containers.every(paths):
        path, owner = f"{paths.names}/{record['name']}", record["id"]
        if not os.path.lexists(path) and not state.is_busy(paths, owner) and not half_made(paths, owner):
            what = f"{path}: is missing, and container {owner[:12]} has that name"
            yield Leftover(what=what, repair=trying(store.claim, path, owner), done="written anew:")


def _images(paths: Paths) -> Iterator[Leftover]:
    """Yield the images of which something is damaged or missing, down to the sizes of their layers."""
    layout = ImageLayout(paths.images)
    try:
        whole, damaged = images.survey(paths)
    except Damaged:
        return  # the index, which has been told of
    for each in [*damaged, *(broken for image in whole for broken in _broken(layout, image))]:
        shown = (each.names or [each.id[:12]])[0]
        target = aside.place(paths, "image", shown.replace("/", "_").replace(":", "_"))
        move = trying(aside.move_image, layout, each.entry["digest"], target)
        yield Leftover(what=f"image {shown}: {each.problem.message}", repair=move, done=f"put away to {target}:")


def _broken(layout: ImageLayout, image: images.Image) -> Iterator[DamagedImage]:
    for layer in image.layers:
        path, frame, problem = layout.blob(layer["digest"]), layout.frame(layer["digest"]), ""
        try:
            if not os.path.lexists(path) and os.path.lexists(frame):
                check_frame(frame)
                continue
            store.read_whole(path, 0)
            size = os.path.getsize(path)
            problem = f"blob {layer['digest']} has {size} bytes, expected {layer['size']}" if size != layer["size"] else ""
        except FileNotFoundError:
            problem = f"blob {layer['digest']} is missing in {layout.directory}"
        except Damaged as error:
            problem = error.message
        if problem:
            yield images.DamagedImage(entry=image.entry, names=image.names, problem=Damaged(problem))
            return


def _layers(paths: Paths) -> Iterator[Leftover]:
    """Yield the layers that containers need and have not got."""
    told = set()
    for record in containers.every(paths):
        if record["storageDriver"] not in NAMES or half_made(paths, record["id"]) or state.is_busy(paths, record["id"]):
            continue
        storage = driver(record["storageDriver"], paths)
        for chain_id in record["layers"]:
            path = storage.layer(chain_id)
            if not storage.has(chain_id) and path not in told:
                told.add(path)
                what = f"{path}: is {'no directory' if os.path.lexists(path) else 'missing'}, and container {record['name']} needs it"
                yield Leftover(what=what, repair=trying(_unpack, paths, record, path), done="unpacked again:")


def _unpack(paths: Paths, record: Record, path: str) -> None:
    aside.move(path, aside.place(paths, "layer", os.path.basename(path)[:12]))
    image = images.find(paths, f"sha256:{record['imageId']}")
    images.ensure_layers(paths, driver(record["storageDriver"], paths), image, Run("cli"))
