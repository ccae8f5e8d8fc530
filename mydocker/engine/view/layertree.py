"""`history --tree` and the layers of `inspect --tree`: what each layer adds, changes and hides, as it lies on the disk."""

from __future__ import annotations

import os

from mydocker.engine.view import human
from mydocker.engine.view.tree import Node, some
from mydocker.kernel.files import GONE, Allowing
from mydocker.storage.drivers import NAMES, driver
from mydocker.storage.whiteouts import FORMS, union_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.catalog.images import Image
    from mydocker.images.config import History
    from mydocker.paths import Paths
    from mydocker.storage.whiteouts import Change, Form

_WIDTH = 60


def image_tree(paths: Paths, image: Image) -> Node:
    """Return an image as a tree: its history, the newest first, and below each entry what its layer does to those below it."""
    entries: list[History] = image.document["history"] or [{} for _ in image.layers]
    below = [_entry(paths, image, entry, position) for entry, position in _with_positions(entries)]
    return Node(words=f"{', '.join(image.names) or 'no name'}  {image.id[:12]}", below=tuple(reversed(below)))


def _with_positions(entries: list[History]) -> list[tuple[History, int]]:
    """Return each entry with the position of its layer, the lowest being 0, or -1 if it has none."""
    found, position = [], 0
    for entry in entries:
        found.append((entry, -1 if entry.get("empty_layer") else position))
        position += not entry.get("empty_layer")
    return found


def _entry(paths: Paths, image: Image, entry: History, position: int) -> Node:
    command = " ".join(entry.get("created_by", "").split()) or entry.get("comment", "") or "no words"
    shown = command if len(command) <= _WIDTH else command[: _WIDTH - 1] + "…"
    if not 0 <= position < len(image.layers):
        return Node(words=f"{shown}  (no layer)")
    chains = image.chain_ids[-1 - position :]
    size = human.size(image.sizes[position])
    return Node(words=f"{shown}  {size}", below=(layer_node(paths, chains),))


def layer_node(paths: Paths, chains: list[str], storage: str = "") -> Node:
    """Return what a layer does to those below it.

    chains: the chain ids of the layer and of all below it, topmost first
    storage: the storage driver that shows it, or '' for the first that has it unpacked
    """
    name = next((each for each in ([storage] if storage else NAMES) if driver(each, paths).has(chains[0])), "")
    if not name:
        return Node(words=f"layer {chains[0][:12]}, not unpacked")
    layers = [driver(name, paths).layer(each) for each in chains]
    if name == "vfs":
        return Node(words=f"layer {chains[0][:12]}, vfs: a copy of the whole tree, in which nothing is hidden")
    return Node(words=f"layer {chains[0][:12]}, {name}", below=changes_below(FORMS[name], layers[0], layers[1:]))


def changes_below(form: Form, upper: str, lower: list[str]) -> tuple[Node, ...]:
    """Return what a directory of changes does to the layers below it: how much it adds and changes, and what it hides."""
    changes = union_changes(form, upper, lower)
    counted = [f"{len(found)} {word}" for kind, word in (("A", "added"), ("C", "changed")) if (found := _of(changes, kind))]
    hidden, opaque = _of(changes, "D"), _opaque(form, upper)
    nodes = [Node(words=", ".join(counted) or "nothing added or changed")]
    nodes += [Node(words=f"{len(hidden)} hidden by whiteouts: {some(hidden)}")] if hidden else []
    nodes += [Node(words=f"{len(opaque)} opaque: {some(opaque)}")] if opaque else []
    return tuple(nodes)


def _of(changes: list[Change], kind: str) -> list[str]:
    return [change.path for change in changes if change.kind == kind]


def _opaque(form: Form, top: str) -> list[str]:
    """Return the directories that hide all that the layers below have in them."""
    found = []
    with Allowing(*GONE):
        for directory, names, _ in os.walk(top):
            found += [f"{directory[len(top) :]}/{name}" for name in names if form.is_opaque(f"{directory}/{name}")]
    return sorted(found)
