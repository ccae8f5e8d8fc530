"""Reading the documents of caches elsewhere (--cache-from): directories, repositories of registries, images. elsewhere.py draws them."""

from __future__ import annotations

from typing import cast

from mydocker.engine.build.elsewhere import Caches, Kept, of_layout
from mydocker.engine.build.platforms import is_here
from mydocker.engine.catalog import images
from mydocker.errors import Error, NotFound
from mydocker.images import config, index, manifests
from mydocker.images.layout import ImageLayout
from mydocker.images.manifests import Manifest
from mydocker.images.reference import parse
from mydocker.steps.base import Action, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, BinaryIO

    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.wantedcaches import CacheFrom
    from mydocker.steps.base import Step


def reading(how: Building) -> list[Step]:
    """Return the steps that read the documents of the caches that a build wants."""
    return [Action(lambda each=each: _read(how, each), f"read the cache {quote(each.words)}") for each in how.wanted_caches]  # type: ignore[misc]


def _read(how: Building, wanted: CacheFrom) -> None:
    """Read a cache. One that cannot be read is told of, and is none."""
    try:
        kept = list(_found(how, wanted))
        if not kept:
            raise NotFound("no build of mydocker's has left its keys there")
        how.caches = Caches([*(how.caches.found if how.caches else ()), *kept], how.paths, how.run)
    except Error as error:
        how.tell.line(f"[Warning] the cache {wanted.words} is not used: {error.message}")
    except OSError as error:
        how.tell.line(f"[Warning] the cache {wanted.words} is not used: {error.filename}: {error.strerror}")


def _found(how: Building, wanted: CacheFrom) -> Iterator[Kept]:
    if wanted.directory:
        return _in_directory(wanted)
    if not wanted.is_remote and is_here(how.paths, wanted.reference, ""):
        return _here(how, images.find(how.paths, wanted.reference), wanted)
    return _in_registry(how, wanted)


def _in_directory(wanted: CacheFrom) -> Iterator[Kept]:
    layout = ImageLayout(wanted.directory)
    entries = layout.entries()
    if not entries:
        raise NotFound(f"{wanted.directory}: there is no index.json that lists anything")
    for entry in entries:
        notes = entry.get("annotations", {})
        if index.STEPS in notes:
            manifest = Manifest(layout.read(entry), f"{wanted.words}: {entry['digest']}")
            yield Kept(wanted.words, manifest, layout.read(manifest.config), of_layout(layout), notes)


def _in_registry(how: Building, wanted: CacheFrom) -> Iterator[Kept]:
    from mydocker.engine.transfer.repository import first_answer
    from mydocker.images.download import Download

    reference = parse(wanted.reference).with_default_tag()
    tag = reference.digest or reference.tag
    repository, (data, _) = first_answer(how.paths, reference.domain, reference.path, "pull", lambda each: each.manifest(tag))

    def kept(manifest: Manifest, notes: Mapping[str, Any] | None) -> Iterator[Kept]:
        content = repository.document(manifest.config)
        own = notes if notes is not None else _marks(content, wanted.words)
        if index.STEPS in own:
            yield Kept(wanted.words, manifest, content, lambda descriptor: cast("BinaryIO", Download(repository, descriptor)), own)

    listed = manifests.read_index(data, wanted.words)
    entries = [entry for entry in listed["manifests"] if index.STEPS in entry.get("annotations", {})] if listed else []
    for entry in entries:
        yield from kept(Manifest(repository.manifest(entry["digest"])[0], wanted.words), entry.get("annotations", {}))
    if listed and not entries:
        platform = config.platform_fields(how.platform or config.host_platform())
        data = repository.manifest(manifests.choose(listed, platform, wanted.words)["digest"])[0]
    if not entries:
        yield from kept(Manifest(data, wanted.words), None)


def _here(how: Building, image: images.Image, wanted: CacheFrom) -> Iterator[Kept]:
    layout = ImageLayout(how.paths.images)
    manifest = Manifest(layout.read(image.entry), wanted.words)
    data = layout.read(manifest.config)
    marks = _marks(data, wanted.words)
    if index.STEPS in marks:
        yield Kept(wanted.words, manifest, data, None, {**marks, index.SIZES: ",".join(map(str, image.sizes))})


def _marks(data: bytes, name: str) -> dict[str, Any]:
    """Return what a configuration says of the build that made it (type=inline)."""
    document = cast("dict[str, Any]", config.image_document(data, name))
    return {each: value for each, value in document.items() if each.startswith("mydocker.") and isinstance(value, str)}
