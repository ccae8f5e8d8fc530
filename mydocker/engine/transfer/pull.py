"""`pull`: an image is fetched from a registry."""

from __future__ import annotations

from typing import cast

from mydocker.engine.catalog.images import by_name
from mydocker.engine.record import events
from mydocker.engine.transfer.arrivals import Arrival, Source
from mydocker.engine.transfer.repository import first_answer
from mydocker.errors import NotFound
from mydocker.images import index, manifests
from mydocker.images.config import host_platform, platform_fields
from mydocker.images.download import Download
from mydocker.images.layout import ImageLayout
from mydocker.images.manifests import Manifest
from mydocker.images.reference import Reference
from mydocker.steps.base import Step
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from mydocker.engine.transfer.arrivals import Observer
    from mydocker.engine.transfer.repository import Keys
    from mydocker.images.config import ImageDocument
    from mydocker.images.documents import Descriptor
    from mydocker.images.registry import Repository
    from mydocker.paths import Paths
    from mydocker.steps.base import Run
    from mydocker.storage.base import StorageDriver


class Pulling(Value):
    """What `pull` is told."""

    platform: str  # such as 'linux/arm64', or '' for that of this machine
    max_size: int | None  # see Arrival
    observer: Callable[[list[Descriptor]], Observer]  # returns the observer of these layers
    keyring: Keys | None = None  # where credentials are found, None for docker's config.json
    keeps_blobs: bool = True  # see Arrival


class Pulled(Value):
    """The result of a pull."""

    digest: str  # the digest that the registry has for the name
    is_new: bool  # whether the name meant something else before, or nothing
    document: ImageDocument  # the image's configuration


class ReadManifest(Step):
    """Ask the registry what a name means. If it is an index, choose the manifest for the platform."""

    __slots__ = ("digest", "keyring", "manifest", "paths", "platform", "reference", "repository")

    def __init__(self, paths: Paths, reference: Reference, platform: str, keyring: Keys | None = None) -> None:
        self.paths = paths
        self.reference = reference
        self.keyring = keyring
        self.platform = platform_fields(platform or host_platform())
        self.repository: Repository | None = None
        self.manifest: Manifest | None = None
        self.digest = ""

    def apply(self) -> None:
        name, wanted = str(self.reference), self.reference.digest or self.reference.tag
        repository, (data, self.digest) = first_answer(
            self.paths,
            self.reference.domain,
            self.reference.path,
            "pull",
            lambda repository: repository.manifest(wanted),
            keyring=self.keyring,
        )
        several = manifests.read_index(data, name)
        if several:
            data, _ = repository.manifest(manifests.choose(several, self.platform, name)["digest"])
        self.repository, self.manifest = repository, Manifest(data, name)

    def describe(self) -> str:
        where = f"{self.repository.url}/manifests/" if self.repository else f"{self.reference.repository} "
        meaning = f": {self.digest}, for this platform {self.manifest.descriptor['digest']}" if self.manifest else ""
        return f"GET {where}{self.reference.digest or self.reference.tag}{meaning}"


def pull(paths: Paths, driver: StorageDriver, reference: Reference, options: Pulling, run: Run) -> Pulled:
    """Fetch and store the image that a name means. A reference with a digest gives the image the digest as its name.

    A dry run asks the registry what the name means, but fetches no layer.

    Raises NotFound, Denied, Unreachable, Damaged.
    """
    if reference.digest:
        reference = Reference(domain=reference.domain, path=reference.path, digest=reference.digest)
    asked = ReadManifest(paths, reference, options.platform, options.keyring)
    run.apply(asked)
    if not asked.manifest:
        asked.apply()
    manifest, repository = asked.manifest, asked.repository
    assert manifest and repository
    config = repository.document(manifest.config)
    layout = ImageLayout(paths.images)
    before = by_name(layout.entries(), reference)
    source = Source(words=repository.url, open=lambda descriptor: cast("BinaryIO", Download(repository, descriptor)))
    observer = options.observer(manifest.layers)
    with Arrival(paths, driver, layout, manifest, config, source, observer, options.max_size, options.keeps_blobs) as arrival:
        _check_platform(reference, arrival.document, options.platform)
        run.execute(arrival.fetch_steps())
        run.execute(arrival.store_steps(reference, asked.digest))
    if run.done:
        events.emit(paths, "image", "pull", str(reference), {"name": reference.familiar})
    return Pulled(digest=asked.digest, is_new=before is None or index.repo_digest(before) != asked.digest, document=arrival.document)


def _check_platform(reference: Reference, document: ImageDocument, wanted: str) -> None:
    """Raise NotFound if a platform was asked for and the image is for another one. An image without an index can be."""
    if not wanted:
        return
    fields = platform_fields(wanted)
    if (document.get("os"), document.get("architecture")) != (fields["os"], fields["architecture"]):
        found = f"{document.get('os')}/{document.get('architecture')}"
        raise NotFound(f"image {reference} does not match the specified platform: wanted {wanted}, there is {found}")


def tags(paths: Paths, reference: Reference, keyring: Keys | None = None) -> list[str]:
    """Return all tags of a repository."""
    return first_answer(paths, reference.domain, reference.path, "pull", lambda repository: repository.tags(), keyring=keyring)[1]
