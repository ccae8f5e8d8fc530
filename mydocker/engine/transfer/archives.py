"""save and load: images as archives, and archives as images."""

from __future__ import annotations

from typing import BinaryIO, NoReturn

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

    from mydocker.engine.transfer.arrivals import Observer
    from mydocker.images.documents import Descriptor, Platform
    from mydocker.paths import Paths
    from mydocker.steps.base import Run
    from mydocker.storage.base import StorageDriver


class ReadArchive(Step):
    """Store an archive's files in staging, as blobs."""

    archive: Archive
    stream: BufferedReader

    def apply(self) -> None:
        self.archive.read(self.stream)

    def describe(self) -> str:
        return f"store the files of {self.archive.name} as blobs in {quote(self.archive.staging.layout.directory + '/staging')}"


class Loading(Value):
    """What load is told. platform: of images for several; max_size: see Arrival; observer: returns one for each image."""

    platform: Platform
    max_size: int | None
    observer: Callable[[Found], Observer]


def load(paths: Paths, driver: StorageDriver, name: str, stream: BufferedReader, options: Loading, run: Run) -> list[tuple[str, list[str]]]:
    """Bring in every image of an archive; return their ids and names. A dry run only tells that the archive is read. Raises Damaged."""
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
            run.execute([*arrival.fetch_steps(), *arrival.store_steps(image.names[0] if image.names else None)])
    entry = next((entry for entry in layout.entries() if entry["digest"] == digest), None)
    if entry is None:
        raise Conflict(f"image {digest} was removed meanwhile")
    run.execute(NameImage(layout, entry, reference) for reference in image.names)
    names = [str(reference) for reference in image.names]
    config = image.manifest.config["digest"]
    events.emit(paths, "image", "load", config, {"name": names[0]} if names else {})
    return config.removeprefix("sha256:"), names


def _stored(paths: Paths, image: Found) -> str:
    """Return the manifest of a stored image with this config, which is as good as one made for an archive without a manifest."""
    same = (stored for stored in all_images(paths) if f"sha256:{stored.id}" == image.manifest.config["digest"])
    return next((stored.manifest for stored in same), "") if image.made else ""


def _arrival(paths: Paths, driver: StorageDriver, layout: ImageLayout, image: Found, name: str, options: Loading) -> Arrival:
    def missing(descriptor: Descriptor) -> NoReturn:
        raise Damaged(f"{name}: blob {descriptor['digest']} is missing")

    # The blobs are in staging already, where an arrival looks first.
    source = Source(words=name, open=missing)
    return Arrival(paths, driver, layout, image.manifest, image.config, source, options.observer(image), options.max_size)


def selected(paths: Paths, names: Sequence[str]) -> list[Selected]:
    """Return the images that names mean, each once with all the names it is to be saved under. Raises NotFound.

    As docker: a repository without a tag means all of its tags, an id no name.
    """
    chosen: dict[str, Selected] = {}
    for name in names:
        for image, tags in _meant(paths, name):
            known = chosen.setdefault(image.manifest, Selected(entry=image.entry, names=[]))
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
    """Return the images of a repository, with their tags in it."""
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
    target: str
    stream: Callable[[], BinaryIO]

    def apply(self) -> None:
        save(ImageLayout(self.paths.images), self.images, self.stream())

    def describe(self) -> str:
        names = [", ".join(image.names) or image.entry["digest"] for image in self.images]
        return f"write {'; '.join(names)} with all layers to {self.target}"
