"""What a build does to the image that it makes: each instruction's effect on the state, and the layers that containers leave.

A state is a configuration and layers that grow; `image` is a stored image with exactly those layers, to make containers from. Every
layer is published at once as an image without a name that knows the key of its step (index.BUILD): that is the layer cache.
"""

from __future__ import annotations

import os
from copy import deepcopy
from hashlib import sha256

from mydocker import store
from mydocker.engine.catalog import images
from mydocker.engine.container import life
from mydocker.engine.container.copy import Container
from mydocker.engine.container.create import Prepared, create, prepare
from mydocker.engine.container.snapshots import mounted
from mydocker.engine.monitor import end
from mydocker.engine.record import containers
from mydocker.images import config, index
from mydocker.images.draft import Draft
from mydocker.images.layout import Layout
from mydocker.kernel.tasks import start_time
from mydocker.steps.base import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.catalog.images import Image
    from mydocker.engine.request.options import Options
    from mydocker.images.archive import LayerWriter
    from mydocker.images.layout import Descriptor, Document
    from mydocker.paths import Paths

_SCRATCH = "scratch"


class State:
    """What a stage has come to. arguments: ARG's variables that have a value; key: stands for all that led here."""

    def __init__(self, document: Document, layers: list[Descriptor], sizes: list[int], image: str, key: str) -> None:
        self.document = document
        self.layers = layers
        self.sizes = sizes
        self.image = image
        self.key = key
        self.arguments: dict[str, str] = {}
        self.has_own_command = False

    @property
    def settings(self) -> Document:
        """The config object."""
        found: Document = self.document["config"]
        return found

    def set(self, settings: Document, created_by: str) -> None:
        """Replace the config object; the history gets an entry without a layer."""
        self.document["config"] = settings
        self.document["history"].append({**config.history_entry(config.now(), created_by), "empty_layer": True})

    def advance(self, *parts: str) -> None:
        """Let the key stand for these texts too."""
        self.key = sha256("\0".join([self.key, *parts]).encode(errors="surrogateescape")).hexdigest()


def from_image(image: Image) -> State:
    """Return the state with which FROM begins."""
    document: Document = deepcopy(image.document)
    document |= {"config": document.get("config") or {}, "history": document.get("history") or []}
    document.pop("container_config", None)
    return State(document, list(image.layers), list(image.sizes), image.id, image.id)


def from_state(state: State) -> State:
    """Return a state that goes on from an earlier stage's."""
    document: Document = deepcopy(state.document)
    return State(document, list(state.layers), list(state.sizes), state.image, state.key)


def from_nothing(paths: Paths) -> State:
    """Return the state of FROM scratch; containers are made from an image with one empty layer."""
    document = config.new_document(config.host_platform(), {}, config.now())
    known = cached(paths, _SCRATCH)
    image_id = known.id if known else ""
    if not image_id:
        with Draft(Layout(paths.images), deepcopy(document), [], []) as draft:
            draft.add_layer(_write_empty, config.history_entry(config.now(), "empty"))
            draft.publish(None, {index.BUILD: _SCRATCH})
            image_id = draft.image_id
    return State(document, [], [], image_id, _SCRATCH)


def _write_empty(layer: LayerWriter) -> None:
    layer.write(bytes(10240))


def cached(paths: Paths, key: str) -> Image | None:
    """Return the image that a step with this key left, if it is there and whole."""
    layout = Layout(paths.images)
    entries = layout.entries()
    entry = next((e for e in entries if index.build_key(e) == key), None)
    return images.Image(layout, entries, entry) if entry else None


def reuse(state: State, known: Image) -> None:
    """Take the layer that an earlier build made in this step."""
    state.layers, state.sizes, state.image = list(known.layers), list(known.sizes), known.id
    state.document["rootfs"]["diff_ids"] = list(known.diff_ids)
    state.document["history"].append(known.document["history"][-1])


class Workplace:
    """A container made from a state's image, in which an instruction changes files; `with` removes it.

    Until it is started its record says `creating`, and while its command runs, whose build it belongs to: if that is killed,
    system check finds what it left.
    """

    def __init__(self, paths: Paths, state: State, options: Options, run: Run) -> None:
        self.paths = paths
        image = images.find(paths, f"sha256:{state.image}")
        # Of the image, only its files: what a Dockerfile says of commands, volumes and health is for the containers made later.
        image.document = {**image.document, "config": {}}
        self.prepared: Prepared = prepare(paths, options, image)
        self.prepared.record["builder"] = {"pid": os.getpid(), "start": start_time(os.getpid(), paths.proc)}
        self.prepared.record["image"] = f"sha256:{state.image}"
        self.run = run
        self.lock = -1

    def __enter__(self) -> Workplace:
        self.lock = create(self.prepared, Run("build", self.run.observer))
        return self

    def __exit__(self, *exception: object) -> None:
        if self.lock >= 0:
            problems = end.container(self.paths, self.prepared.record)
            os.close(self.lock)
        else:
            life.end(self.paths, self.id)
            with store.Lock(self.paths.container(self.id) + "/lock"):
                record = containers.load(self.paths, self.id)
                problems = [*end.runtime_state(self.paths, self.id), *end.container(self.paths, record)]
        if problems and exception[0] is None:
            raise problems[0]

    @property
    def id(self) -> str:
        return self.prepared.record["id"]

    def container(self) -> Container:
        """Return it as what files are copied to and from."""
        return Container(self.paths, self.prepared.driver, self.prepared.record)

    def start(self, begin: Callable[[containers.Record, int], int]) -> int:
        """Run its command; return the exit status. begin: starts a container whose lock is given and serves it to its end."""
        lock, self.lock = self.lock, -1
        return begin(self.prepared.record, lock)

    def commit(self, state: State, created_by: str) -> None:
        """Make a layer of what has changed, the state's topmost, and keep it under the state's key."""
        record, storage = self.prepared.record, self.prepared.driver
        directory, covered = self.paths.container(self.id), mounted(record)
        document: Document = deepcopy(state.document)
        with Draft(Layout(self.paths.images), document, state.layers, state.sizes) as draft:
            entry = config.history_entry(config.now(), created_by)
            draft.add_layer(lambda layer: storage.diff(directory, record["layers"], layer.as_binary(), covered), entry, may_be_empty=True)
            state.document["rootfs"]["diff_ids"] = list(document["rootfs"]["diff_ids"])
            state.document["history"] = list(document["history"])
            # The key in the configuration, so that no other image is the same one.
            document["mydocker.build"] = state.key
            if state.layers:
                draft.publish(None, {index.BUILD: state.key})
                state.image = draft.image_id


def publish(paths: Paths, state: State) -> Draft:
    """Return the draft of the image that a state is."""
    document = {**state.document, "created": config.now(), "config": config.image_settings(state.settings)}
    return Draft(Layout(paths.images), document, state.layers, state.sizes)
