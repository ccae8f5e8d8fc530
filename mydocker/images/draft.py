"""An image that is being made: its layers and its config are in staging, and are published together with a manifest and a name."""

from __future__ import annotations

from mydocker import leanjson
from mydocker.errors import Conflict
from mydocker.images import index
from mydocker.images.archive import LayerWriter
from mydocker.images.config import platform_of
from mydocker.images.documents import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE
from mydocker.images.staging import PutDocument, Staging
from mydocker.images.times import now
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.images.config import History, ImageDocument
    from mydocker.images.documents import Descriptor, ImageManifest
    from mydocker.images.layout import ImageLayout
    from mydocker.images.reference import Reference

    Fill = Callable[[LayerWriter], None]


class Draft:
    """An image that is not published yet. `with` removes from staging what was not published.

    document: its configuration. Each layer adds a diff id and a history entry.
    layers: the descriptors of its layers, the lowest first.
    sizes: the bytes of each layer, uncompressed.
    image_id: the hexadecimal digest of the config, '' until the image is published.
    manifest_annotations: the annotations of the manifest.
    """

    __slots__ = ("_staging", "document", "image_id", "layers", "layout", "manifest_annotations", "sizes")

    def __init__(self, layout: ImageLayout, document: ImageDocument, layers: list[Descriptor], sizes: list[int]) -> None:
        self.layout = layout
        self.document = document
        self.layers = layers
        self.sizes = sizes
        self.image_id = ""
        self.manifest_annotations: dict[str, str] = {}
        self._staging = Staging(layout)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *exception: object) -> None:
        self._staging.__exit__(*exception)

    def add_layer(self, fill: Fill, entry: History, may_be_empty: bool = False) -> None:
        """Add a layer on top, and an entry to the history.

        If the tar has no members and there are layers below, only the history gets an entry.

        fill: writes the layer as an uncompressed tar.
        entry: the history entry.
        may_be_empty: whether a tar without members adds no layer either if the image has none yet.
        """
        with LayerWriter(self._staging) as layer:
            fill(layer)
            empty = layer.empty and (may_be_empty or bool(self.layers))
            if not empty:
                layer.finish()
        if not empty:
            self.layers.append({"mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size})
            self.document["rootfs"]["diff_ids"].append(layer.diff_id)
            self.sizes.append(layer.tar_size)
        self.document["history"].append({**entry, "empty_layer": True} if empty else entry)

    def store_steps(
        self, reference: Reference | None, annotations: dict[str, str] | None = None, marks: dict[str, str] | None = None
    ) -> list[Step]:
        """Return the steps that write the config and the manifest, and put everything into the layout.

        reference: the name of the image, or None.
        annotations: more annotations of the image's descriptor.
        marks: more fields of the configuration.

        They raise Conflict if a layer below was removed meanwhile.
        """
        config = PutDocument(self._staging, "config", lambda: leanjson.dumps({**self.document, **(marks or {})}).encode())
        manifest = PutDocument(self._staging, "manifest", lambda: leanjson.dumps(self._manifest(config)).encode())
        return [config, manifest, StoreImage(self, reference, config, manifest, annotations or {})]

    def _manifest(self, config: PutDocument) -> ImageManifest:
        described = config.descriptor(CONFIG_TYPE)
        document: ImageManifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": described, "layers": self.layers}
        if self.manifest_annotations:
            document["annotations"] = self.manifest_annotations
        return document

    def publish(self, entry: Descriptor, reference: Reference | None) -> None:
        """Put all that is in staging into the layout, and an entry for it into the index."""
        self._staging.publish(lambda entries: index.add(self._checked(entries), entry, reference, now()))

    def _checked(self, entries: list[Descriptor]) -> list[Descriptor]:
        for layer in self.layers:
            if not self.layout.files(layer["digest"]):
                raise Conflict(f"layer {layer['digest']} was removed meanwhile")
        return entries


class StoreLayer(Step):
    """Store a tar as the draft's next layer."""

    draft: Draft
    source: str  # the words that say where the tar comes from
    fill: Fill  # writes the tar
    entry: History
    may_be_empty: bool = False  # see add_layer()

    def apply(self) -> None:
        self.draft.add_layer(self.fill, self.entry, self.may_be_empty)

    def describe(self) -> str:
        # The digest of the layer is known only after the step was applied.
        done = f" as {self.draft.layers[-1]['digest']}" if self.draft.document["history"][-1:] == [self.entry] else ""
        return f"store layer {self.source}{done} in {quote(self.draft.layout.directory)}"


class StoreImage(Step):
    """Publish the draft's layers, config and manifest, with a name or without."""

    draft: Draft
    reference: Reference | None
    config: PutDocument
    manifest: PutDocument
    annotations: dict[str, str]  # more annotations of the image's descriptor

    def apply(self) -> None:
        draft, entry = self.draft, self.manifest.descriptor(MANIFEST_TYPE)
        entry["platform"] = platform_of(draft.document)
        entry["annotations"] = {index.SIZES: ",".join(map(str, draft.sizes)), **self.annotations}
        draft.publish(entry, self.reference)
        draft.image_id = self.config.descriptor(CONFIG_TYPE)["digest"].removeprefix("sha256:")

    def describe(self) -> str:
        done = f" sha256:{self.draft.image_id}" if self.draft.image_id else ""
        name = str(self.reference) if self.reference else "no name"
        place = quote(self.draft.layout.directory + "/index.json")
        return f"store image{done} as {name}: rename its blobs to blobs/sha256, and write it into {place}"
