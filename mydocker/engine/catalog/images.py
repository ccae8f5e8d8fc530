"""From a name to an image, and from an image to unpacked layers: the part of images that every start goes through.

Kept light: a start reads index.json, one manifest and one config, each verified, and imports nothing heavy.

Who may remove what: layers that neither an image nor a container's record names are removed by imagestore.RemoveLayers,
under the lock of ROOT/layers. So a container's record, with its layers in it, is written *before* ensure_layers().
"""

from __future__ import annotations

from mydocker.errors import Conflict, Damaged, NoImage
from mydocker.images import index
from mydocker.images.config import chain_ids
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import is_id, parse
from mydocker.steps.base import Step
from mydocker.store import Lock, make_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.images.config import ImageConfig, ImageDocument
    from mydocker.images.documents import Descriptor
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths
    from mydocker.steps.base import Run
    from mydocker.storage.base import StorageDriver


PULL_HINT = "a registry may have it: mydocker pull"
LIST_HINT = "mydocker images --no-trunc --digests shows what there is"


class Image:
    """An image of the layout.

    id: hexadecimal digest of the config. document: the whole OCI configuration. entry: a descriptor of it in index.json.
    layers: descriptors, lowest first. chain_ids: topmost first, as record['layers'] and the storage drivers want them.
    names: as users see them, 'busybox:latest'; repo_digests: 'busybox@sha256:…'. sizes: the layers' bytes, uncompressed
    (compressed where nobody noted the other).
    """

    __slots__ = ("chain_ids", "diff_ids", "document", "entry", "id", "layers", "names", "repo_digests", "sizes")

    def __init__(self, layout: ImageLayout, entries: list[Descriptor], entry: Descriptor) -> None:
        manifest = layout.manifest(entry)
        self.entry = entry
        self.id = manifest["config"]["digest"].removeprefix("sha256:")
        self.document: ImageDocument = layout.configuration(manifest["config"])
        self.layers = manifest["layers"]
        self.diff_ids = self.document["rootfs"]["diff_ids"]
        if len(self.diff_ids) != len(self.layers):
            raise Damaged(f"image {self.id[:12]} has {len(self.layers)} layers and {len(self.diff_ids)} diff ids")
        self.chain_ids = chain_ids(self.diff_ids)
        named = [(parse(name), e) for e in entries if e["digest"] == self.manifest and (name := index.name_of(e))]
        self.names = [str(name) for name, _ in named]
        self.repo_digests = sorted({f"{name.familiar}@{index.repo_digest(e)}" for name, e in named})
        noted = index.sizes(entry)
        self.sizes = noted if len(noted) == len(self.layers) else [layer["size"] for layer in self.layers]

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(self.sizes)

    @property
    def manifest(self) -> str:
        """The manifest's digest, 'sha256:HEX'."""
        return self.entry["digest"]

    @property
    def is_cache(self) -> bool:
        """Whether it is a step of a build, kept for the next one, and not an image that anybody asked for."""
        return not self.names and index.is_cache(self.entry)

    @property
    def tags(self) -> list[str]:
        """Those of its names that have a tag; the others are a repository with a digest."""
        return [name for name in self.names if parse(name).tag]

    @property
    def config(self) -> ImageConfig:
        """The config object: Env, Cmd, Entrypoint, …; docker's keys."""
        return self.document["config"]

    @property
    def created(self) -> str:
        """RFC 3339, empty when the image does not say."""
        return self.document.get("created", "")


def find(paths: Paths, name: str) -> Image:
    """Return the image that a name, NAME@DIGEST, id or unique id prefix means. Raises NotFound, BadInput, Damaged.

    As docker: a whole id is an id, anything else a name first and then the beginning of an id.
    """
    layout = ImageLayout(paths.images)
    return layout.consistent(lambda entries: _found(layout, entries, name))


def _found(layout: ImageLayout, entries: list[Descriptor], name: str) -> Image:
    digits = name.removeprefix("sha256:")
    if is_id(digits) or name.startswith("sha256:"):
        return _by_id(layout, entries, digits, name)
    entry = by_name(entries, parse(name).with_default_tag())
    return _image(layout, entries, entry) if entry else _by_id(layout, entries, name, name)


def _image(layout: ImageLayout, entries: list[Descriptor], entry: Descriptor) -> Image:
    try:
        return Image(layout, entries, entry)
    except Damaged as error:
        name = index.name_of(entry)
        shown = str(parse(name)) if name else entry["digest"]
        raise Damaged(f"image {shown}: {error.message}", f"remove it: mydocker rmi -f {shown}") from error


def by_name(entries: list[Descriptor], reference: Reference) -> Descriptor | None:
    """Return the descriptor that a name, or a digest in a repository, means."""
    if reference.digest:
        matches = (e for e in entries if reference.digest in (e["digest"], index.repo_digest(e)))
        return next((e for e in matches if _repository(e) in (None, reference.repository)), None)
    return next((e for e in entries if index.name_of(e) == reference.canonical), None)


def _repository(entry: Descriptor) -> str | None:
    name = index.name_of(entry)
    return parse(name).repository if name else None


def all_images(paths: Paths) -> list[Image]:
    """Return every image once, in the order of the index."""
    layout = ImageLayout(paths.images)
    return layout.consistent(lambda entries: _every(layout, entries))


def _every(layout: ImageLayout, entries: list[Descriptor]) -> list[Image]:
    unique = {entry["digest"]: entry for entry in reversed(entries)}
    return [_image(layout, entries, entry) for entry in reversed(unique.values())]


def _by_id(layout: ImageLayout, entries: list[Descriptor], prefix: str, name: str) -> Image:
    """Return the image whose id, or whose manifest's digest if that is whole, begins so."""
    matches: dict[str, Image] = {}
    for entry in entries if _may_be_id(prefix) else []:
        image = _image(layout, entries, entry)
        if image.id.startswith(prefix) or image.manifest == f"sha256:{prefix}":
            matches.setdefault(image.id, image)
    if not matches:
        raise missing(name)
    if len(matches) > 1:
        raise Conflict(f"{name!r} is the beginning of {len(matches)} image ids", "give more of its digits")
    return next(iter(matches.values()))


def _may_be_id(prefix: str) -> bool:
    return bool(prefix) and all(c in "0123456789abcdef" for c in prefix)


def missing(name: str) -> NoImage:
    """Return the error for an image that is not there, with the way to get it."""
    if is_id(name) or "sha256:" in name:
        return NoImage(f"no such image: {name}", LIST_HINT)
    shown = parse(name).with_default_tag()
    return NoImage(f"no such image: {shown}", f"{PULL_HINT} {shown}")


class UnpackLayer(Step):
    """Unpack one stored layer with a storage driver, verified, unless it has it already."""

    driver: StorageDriver
    layout: ImageLayout
    image: Image
    position: int  # from the lowest, 0

    def apply(self) -> None:
        from mydocker.images.layers import StoredLayer

        chain_id, *parents = self.image.chain_ids[-1 - self.position :]
        with StoredLayer(self.layout, self._descriptor(), self.image.diff_ids[self.position]) as layer:
            # Whoever had the blob's lock before may have done the work.
            if not self.driver.has(chain_id):
                self.driver.apply(chain_id, parents, layer.as_binary())

    def _descriptor(self) -> Descriptor:
        return self.image.layers[self.position]

    def describe(self) -> str:
        chain_id = self.image.chain_ids[-1 - self.position]
        return f"unpack layer {self._descriptor()['digest']} to {self.driver.layer(chain_id)}"


def ensure_layers(paths: Paths, driver: StorageDriver, image: Image, run: Run) -> None:
    """Unpack the layers of an image that a storage driver has not got yet, lowest first. Raises Damaged.

    The record that names them must be on disk already, or a concurrent removal may take them away again.
    """
    make_private(paths.layers)
    with Lock(layers_lock(paths), shared=True):
        lowest_first = list(enumerate(reversed(image.chain_ids)))
        wanting = [position for position, chain_id in lowest_first if not driver.has(chain_id)]
    layout = ImageLayout(paths.images)
    run.execute(UnpackLayer(driver, layout, image, position) for position in wanting)


def layers_lock(paths: Paths) -> str:
    """Return the file whose flock guards ROOT/layers: shared to look what is there, exclusive to remove."""
    return paths.layers + "/lock"
