"""How far a build has come with an image: a configuration that instructions change, and the layers that containers leave.

The layer cache is made of images: each new layer is published at once, as the topmost of an image without a name. That image's entry
in index.json has the key of the instruction that made the layer (index.BUILD).
"""

from __future__ import annotations

from mydocker.engine.catalog import images
from mydocker.errors import Damaged
from mydocker.images import config, index
from mydocker.images.documents import sha256
from mydocker.images.layout import ImageLayout
from mydocker.images.times import now
from mydocker.steps.base import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mydocker.engine.catalog.images import Image
    from mydocker.images.archive import LayerWriter
    from mydocker.images.config import History, ImageConfig, ImageDocument
    from mydocker.images.documents import Descriptor
    from mydocker.paths import Paths

_SCRATCH = "scratch"
SHORT = 16  # digits of a key: which instructions were met before is only told


class Progress:
    """How far a stage has come.

    document: the image's configuration so far
    layers: descriptors of its layers, lowest first
    sizes: the layers' bytes, uncompressed
    image: the id of a stored image with exactly these layers, from which containers are made; '' if they lie in a cache elsewhere
    key: stands for all that led here
    steps: the key after each instruction so far; the history has an entry for each
    passed: the keys of the instructions so far that left no layer, shortened
    arguments: the variables of ARG that have a value
    has_own_command: whether this stage has a CMD
    """

    def __init__(self, document: ImageDocument, layers: list[Descriptor], sizes: list[int], image: str, key: str) -> None:
        self.document = document
        self.layers = layers
        self.sizes = sizes
        self.image = image
        self.key = key
        self.steps: list[str] = []
        self.passed: list[str] = []
        self.arguments: dict[str, str] = {}
        self.has_own_command = False

    @property
    def settings(self) -> ImageConfig:
        """The `config` object of the configuration."""
        return self.document["config"]

    def set(self, settings: ImageConfig, created_by: str) -> None:
        """Replace the `config` object, and add an entry without a layer to the history."""
        self.document["config"] = settings
        entry = config.history_entry(now(), created_by)
        entry["empty_layer"] = True
        self.document["history"].append(entry)

    def take(self, layers: list[Descriptor], sizes: list[int], diff_ids: list[str], entry: History) -> None:
        """Have these layers, and one more entry of the history."""
        self.layers, self.sizes = list(layers), list(sizes)
        self.document["rootfs"]["diff_ids"] = list(diff_ids)
        self.document["history"].append(entry)

    def advance(self, *parts: str) -> None:
        """Change the key so that it stands for an instruction of these texts too."""
        self.key = key(self.key, *parts)
        self.steps.append(self.key)

    def advance_without_layer(self, *parts: str) -> str:
        """Change the key for an instruction that leaves no layer, and return it as it is remembered."""
        self.advance(*parts)
        self.passed.append(self.key[:SHORT])
        return self.passed[-1]

    def annotations(self, kind: str) -> dict[str, str]:
        """Return what the entry of an image says of its build. kind: index.BUILD or index.BUILT"""
        return {kind: self.key, **({index.PASSED: ",".join(self.passed)} if self.passed else {})}


def key(*parts: str) -> str:
    """Return a key that stands for some texts, in hexadecimal digits."""
    return sha256("\0".join(parts).encode(errors="surrogateescape")).removeprefix("sha256:")


def from_image(image: Image) -> Progress:
    """Return the progress of a stage that begins with an image. The image's document becomes the stage's."""
    for name in ("container_config", index.BUILD, index.BUILT, index.STEPS):
        image.document.pop(name, None)  # type: ignore[misc]  # they are about that image, and not about what is made of it
    return Progress(image.document, list(image.layers), list(image.sizes), image.id, image.id)


def from_stage(progress: Progress) -> Progress:
    """Return the progress of a stage that begins with an earlier stage. It has that one's arguments, as in BuildKit."""
    from copy import deepcopy  # imported here and below, because most builds have one stage

    child = Progress(deepcopy(progress.document), list(progress.layers), list(progress.sizes), progress.image, progress.key)
    child.arguments, child.passed, child.steps = dict(progress.arguments), list(progress.passed), list(progress.steps)
    return child


def from_nothing(paths: Paths, platform: str = "") -> Progress:
    """Return the progress of a stage that begins with `FROM scratch`. Its containers are made from an image with one empty layer.

    platform: '' for the host's
    """
    document = config.new_document(platform or config.host_platform(), {}, now())
    known = cached(paths, _SCRATCH)
    image_id = known.id if known else ""
    if not image_id:
        from copy import deepcopy

        from mydocker.images.draft import Draft

        with Draft(ImageLayout(paths.images), deepcopy(document), [], []) as draft:
            draft.add_layer(_write_empty, config.history_entry(now(), "empty"))
            Run("build").execute(draft.store_steps(None, {index.BUILD: _SCRATCH}))
            image_id = draft.image_id
    return Progress(document, [], [], image_id, _SCRATCH + platform)


def _write_empty(layer: LayerWriter) -> None:
    layer.write(bytes(10240))


def saved(progress: Progress) -> tuple[Any, ...]:
    """Return how far a stage has come as data for another process."""
    parts = (progress.document, progress.layers, progress.sizes, progress.image, progress.key)
    return (*parts, progress.arguments, progress.has_own_command, progress.passed, progress.steps)


def restored(data: tuple[Any, ...]) -> Progress:
    """Return what saved() was given."""
    *parts, arguments, has_own_command, passed, steps = data
    progress = Progress(*parts)
    progress.arguments, progress.has_own_command, progress.passed, progress.steps = arguments, has_own_command, passed, steps
    return progress


def cached(paths: Paths, key: str, below: Sequence[str] = (), sources: Sequence[Image] = ()) -> Image | None:
    """Return the image that an instruction with this key has left here last, or None.

    below: the diff ids of the layers so far, on which it has to be built. Layers of the same key can differ: those of a cache elsewhere
        are used only by builds that name it, and what was built on them is used on nothing else.
    sources: if there are some, one of them must be built on it
    """
    layout = ImageLayout(paths.images)

    def fits(image: Image) -> bool:
        is_of_sources = not sources or any(each.diff_ids[: len(image.diff_ids)] == image.diff_ids for each in sources)
        return is_of_sources and image.diff_ids[: len(below)] == list(below)

    def found(entries: list[Descriptor]) -> Image | None:
        known = (images.Image(layout, entries, entry) for entry in reversed(entries) if index.build_key(entry) == key)
        return next(filter(fits, known), None)

    try:
        return layout.consistent(found)
    except Damaged:
        return None  # it is made once more


def passed(paths: Paths, sources: Sequence[Image]) -> set[str]:
    """Return the keys of the instructions without a layer that earlier builds have met. sources: if there are some, those of theirs"""
    if sources:
        return {key for image in sources for key in index.passed(image.entry)}
    try:
        return ImageLayout(paths.images).consistent(lambda entries: {key for entry in entries for key in index.passed(entry)})
    except Damaged:
        return set()


def reuse(progress: Progress, known: Image) -> None:
    """Take the layer that an earlier build has made for this instruction."""
    progress.take(known.layers, known.sizes, known.diff_ids, known.document["history"][-1])
    progress.image = known.id
