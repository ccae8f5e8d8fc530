"""Finding an image by its name and unpacking its layers: the part of images that every start goes through.

It is kept light. A start reads index.json, one manifest and one configuration, verifies each, and imports nothing heavy.

Layers that neither an image nor a container's record names are removed by RemoveLayers (verbs.py), under the lock of ROOT/layers. So a
container's record, which names its layers, is written *before* ensure_layers() is called.
"""

from __future__ import annotations

from mydocker.errors import Conflict, Damaged, NoImage
from mydocker.images import index
from mydocker.images.config import chain_ids, platform_fields, platform_of
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import is_id, parse
from mydocker.steps.base import Step
from mydocker.store import Lock, make_private
from mydocker.value import Value

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
# {a manifest's digest: the id of its image}, which a digest says for ever. A client of the API asks for many images on one connection.
_IDS: dict[str, str] = {}


class Image:
    """An image of the layout."""

    __slots__ = ("chain_ids", "diff_ids", "document", "entry", "id", "layers", "names", "repo_digests", "sizes", "tagged")

    def __init__(self, layout: ImageLayout, entries: list[Descriptor], entry: Descriptor) -> None:
        manifest = layout.manifest(entry)
        self.entry = entry  # a descriptor of the image in index.json
        self.id = manifest["config"]["digest"].removeprefix("sha256:")  # the hexadecimal digest of the configuration
        self.document: ImageDocument = layout.configuration(manifest["config"])
        self.layers = manifest["layers"]  # descriptors, lowest first
        self.diff_ids = self.document["rootfs"]["diff_ids"]  # lowest first
        if len(self.diff_ids) != len(self.layers):
            raise Damaged(f"image {self.id[:12]} has {len(self.layers)} layers and {len(self.diff_ids)} diff ids")
        self.chain_ids = chain_ids(self.diff_ids)  # topmost first, as record['layers'] and the storage drivers have them
        named = [(parse(name), e) for e in entries if e["digest"] == self.manifest and (name := index.name_of(e))]
        self.names = [str(name) for name, _ in named]  # as users see them, such as 'busybox:latest'
        # Such as 'busybox@sha256:…'.
        self.repo_digests = sorted({f"{name.familiar}@{index.repo_digest(e)}" for name, e in named})
        # When it got the last of its names, in RFC 3339; '' if nobody noted it.
        self.tagged = max((index.tagged(e) for _, e in named), default="")
        noted = index.sizes(entry)
        # The bytes of each layer, uncompressed. Where nobody noted these, compressed.
        self.sizes = noted if len(noted) == len(self.layers) else [layer["size"] for layer in self.layers]

    @property
    def size(self) -> int:
        """The bytes of all layers."""
        return sum(self.sizes)

    @property
    def manifest(self) -> str:
        """The manifest's digest, 'sha256:HEX'."""
        return self.entry["digest"]

    @property
    def is_cache(self) -> bool:
        """Whether the image is only kept from a step of a build for the next build, and nobody has asked for it."""
        return not self.names and index.is_cache(self.entry)

    @property
    def parent(self) -> str:
        """The id of the image that it was made of here, which may be gone; '' for an image from elsewhere."""
        return index.parent(self.entry)

    @property
    def tags(self) -> list[str]:
        """The names that have a tag. The others are a repository with a digest."""
        return [name for name in self.names if parse(name).tag]

    @property
    def config(self) -> ImageConfig:
        """What a container of the image runs: Env, Cmd, Entrypoint and so on, under docker's names."""
        return self.document["config"]

    @property
    def created(self) -> str:
        """When the image was made, in RFC 3339, or '' if it does not say."""
        return self.document.get("created", "")


def find(paths: Paths, name: str, fewest_digits: int = 1, platform: str = "") -> Image:
    """Return the image that a name, a NAME@DIGEST, an id or a unique beginning of an id means.

    fewest_digits: how long a beginning of an id has to be.
    platform: 'OS/ARCH[/VARIANT]' that it has to be for, '' for any

    As in docker, a whole id is an id. Anything else is looked for first as a name, and then as the beginning of an id.
    Raises NoImage, Conflict if several ids begin so, BadInput or Damaged.
    """
    layout = ImageLayout(paths.images)
    wanted = platform_fields(platform) if platform else {}
    image = layout.consistent(lambda entries: _found(layout, entries, name, fewest_digits))
    own = platform_of(image.document)
    if not wanted.items() <= own.items():
        raise NoImage(f"no such image: {name} for {platform}: here it is for {own['os']}/{own['architecture']}")
    return image


def _found(layout: ImageLayout, entries: list[Descriptor], name: str, fewest_digits: int) -> Image:
    digits = name.removeprefix("sha256:")
    if is_id(digits) or name.startswith("sha256:"):
        return _by_id(layout, entries, digits, name)
    entry = by_name(entries, parse(name).with_default_tag())
    if not entry and len(name) < fewest_digits:
        raise missing(name)
    return _image(layout, entries, entry) if entry else _by_id(layout, entries, name, name)


def _image(layout: ImageLayout, entries: list[Descriptor], entry: Descriptor) -> Image:
    try:
        return Image(layout, entries, entry)
    except Damaged as error:
        name = index.name_of(entry)
        shown = str(parse(name)) if name else entry["digest"]
        raise Damaged(f"image {shown}: {error.message}", f"remove it: mydocker rmi -f {shown}") from error


def by_name(entries: list[Descriptor], reference: Reference) -> Descriptor | None:
    """Return the descriptor in index.json that a name, or a digest in a repository, means, or None."""
    if reference.digest:
        matches = (e for e in entries if reference.digest in (e["digest"], index.repo_digest(e)))
        return next((e for e in matches if _repository(e) in (None, reference.repository)), None)
    return next((e for e in entries if index.name_of(e) == reference.canonical), None)


def _repository(entry: Descriptor) -> str | None:
    name = index.name_of(entry)
    return parse(name).repository if name else None


class DamagedImage(Value):
    """An image whose manifest or configuration cannot be read: what index.json says of it, and the reason."""

    entry: Descriptor
    names: list[str]
    problem: Damaged

    @property
    def id(self) -> str:
        """The manifest's digest, as the configuration's may not be known."""
        return self.entry["digest"].removeprefix("sha256:")


def survey(paths: Paths) -> tuple[list[Image], list[DamagedImage]]:
    """Return every image once, in the order of the index, and those that are damaged. Raises Damaged when the index is."""
    layout = ImageLayout(paths.images)
    entries = layout.entries()
    unique = {entry["digest"]: entry for entry in reversed(entries)}
    found, damaged = [], []
    for entry in reversed(unique.values()):
        try:
            found.append(Image(layout, entries, entry))
        except Damaged as error:
            names = [str(parse(name)) for e in entries if e["digest"] == entry["digest"] and (name := index.name_of(e))]
            damaged.append(DamagedImage(entry=entry, names=names, problem=error))
    there = {entry["digest"] for entry in layout.entries()} if damaged else set()
    return found, [each for each in damaged if each.entry["digest"] in there]  # others were removed meanwhile


def all_images(paths: Paths) -> list[Image]:
    """Return every image that can be read; none where the index cannot be."""
    try:
        return survey(paths)[0]
    except Damaged:
        return []


def _by_id(layout: ImageLayout, entries: list[Descriptor], prefix: str, name: str) -> Image:
    """Return the image whose id begins with `prefix`, or whose manifest has this digest.

    name: what the user wrote, for the error.
    """
    matches: dict[str, Descriptor] = {}
    unique = {entry["digest"]: entry for entry in reversed(entries)} if _may_be_id(prefix) else {}
    for entry in reversed(unique.values()):
        digest = entry["digest"]
        try:
            image_id = _id_of(layout, entry)
        except Damaged:
            if digest.startswith(f"sha256:{prefix}"):
                return _image(layout, entries, entry)  # which tells the damage
            continue
        if image_id.startswith(prefix) or digest == f"sha256:{prefix}":
            matches.setdefault(image_id, entry)
    if not matches:
        raise missing(name)
    if len(matches) > 1:
        raise Conflict(f"{name!r} is the beginning of {len(matches)} image ids", "give more of its digits")
    return _image(layout, entries, next(iter(matches.values())))


def _id_of(layout: ImageLayout, entry: Descriptor) -> str:
    """Return the id of a descriptor's image. Raises Damaged."""
    digest = entry["digest"]
    if digest not in _IDS:
        _IDS[digest] = layout.manifest(entry)["config"]["digest"].removeprefix("sha256:")
    return _IDS[digest]


def _may_be_id(prefix: str) -> bool:
    return bool(prefix) and all(c in "0123456789abcdef" for c in prefix)


def missing(name: str) -> NoImage:
    """Return the error for an image that is not there, with a hint at how to get it."""
    if is_id(name) or "sha256:" in name:
        return NoImage(f"no such image: {name}", LIST_HINT)
    shown = parse(name).with_default_tag()
    return NoImage(f"no such image: {shown}", f"{PULL_HINT} {shown}")


class UnpackLayer(Step):
    """Verify and unpack one stored layer with a storage driver, unless the driver has it already."""

    driver: StorageDriver
    layout: ImageLayout
    image: Image
    position: int  # of the layer in the image; the lowest is 0

    def apply(self) -> None:
        from mydocker.images.frames import stored

        chain_id, *parents = self.image.chain_ids[-1 - self.position :]
        with stored(self.layout, self._descriptor(), self.image.diff_ids[self.position]) as layer:
            # Another process, which had the blob's lock before, may have unpacked it.
            if not self.driver.has(chain_id):
                self.driver.apply(chain_id, parents, layer.as_binary())

    def _descriptor(self) -> Descriptor:
        return self.image.layers[self.position]

    def describe(self) -> str:
        chain_id = self.image.chain_ids[-1 - self.position]
        return f"unpack layer {self._descriptor()['digest']} to {self.driver.layer(chain_id)}"


def ensure_layers(paths: Paths, driver: StorageDriver, image: Image, run: Run) -> None:
    """Unpack the layers of an image that a storage driver does not have yet, the lowest first. Raises Damaged.

    The record that names them must be on disk already. Otherwise another process may remove them again.
    """
    make_private(paths.layers)
    with Lock(layers_lock(paths), shared=True):
        lowest_first = list(enumerate(reversed(image.chain_ids)))
        wanting = [position for position, chain_id in lowest_first if not driver.has(chain_id)]
    layout = ImageLayout(paths.images)
    run.execute(UnpackLayer(driver, layout, image, position) for position in wanting)


def layers_lock(paths: Paths) -> str:
    """Return the file whose flock guards ROOT/layers. The lock is shared to look what is there, and exclusive to remove."""
    return paths.layers + "/lock"
