"""An image being made: layers and a config in staging, published together as blobs, manifest and name."""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.errors import Conflict
from mydocker.images import index
from mydocker.images.archive import LayerWriter
from mydocker.images.config import platform_of
from mydocker.images.documents import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE
from mydocker.images.staging import Staging
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mydocker.images.config import History, ImageDocument
    from mydocker.images.documents import Descriptor, ImageManifest
    from mydocker.images.layout import ImageLayout
    from mydocker.images.reference import Reference

    Fill = Callable[[LayerWriter], None]


class Draft:
    """What an image will be; `with` removes what was not published.

    document: its configuration, which grows a diff id and a history entry with each layer. layers: descriptors, lowest
    first. sizes: their bytes, uncompressed. image_id: hexadecimal digest of the config, empty until published.
    """

    __slots__ = ("_staging", "document", "image_id", "layers", "layout", "sizes")

    def __init__(self, layout: ImageLayout, document: ImageDocument, layers: list[Descriptor], sizes: list[int]) -> None:
        self.layout = layout
        self.document = document
        self.layers = layers
        self.sizes = sizes
        self.image_id = ""
        self._staging = Staging(layout)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *exception: object) -> None:
        self._staging.__exit__(*exception)

    def add_layer(self, fill: Fill, entry: History, may_be_empty: bool = False) -> None:
        """Store what fill() writes, an uncompressed tar, as the topmost layer; one without members on top of others only leaves history.

        may_be_empty: an image may also be without any layer.
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

    def publish(self, reference: Reference | None, annotations: dict[str, str] | None = None, marks: dict[str, str] | None = None) -> None:
        """Write config and manifest and put everything into the layout. Raises Conflict when a layer below has gone meanwhile.

        annotations: of the image's descriptor. marks: more fields of the configuration.
        """
        config = self._put({**self.document, **(marks or {})}, CONFIG_TYPE)
        document: ImageManifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": self.layers}
        entry = self._put(document, MANIFEST_TYPE)
        entry["platform"] = platform_of(self.document)
        entry["annotations"] = {index.SIZES: ",".join(map(str, self.sizes)), **(annotations or {})}
        self._staging.publish(lambda entries: index.add(self._checked(entries), entry, reference))
        self.image_id = config["digest"].removeprefix("sha256:")

    def _put(self, document: Mapping[str, object], media_type: str) -> Descriptor:
        blob = self._staging.put(leanjson.dumps(document).encode())
        return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}

    def _checked(self, entries: list[Descriptor]) -> list[Descriptor]:
        for layer in self.layers:
            if not os.path.exists(self.layout.blob(layer["digest"])):
                raise Conflict(f"layer {layer['digest']} was removed meanwhile")
        return entries


class StoreLayer(Step):
    """Store a tar, from `source` in words, as the draft's next layer."""

    draft: Draft
    source: str
    fill: Fill
    entry: History

    def apply(self) -> None:
        self.draft.add_layer(self.fill, self.entry)

    def describe(self) -> str:
        # Before it is applied its digest is not known.
        done = f" as {self.draft.layers[-1]['digest']}" if self.draft.document["history"][-1:] == [self.entry] else ""
        return f"store layer {self.source}{done} in {quote(self.draft.layout.directory)}"


class StoreImage(Step):
    """Publish the draft's layers, config and manifest, under a name or none."""

    draft: Draft
    reference: Reference | None
    annotations: dict[str, str] | None = None

    def apply(self) -> None:
        self.draft.publish(self.reference, self.annotations)

    def describe(self) -> str:
        done = f" sha256:{self.draft.image_id}" if self.draft.image_id else ""
        name = str(self.reference) if self.reference else "no name"
        return f"store image{done} as {name} in {quote(self.draft.layout.directory + '/index.json')}"
