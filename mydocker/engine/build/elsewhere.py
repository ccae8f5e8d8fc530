"""Caches of builds that are not in ROOT (--cache-from): directories, repositories of registries, and images.

A cache is an OCI image index, in a directory index.json of an image layout. It lists images: what was built, and with mode=max each stage.
What an image is worth for a build, its descriptor says, or the image's own configuration (type=inline):

    mydocker.steps   the keys of the build's instructions, for which the last entries of the image's history stand, see index.py
    mydocker.built   of what was built, the key of the whole build
    mydocker.sizes   the bytes of each layer, uncompressed

A key stands for an instruction and all that led to it (progress.py). So what an instruction with the same key has left there can be used
here: the image's layers up to it. Documents are read before the first instruction; layers are fetched once files of them are needed, and
checked as those of every image.

Who may write a cache says what is in the layers behind its keys. So nothing of it is found by a build that does not name it: it is stored
here under keys of its own, and what is built on it counts only together with it (progress.cached).
"""

from __future__ import annotations

from itertools import accumulate

from mydocker import leanjson
from mydocker.engine.build.progress import key
from mydocker.engine.catalog import images
from mydocker.errors import Damaged, Error, NoCache
from mydocker.images import config, index
from mydocker.images.documents import CONFIG_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.layout import ImageLayout
from mydocker.images.manifests import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, BinaryIO

    from mydocker.engine.build.progress import Progress
    from mydocker.images.config import ImageDocument
    from mydocker.images.documents import Descriptor, ImageManifest
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths
    from mydocker.steps.base import Run

    Opener = Callable[[Descriptor], BinaryIO]

# What makes two configurations the same, besides their times.
_SAME = ("architecture", "os", "variant", "author", "rootfs")
_INSIDE = "elsewhere"  # what our own keys of such layers begin with


class Kept:
    """An image of a cache. Raises Damaged if its parts do not fit.

    words: what errors call the cache
    opener: opens one of its layers; None if all of them are here
    notes: annotations of its descriptor, or fields of its configuration

    steps: the keys after its instructions; history, counts: the history's entry for each, and how many layers there are then
    """

    def __init__(self, words: str, manifest: Manifest, data: bytes, opener: Opener | None, notes: Mapping[str, Any]) -> None:
        self.words = words
        self.manifest = manifest
        self.data = data
        self.opener = opener
        self.document: ImageDocument = config.image_document(data, f"{words}: config {manifest.config['digest']}")
        self.diff_ids = self.document["rootfs"]["diff_ids"]
        self.steps = _texts(notes.get(index.STEPS))
        self.built = str(notes.get(index.BUILT, ""))
        sizes = [int(text) for text in _texts(notes.get(index.SIZES)) if text.isascii() and text.isdigit()]
        self.sizes = sizes if len(sizes) == len(manifest.layers) else [layer["size"] for layer in manifest.layers]
        self.history = self.document["history"][-len(self.steps) :] if self.steps else []
        added = [0 if entry.get("empty_layer") else 1 for entry in self.history]
        # The base image may have layers of which no history tells.
        base = len(manifest.layers) - sum(added)
        if len(self.diff_ids) != len(manifest.layers) or len(self.history) != len(self.steps) or base < 0:
            raise Damaged(f"{words}: an image whose layers, history and keys do not fit")
        self.counts = list(accumulate(added, initial=base))[1:]


def _texts(value: object) -> list[str]:
    return value.split(",") if isinstance(value, str) and value else []


class Caches:
    """What caches elsewhere have.

    found: their images
    paths, run: where what is brought in is stored, and what executes the steps of that
    """

    def __init__(self, found: Sequence[Kept], paths: Paths, run: Run) -> None:
        self.found = list(found)
        self.paths = paths
        self.run = run
        self._steps = {each: (kept, number) for kept in reversed(self.found) for number, each in enumerate(kept.steps)}

    @property
    def keys(self) -> set[str]:
        """The keys of all instructions that they have met."""
        return set(self._steps)

    def reuse(self, progress: Progress) -> bool:
        """Take the layer that an instruction has left there. Return whether there is one."""
        known = self._steps.get(progress.key)
        if not known:
            return False
        kept, number = known
        count, before = kept.counts[number], progress.document["rootfs"]["diff_ids"]
        # Layers that are here already need not be fetched, even if they are compressed in another way there.
        same = len(before) if kept.diff_ids[: len(before)] == before else 0
        if count < same:
            return False  # an instruction takes no layer away
        layers = [*progress.layers[:same], *kept.manifest.layers[same:count]]
        sizes = [*progress.sizes[:same], *kept.sizes[same:count]]
        if count != same:
            progress.image = ""
        progress.take(layers, sizes, kept.diff_ids[:count], kept.history[number])
        return True

    def bring(self, progress: Progress) -> None:
        """Bring in the layers of a progress, as an image without a name. Raises NoCache."""
        diff_ids = progress.document["rootfs"]["diff_ids"]
        kept = next(kept for kept in self.found if kept.diff_ids[: len(diff_ids)] == diff_ids)
        ours = key(_INSIDE, *diff_ids)
        document: dict[str, object] = {name: progress.document[name] for name in _SAME if name in progress.document}  # type: ignore[literal-required]
        document |= {"config": {}, "history": [], index.BUILD: ours}
        data = leanjson.dumps(document).encode()
        described: Descriptor = {"mediaType": CONFIG_TYPE, "digest": sha256(data), "size": len(data)}
        made: ImageManifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": described, "layers": progress.layers}
        self._bring(kept, Manifest(leanjson.dumps(made).encode(), kept.words), data, None, {index.BUILD: ours})
        image = images.find(self.paths, described["digest"])
        progress.image, progress.sizes, progress.layers = image.id, list(image.sizes), list(image.layers)

    def image(self, progress: Progress, reference: Reference | None) -> str:
        """Bring in the image that the same build has made there. Return its id, '' if there is none. Raises NoCache."""
        for kept in self.found:
            if kept.built == progress.key and _same(kept.document) == _same(progress.document):
                self._bring(kept, kept.manifest, kept.data, reference, {})
                return kept.manifest.config["digest"].removeprefix("sha256:")
        return ""

    def _bring(self, kept: Kept, manifest: Manifest, data: bytes, reference: Reference | None, notes: dict[str, str]) -> None:
        """Store an image of a cache. notes: more annotations of its descriptor"""
        from mydocker.engine.transfer.arrivals import Arrival, Source  # imported here and below, because most builds have no such cache
        from mydocker.storage.drivers import choose

        layout = ImageLayout(self.paths.images)
        try:
            opener = kept.opener or of_layout(layout)
            source = Source(words=kept.words, open=opener)
            with Arrival(self.paths, choose(self.paths), layout, manifest, data, source, lambda *_: None) as arrival:
                self.run.execute(arrival.fetch_steps())
                self.run.execute(arrival.store_steps(reference, notes=notes))
        except Error as error:
            raise NoCache(f"the cache {kept.words} is not used: {error.message}", error.hint) from error


def _same(document: ImageDocument) -> dict[str, object]:
    settings = config.image_settings(document["config"])
    return {"config": settings, **{name: document.get(name) or None for name in _SAME}}


def of_layout(layout: ImageLayout) -> Opener:
    """Return what opens the layers of an image layout, and raises Damaged for one that is missing."""

    def opened(descriptor: Descriptor) -> BinaryIO:
        try:
            return open(layout.blob(descriptor["digest"]), "rb")
        except FileNotFoundError as error:
            raise Damaged(f"blob {descriptor['digest']} is missing in {layout.directory}") from error

    return opened
