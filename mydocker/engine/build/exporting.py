"""Writing the cache of a build elsewhere (--cache-to), in the form that elsewhere.py draws.

A directory is an image layout. Blobs go there first, and then the index, in one transaction under the layout's lock; the entries that
others have in it stay. A registry gets blobs, manifests and then the index. So a cache that is there is whole, whenever a writer is killed.
"""

from __future__ import annotations

import io

from mydocker import leanjson
from mydocker.engine.build.wantedcaches import MAX
from mydocker.engine.catalog import images
from mydocker.errors import StepFailed
from mydocker.images import index
from mydocker.images.documents import CONFIG_TYPE, INDEX_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.frames import complete, taken
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import parse
from mydocker.images.staging import Staging, leftovers
from mydocker.steps.base import Action, quote
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.progress import Progress
    from mydocker.engine.build.result import Built
    from mydocker.engine.build.wantedcaches import CacheTo
    from mydocker.images.documents import Descriptor, ImageIndex, ImageManifest
    from mydocker.images.registry import Repository
    from mydocker.steps.base import Step

_CHUNK = 1 << 20


class _Member(Value):
    """An image of a cache, whose layers are in staging."""

    entry: Descriptor  # of its manifest, with what it is worth for a build
    manifest: bytes
    config: Descriptor
    content: bytes  # of the config
    layers: list[Descriptor]


def export(how: Building, built: Built, wanted: Sequence[CacheTo]) -> None:
    """Write the caches of a build that are wanted. Raises the first failure."""
    for each in wanted:
        if each.kind == "local":
            _to_directory(how, built, each)
        elif each.kind == "registry":
            _to_registry(how, built, each)


def _members(how: Building, built: Built, mode: str, staging: Staging) -> list[_Member]:
    """Return the images of a build's cache, and take their layers into staging."""
    made = [_of_image(how, built, staging)] if built.id else [_of_stage(how, built.progress, staging)]
    others = [progress for progress in built.others if progress.steps and progress.layers] if mode == MAX else []
    return made + [_of_stage(how, progress, staging) for progress in others]


def _of_image(how: Building, built: Built, staging: Staging) -> _Member:
    """Return the image that was built."""
    layout = staging.layout
    image = images.find(how.paths, f"sha256:{built.id}")
    entry, manifest = complete(layout, staging, image.entry)
    if entry["digest"] == image.entry["digest"]:
        data = layout.read(entry)
    else:
        with open(staging.path(entry["digest"]), "rb") as file:
            data = file.read()
    notes = {index.STEPS: ",".join(built.progress.steps), index.BUILT: built.progress.key, index.SIZES: ",".join(map(str, image.sizes))}
    described: Descriptor = {"mediaType": entry["mediaType"], "digest": entry["digest"], "size": entry["size"], "annotations": notes}
    described |= {"platform": entry["platform"]} if "platform" in entry else {}
    content = layout.read(manifest["config"])
    return _Member(entry=described, manifest=data, config=manifest["config"], content=content, layers=manifest["layers"])


def _of_stage(how: Building, progress: Progress, staging: Staging) -> _Member:
    """Return an image of a stage, of which none is kept here."""
    how.bring(progress)
    diff_ids = progress.document["rootfs"]["diff_ids"]
    layers = [taken(staging.layout, staging, *pair) for pair in zip(progress.layers, diff_ids, strict=True)]
    content = leanjson.dumps({**progress.document, "config": {}}).encode()
    config: Descriptor = {"mediaType": CONFIG_TYPE, "digest": sha256(content), "size": len(content)}
    document: ImageManifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers}
    data = leanjson.dumps(document).encode()
    notes = {index.STEPS: ",".join(progress.steps), index.SIZES: ",".join(map(str, progress.sizes))}
    entry: Descriptor = {"mediaType": MANIFEST_TYPE, "digest": sha256(data), "size": len(data), "annotations": notes}
    return _Member(entry=entry, manifest=data, config=config, content=content, layers=layers)


def _to_directory(how: Building, built: Built, wanted: CacheTo) -> None:
    target = ImageLayout(wanted.directory)
    try:
        with Staging(ImageLayout(how.paths.images)) as ours, Staging(target) as theirs:
            members = _members(how, built, wanted.mode, ours)
            theirs.begin()
            how.run.execute(_copying(member, ours, theirs) for member in members)
            publish = Action(
                lambda: _publish(theirs, members), f"publish the cache's blobs in {quote(wanted.directory)}, and its index.json"
            )
            how.run.apply(publish)
    except OSError as error:
        raise StepFailed(f"cannot write the cache {wanted.directory}: {error.strerror}", error.errno or 0) from error


def _copying(member: _Member, ours: Staging, theirs: Staging) -> Step:
    def copy() -> None:
        for layer in member.layers:
            _copy(ours, theirs, layer["digest"])
        theirs.put(member.content)
        theirs.put(member.manifest)

    return Action(copy, f"copy the blobs of image {member.entry['digest']} to {quote(theirs.directory)}")


def _publish(theirs: Staging, members: list[_Member]) -> None:
    """Have an image layout list a cache instead of the one that it had, and remove what it lists no more."""
    theirs.publish(lambda entries: [*(each for each in entries if not _is_of_cache(each)), *(each.entry for each in members)])
    leftovers(theirs.layout, remove=True)


def _is_of_cache(entry: Descriptor) -> bool:
    return index.STEPS in entry.get("annotations", {})


def _copy(ours: Staging, theirs: Staging, digest: str) -> None:
    """Copy a blob, unless the other layout has it. It is no hard link: who may write there could change our blob."""
    if theirs.take(digest):
        return
    writer = theirs.writer()
    with open(ours.path(digest), "rb") as file:
        while data := file.read(_CHUNK):
            writer.write(data)
    writer.finish(digest)


def _to_registry(how: Building, built: Built, wanted: CacheTo) -> None:
    from mydocker.engine.transfer.repository import first_answer  # imported here, because most caches are local

    name = parse(wanted.reference).with_default_tag()
    repository, _ = first_answer(how.paths, name.domain, name.path, "pull,push", lambda repository: repository.ping())
    with Staging(ImageLayout(how.paths.images)) as ours:
        members = _members(how, built, wanted.mode, ours)
        how.run.execute(_sending(member, ours, repository) for member in members)
    document: ImageIndex = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [member.entry for member in members]}
    data = leanjson.dumps(document).encode()
    url = f"{repository.url}/manifests/{quote(name.tag)}"
    how.run.apply(Action(lambda: repository.put_manifest(name.tag, data, INDEX_TYPE), f"PUT {url}: {sha256(data)}"))


def _sending(member: _Member, ours: Staging, repository: Repository) -> Step:
    def send() -> None:
        for layer in member.layers:
            _send(repository, ours, layer)
        if not repository.has_blob(member.config["digest"]):
            repository.upload(member.config, io.BytesIO(member.content))
        repository.put_manifest(member.entry["digest"], member.manifest, member.entry["mediaType"])

    return Action(send, f"send the blobs of image {member.entry['digest']} to {repository.url}/blobs, and its manifest")


def _send(repository: Repository, ours: Staging, layer: Descriptor) -> None:
    if not repository.has_blob(layer["digest"]):
        with open(ours.path(layer["digest"]), "rb") as content:
            repository.upload(layer, content)
