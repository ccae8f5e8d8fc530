"""The arrival of images, by `pull` and `load`. Layers come side by side, and either all of an image is stored or nothing.

    source ─ staging/RANDOM/HEX, digest checked ─ decompressed ─ diff id checked ─ layers/DRIVER/CHAINID.PID.partial

When every layer is there, the blobs and a descriptor in index.json are published together. Then the layers are put in their places.

Each layer has a child process of its own, and a lock while it comes. So two pulls that need the same layer fetch it once. If the parent
dies, it leaves a staging directory and partial layers that are known to be nobody's.
"""

from __future__ import annotations

import os
from typing import cast

from mydocker import store
from mydocker.engine.catalog.images import layers_lock
from mydocker.engine.transfer.workers import Workers
from mydocker.errors import Conflict, Damaged
from mydocker.explaining import ByWorker
from mydocker.images import framing, index
from mydocker.images.config import chain_ids, image_document, platform_of
from mydocker.images.layers import ArrivingLayer, LayerReader, check_blob, known_sizes
from mydocker.images.staging import BlobLock, PutDocument, Staging
from mydocker.images.times import now
from mydocker.steps.base import Step, quote
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from mydocker.engine.transfer.workers import Job, Report
    from mydocker.images.documents import Descriptor
    from mydocker.images.layout import ImageLayout
    from mydocker.images.manifests import Manifest
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths
    from mydocker.storage.base import StorageDriver

    # Opens a blob at its source. The process that reads the blob calls it.
    Opener = Callable[[Descriptor], BinaryIO]
    # Is told of a layer: its position, and ('begins' | 'exists' | 'done', 0) or ('bytes', how many have come).
    Observer = Callable[[int, str, int], None]

# As docker's max-concurrent-downloads. It may be more than there are processors, because downloads mostly wait for the network.
_MOST = 3
_REPORT_EVERY = 1 << 20


class Source(Value):
    """Where an image comes from."""

    words: str  # what --explain and errors call it
    open: Opener  # opens one of its blobs


class Arrival:
    """One image that is being fetched. `with` removes what was not published.

    config: the image's configuration, byte by byte.
    observer: is told how the layers come, see Observer.
    max_size: how many bytes the files of a layer may have, or None for any number.
    keeps_blobs: whether the layers' blobs stay when the layers are unpacked. With MYDOCKER_NO_BLOBS none do
    """

    def __init__(
        self,
        paths: Paths,
        driver: StorageDriver,
        layout: ImageLayout,
        manifest: Manifest,
        config: bytes,
        source: Source,
        observer: Observer,
        max_size: int | None = None,
        keeps_blobs: bool = True,
    ) -> None:
        self.paths = paths
        self.driver = driver
        self.staging = Staging(layout)
        self.manifest = manifest
        self.config = config
        self.source = source
        self.max_size = max_size
        self.keeps_blobs = keeps_blobs and not framing.wanted()
        self.document = image_document(config, f"{source.words}: config {manifest.config['digest']}")
        self.diff_ids = self.document["rootfs"]["diff_ids"]
        if len(self.diff_ids) != len(manifest.layers):
            raise Damaged(f"{source.words}: an image of {len(manifest.layers)} layers and {len(self.diff_ids)} diff ids")
        self.chain_ids = chain_ids(self.diff_ids)
        self.known = known_sizes(layout)
        self.owner = os.getpid()
        self.observer = observer
        jobs = [self._job(position) for position in range(len(self.diff_ids))]
        self.workers = Workers(jobs, _MOST if driver.independent else 1, self._observed)

    def __enter__(self) -> Arrival:
        return self

    def __exit__(self, *exception: object) -> None:
        self.workers.__exit__()
        for position in range(len(self.diff_ids)):
            store.remove_tree(self.partial(position))
        self.staging.__exit__(*exception)

    @property
    def image_id(self) -> str:
        """The hexadecimal digest of the config."""
        return self.manifest.config["digest"].removeprefix("sha256:")

    def chain_id(self, position: int) -> str:
        return self.chain_ids[-1 - position]

    def partial(self, position: int) -> str:
        """Return the directory in which a layer is unpacked until the image is published."""
        return self.driver.partial(self.chain_id(position), self.owner)

    def unpacks(self, position: int) -> bool:
        """Say whether a layer has to be unpacked while it comes, because the storage driver does not have it."""
        return not self.driver.has(self.chain_id(position))

    def _has_unpacked(self, position: int) -> bool:
        """Say whether a layer waits to be put into its place, or in a dry run, in which none has come, whether it would."""
        return os.path.isdir(self.partial(position)) if self.staging.directory else self.unpacks(position)

    def _below(self, position: int) -> str:
        """Return the directory of the layer below this one, or '' for the lowest. Some storage drivers need it to unpack a layer."""
        if position == 0:
            return ""
        partial = self.partial(position - 1)
        return partial if os.path.isdir(partial) else self.driver.layer(self.chain_id(position - 1))

    def fetch_steps(self) -> list[Step]:
        """Return the steps that fetch and check all layers."""
        return [FetchLayer(self, position) for position in range(len(self.diff_ids))]

    def store_steps(self, reference: Reference | None, digest: str = "", notes: dict[str, str] | None = None) -> list[Step]:
        """Return the steps that publish the image, once its layers have come.

        reference: its name, or None.
        digest: the digest that the registry has for that name, or '' for that of the manifest.
        notes: more annotations of its descriptor.
        """
        config = PutDocument(self.staging, "config", lambda: self.config, self.manifest.config["digest"])
        manifest = PutDocument(self.staging, "manifest", lambda: self.manifest.data, self.manifest.descriptor["digest"])
        adopted = [AdoptLayer(self, position) for position in range(len(self.diff_ids)) if self._has_unpacked(position)]
        let_go = [] if self.keeps_blobs else [self._letting_go(position) for position in range(len(self.diff_ids))]
        return [config, manifest, StoreArrival(self, reference, digest, notes or {}), *adopted, *let_go]

    def _letting_go(self, position: int) -> Step:
        place = self.driver.layer(self.chain_id(position))
        return framing.LetBlobGo(self.staging.layout, self.manifest.layers[position], self.diff_ids[position], place)

    def is_framed(self, position: int) -> bool:
        """Say whether a layer is here whose blob was let go, so that it need not come again."""
        digest = self.manifest.layers[position]["digest"]
        is_known = not self.keeps_blobs and digest in self.known and not self.unpacks(position)
        return is_known and os.path.exists(self.staging.layout.frame(digest))

    def _observed(self, position: int, report: tuple[str, int] | None) -> None:
        self.observer(position, *(report or ("begins", 0)))

    def _job(self, position: int) -> Job:
        return lambda report: self._fetch(position, report)

    def _fetch(self, position: int, report: Report) -> int:
        """Get one layer and return its uncompressed size. This runs in a child process."""
        descriptor, diff_id = self.manifest.layers[position], self.diff_ids[position]
        digest = descriptor["digest"]
        if self.is_framed(position):
            report(("exists", 0))
            return self.known[digest]
        with BlobLock(self.staging.layout, digest):
            if not self.staging.take(digest):
                blob = self.staging.writer()
                with self.source.open(descriptor) as stream:
                    counted = cast("BinaryIO", _Counted(stream, report))
                    return self._consume(position, ArrivingLayer(counted, descriptor, diff_id, blob))
        report(("exists", 0))
        if digest in self.known and not self.unpacks(position):
            return self.known[digest]
        with open(self.staging.path(digest), "rb") as file:
            check_blob(file, descriptor)
            return self._consume(position, LayerReader(file, digest, diff_id))

    def _consume(self, position: int, layer: LayerReader) -> int:
        if self.unpacks(position):
            self.driver.unpack(self.chain_id(position), self._below(position), layer.as_binary(), self.owner, self.max_size)
        else:
            while layer.read(1 << 18):
                if self.max_size is not None and layer.tar_size > self.max_size:
                    raise Damaged(f"layer {self.manifest.layers[position]['digest']} has more than {self.max_size} bytes")
        return layer.tar_size


class _Counted:
    """A stream that reports how much of it was read."""

    def __init__(self, stream: BinaryIO, report: Report) -> None:
        self._stream = stream
        self._report = report
        self._read = self._reported = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._read += len(data)
        if self._read - self._reported >= _REPORT_EVERY or (not data and self._read != self._reported):
            self._reported = self._read
            self._report(("bytes", self._read))
        return data


class FetchLayer(Step, ByWorker):
    """Get one layer unless it is there. Others come at the same time."""

    arrival: Arrival
    position: int  # 0 for the lowest layer

    def apply(self) -> None:
        self.arrival.staging.begin()  # in this process and not in a child, because this process removes it
        self.arrival.workers.wait(self.position)
        self.arrival.observer(self.position, "done", 0)

    def worked(self) -> tuple[int, float, float]:
        return self.arrival.workers.worked[self.position]

    def describe(self) -> str:
        arrival, descriptor = self.arrival, self.arrival.manifest.layers[self.position]
        there = os.path.exists(arrival.staging.layout.blob(descriptor["digest"]))
        verb = "take layer" if there else "fetch layer"
        source = f"of {quote(arrival.staging.layout.directory)}" if there else f"({descriptor['size']} bytes) from {arrival.source.words}"
        place = arrival.driver.layer(arrival.chain_id(self.position))
        unpacked = f", unpack it for {quote(place)}" if arrival.unpacks(self.position) else ""
        return f"{verb} {descriptor['digest']} {source}{unpacked}"


class StoreArrival(Step):
    """Publish an image whose layers have come, byte by byte as it was at its source."""

    arrival: Arrival
    reference: Reference | None
    digest: str  # the digest that the registry has for the name, or ''
    notes: dict[str, str]  # more annotations of the image's descriptor

    def apply(self) -> None:
        arrival = self.arrival
        for position, layer in enumerate(arrival.manifest.layers):
            if not os.path.exists(arrival.staging.path(layer["digest"])) and not arrival.is_framed(position):
                raise Damaged(f"{arrival.source.words}: {layer['digest']} has not come")
        sizes = ",".join(str(arrival.workers.results[position]) for position in range(len(arrival.diff_ids)))
        annotations = {index.SIZES: sizes, **self.notes}
        if self.digest not in ("", self._manifest):
            annotations[index.DIGEST] = self.digest
        entry = arrival.manifest.descriptor.copy()
        entry["platform"] = platform_of(arrival.document)
        entry["annotations"] = annotations
        arrival.staging.publish(lambda entries: index.add(self._checked(entries), entry, self.reference, now()))

    def _checked(self, entries: list[Descriptor]) -> list[Descriptor]:
        for layer in self.arrival.manifest.layers:
            if not self.arrival.staging.layout.files(layer["digest"]):
                raise Conflict(f"layer {layer['digest']} was removed meanwhile", "do it again")
        return entries

    @property
    def _manifest(self) -> str:
        return self.arrival.manifest.descriptor["digest"]

    def describe(self) -> str:
        name = str(self.reference) if self.reference else "no name"
        place = quote(self.arrival.staging.layout.directory + "/index.json")
        image = f"sha256:{self.arrival.image_id}, manifest {self._manifest},"
        return f"store image {image} as {name}: rename its blobs to blobs/sha256, and write it into {place}"


class AdoptLayer(Step):
    """Rename a layer that was unpacked while it came to its chain id."""

    arrival: Arrival
    position: int  # 0 for the lowest layer

    def apply(self) -> None:
        arrival = self.arrival
        with store.Lock(layers_lock(arrival.paths), shared=True):
            arrival.driver.adopt(arrival.partial(self.position), arrival.chain_id(self.position))

    def describe(self) -> str:
        place = self.arrival.driver.layer(self.arrival.chain_id(self.position))
        return f"rename the unpacked layer {self.arrival.diff_ids[self.position]} to {quote(place)}"
