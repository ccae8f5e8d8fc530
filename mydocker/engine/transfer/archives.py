"""`save` and `load`: images are written as archives, and archives are read as images."""

from __future__ import annotations

from mydocker.engine.catalog.images import Image, all_images, find
from mydocker.engine.record import events
from mydocker.engine.transfer.arrivals import Arrival, Source
from mydocker.errors import Conflict, Damaged
from mydocker.images.layout import ImageLayout
from mydocker.images.loading import Archive, Found
from mydocker.images.naming import NameImage
from mydocker.images.reference import parse
from mydocker.images.saving import Selected, save
from mydocker.images.staging import Staging
from mydocker.steps.base import Step, quote
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from io import BufferedReader
    from typing import BinaryIO, NoReturn

    from mydocker.engine.transfer.arrivals import Observer
    from mydocker.images.documents import Descriptor, Platform
    from mydocker.paths import Paths
    from mydocker.steps.base import Run
    from mydocker.storage.base import StorageDriver


class ReadArchive(Step):
    """Store the files of an archive in staging, as blobs."""

    archive: Archive
    stream: BufferedReader

    def apply(self) -> None:
        self.archive.read(self.stream)

    def describe(self) -> str:
        return f"store the files of {self.archive.name} as blobs in {quote(self.archive.staging.layout.directory + '/staging')}"


class Loading(Value):
    """What `load` is told."""

    platform: Platform  # which one to take of an image for several platforms
    max_size: int | None  # see Arrival
    observer: Callable[[Found], Observer]  # returns the observer of an image
    keeps_blobs: bool = True  # see Arrival


def load(paths: Paths, driver: StorageDriver, name: str, stream: BufferedReader, options: Loading, run: Run) -> list[tuple[str, list[str]]]:
    """Store every image of an archive, and return the id and the names of each. A dry run only says that the archive is read.

    name: what error messages call the archive.
    stream: the archive.

    Raises BadInput or Unsupported if it is not an archive of images, Damaged if it is a damaged one.
    """
    layout = ImageLayout(paths.images)
    with Staging(layout) as scratch:
        archive = Archive(scratch, name)
        run.apply(ReadArchive(archive, stream))
        if not run.done:
            return []
        found = archive.images(options.platform)
        return [_load_one(paths, driver, layout, image, name, options, run) for image in found]


def _load_one(
    paths: Paths, driver: StorageDriver, layout: ImageLayout, image: Found, name: str, options: Loading, run: Run
) -> tuple[str, list[str]]:
    digest = _stored(paths, image)
    if not digest:
        digest = image.manifest.descriptor["digest"]
        with _arrival(paths, driver, layout, image, name, options) as arrival:
            run.execute(arrival.fetch_steps())
            run.execute(arrival.store_steps(image.names[0] if image.names else None))
    entry = next((entry for entry in layout.entries() if entry["digest"] == digest), None)
    if entry is None:
        raise Conflict(f"image {digest} was removed meanwhile")
    run.execute(NameImage(layout, entry, reference) for reference in image.names)
    names = [str(reference) for reference in image.names]
    config = image.manifest.config["digest"]
    events.emit(paths, "image", "load", config, {"name": names[0]} if names else {})
    return config.removeprefix("sha256:"), names


def _stored(paths: Paths, image: Found) -> str:
    """Return the digest of a stored manifest with the same config, or ''. It counts only if the image's own manifest was made by us."""
    same = (stored for stored in all_images(paths) if f"sha256:{stored.id}" == image.manifest.config["digest"])
    return next((stored.manifest for stored in same), "") if image.made else ""


def _arrival(paths: Paths, driver: StorageDriver, layout: ImageLayout, image: Found, name: str, options: Loading) -> Arrival:
    def missing(descriptor: Descriptor) -> NoReturn:
        raise Damaged(f"{name}: blob {descriptor['digest']} is missing")

    # The blobs are in staging already, and an arrival looks there first.
    source, observer = Source(words=name, open=missing), options.observer(image)
    return Arrival(paths, driver, layout, image.manifest, image.config, source, observer, options.max_size, options.keeps_blobs)


def selected(paths: Paths, names: Sequence[str]) -> list[Selected]:
    """Return the images that these names mean, each once, with all the names that it gets in the archive. Raises NotFound.

    As with docker, a repository without a tag means all of its tags, and an image given by its id gets no name.
    """
    chosen: dict[str, Selected] = {}
    for name in names:
        for image, tags in _meant(paths, name):
            known = chosen.setdefault(image.manifest, Selected(entry=image.entry, names=[], id=image.id))
            known.names += [tag for tag in tags if tag not in known.names]
    return list(chosen.values())


def _meant(paths: Paths, name: str) -> list[tuple[Image, list[str]]]:
    of_repository = _repository(paths, name)
    if of_repository:
        return of_repository
    image = find(paths, name)
    wanted = None if image.id.startswith(name.removeprefix("sha256:")) else parse(name).with_default_tag()
    return [(image, [str(wanted)] if wanted and wanted.tag else [])]


def _repository(paths: Paths, name: str) -> list[tuple[Image, list[str]]]:
    """Return the images of a repository with their names in it, if the text names a repository and no tag."""
    if name.startswith("sha256:") or len(name) == 64:
        return []
    reference = parse(name)
    if reference.tag or reference.digest:
        return []
    every = [(image, [tag for tag in image.tags if parse(tag).repository == reference.repository]) for image in all_images(paths)]
    return [(image, tags) for image, tags in every if tags]


class WriteArchive(Step):
    """Write images to a stream as an archive."""

    paths: Paths
    images: list[Selected]
    target: str  # what describe() calls the stream
    stream: Callable[[], BinaryIO]  # returns the stream

    def apply(self) -> None:
        save(ImageLayout(self.paths.images), self.images, self.stream())

    def describe(self) -> str:
        names = [", ".join(image.names) or image.entry["digest"] for image in self.images]
        return f"write {'; '.join(names)} with all layers to {self.target}"
