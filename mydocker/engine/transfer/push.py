"""`push`: an image is sent to a registry. First its blobs go, side by side, and then its manifest under a tag."""

from __future__ import annotations

from mydocker import leanjson
from mydocker.engine.catalog.images import all_images, find
from mydocker.engine.record import events
from mydocker.engine.transfer.repository import first_answer
from mydocker.engine.transfer.workers import Workers
from mydocker.errors import NotFound
from mydocker.explaining import ByWorker
from mydocker.images import index
from mydocker.images.frames import taken
from mydocker.images.layout import ImageLayout
from mydocker.images.manifests import Manifest
from mydocker.images.naming import NameImage
from mydocker.images.reference import parse
from mydocker.images.staging import Staging
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.catalog.images import Image
    from mydocker.engine.transfer.repository import Keys
    from mydocker.engine.transfer.workers import Job
    from mydocker.images.documents import Descriptor
    from mydocker.images.reference import Reference
    from mydocker.images.registry import Repository
    from mydocker.paths import Paths
    from mydocker.steps.base import Run

    # Is told of a blob: its position (the config is the last), and 'Preparing', 'Pushed', 'Layer already exists' or 'Mounted from PATH'.
    Observer = Callable[[int, str], None]

# As docker's max-concurrent-uploads.
_MOST = 5


def own_tags(paths: Paths, reference: Reference) -> list[Reference]:
    """Return the names that images here have in a repository, by their tags. Raises NotFound if there is none."""
    names = [parse(name) for image in all_images(paths) for name in image.tags]
    found = sorted((name for name in names if name.repository == reference.repository), key=lambda name: name.tag)
    if not found:
        raise NotFound(f"an image does not exist locally with the tag: {reference.familiar}")
    return found


class Pushed:
    """The result of a push: the digest of the manifest, and its size in bytes."""

    __slots__ = ("digest", "size")

    def __init__(self, descriptor: Descriptor) -> None:
        self.digest: str = descriptor["digest"]
        self.size: int = descriptor["size"]


class SendBlob(Step, ByWorker):
    """Store one blob in a repository unless it is there. Others go at the same time."""

    repository: Repository
    descriptor: Descriptor
    workers: Workers
    position: int  # the number of the blob's job among the workers
    observer: Observer
    result: str = ""  # what happened, in docker's words, or '' before that
    sent: Descriptor | None = None  # of what was stored: of a layer whose blob was let go, that may be another one

    def apply(self) -> None:
        self.result, self.sent = self.workers.wait(self.position)
        self.observer(self.position, self.result)

    def worked(self) -> tuple[int, float, float]:
        return self.workers.worked[self.position]

    def describe(self) -> str:
        done = f": {self.result.lower()}" if self.result else ""
        return f"send blob {self.descriptor['digest']} ({self.descriptor['size']} bytes) to {self.repository.url}/blobs{done}"


class SendManifest(Step):
    """Store a manifest in a repository under a tag. From then on the image can be pulled."""

    repository: Repository
    manifest: Manifest
    tag: str
    blobs: list[SendBlob]  # the steps that send its blobs; the config's is the last

    def apply(self) -> None:
        layers = [step.sent for step in self.blobs[:-1] if step.sent]
        if layers != self.manifest.layers:
            document = {**leanjson.loads(self.manifest.data.decode()), "layers": layers}
            self.manifest = Manifest(leanjson.dumps(document).encode(), self.tag)
        self.repository.put_manifest(self.tag, self.manifest.data, self.manifest.descriptor["mediaType"])

    def describe(self) -> str:
        return f"PUT {self.repository.url}/manifests/{quote(self.tag)}: {self.manifest.descriptor['digest']}"


def push(paths: Paths, reference: Reference, observer: Callable[[Image], Observer], run: Run, keyring: Keys | None = None) -> Pushed:
    """Send the image of a name to the repository of that name. observer: returns the observer of an image's blobs.

    keyring: where credentials are found, None for docker's config.json.

    Raises NotFound, Denied, Unreachable, Damaged.
    """
    layout = ImageLayout(paths.images)
    image = find(paths, str(reference))
    manifest = Manifest(layout.read(image.entry), str(reference))
    path, actions = reference.path, "pull,push"
    repository, _ = first_answer(paths, reference.domain, path, actions, lambda repository: repository.ping(), keyring=keyring)
    blobs = [*manifest.layers, manifest.config]
    diff_ids = [*image.diff_ids, ""]
    with Staging(layout) as staging:
        relatives = _relatives(image, reference)
        jobs = [_job(staging, repository, *each, relatives) for each in zip(blobs, diff_ids, strict=True)]
        told = observer(image)
        with Workers(jobs, _MOST, lambda position, report: told(position, "Preparing") if report is None else None) as workers:
            steps = [SendBlob(repository, blob, workers, position, told) for position, blob in enumerate(blobs)]
            staging.begin()
            last = SendManifest(repository, manifest, reference.tag, steps)
            run.execute([*steps, last])
    if last.manifest is not manifest:
        # The registry knows the image by another digest now.
        entry = index.known_as(image.entry, last.manifest.descriptor["digest"])
        run.apply(NameImage(layout, entry, reference))
    if run.done:
        events.emit(paths, "image", "push", str(reference), {"name": reference.familiar})
    return Pushed(last.manifest.descriptor)


def _relatives(image: Image, reference: Reference) -> list[str]:
    """Return the paths of other repositories of the same registry in which this image has a name. They may have its layers."""
    names = [parse(name) for name in image.names]
    return sorted({name.path for name in names if name.domain == reference.domain and name.path != reference.path})


def _job(staging: Staging, repository: Repository, descriptor: Descriptor, diff_id: str, relatives: list[str]) -> Job:
    return lambda report: _send(staging, repository, descriptor, diff_id, relatives)


def _send(staging: Staging, repository: Repository, descriptor: Descriptor, diff_id: str, relatives: list[str]) -> tuple[str, Descriptor]:
    """Bring a blob into a repository, and return in docker's words how it came there, and which one it is. This runs in a child process.

    diff_id: of a layer, '' for the config
    """
    digest = descriptor["digest"]
    if repository.has_blob(digest):
        return "Layer already exists", descriptor
    for path in relatives:
        if repository.mount(digest, path):
            return f"Mounted from {path}", descriptor
    # Staging has a link of our own to the blob, so an image that is removed meanwhile is sent all the same.
    if not staging.take(digest) and diff_id:
        descriptor = taken(staging.layout, staging, descriptor, diff_id)
        if repository.has_blob(descriptor["digest"]):
            return "Layer already exists", descriptor
    with open(staging.path(descriptor["digest"]), "rb") as content:
        repository.upload(descriptor, content)
    return "Pushed", descriptor
