"""The names of images in index.json: pure functions on its list of descriptors.

Every name has a descriptor of its own, with these annotations. An image without a name has one descriptor without the first two.

    org.opencontainers.image.ref.name   busybox:latest                      skopeo, umoci and podman look here
    io.containerd.image.name            docker.io/library/busybox:latest    containerd and docker look here
    mydocker.sizes                      "4261376,1024"                      the bytes of each layer, uncompressed, the lowest first
    mydocker.build                      HEX                                 the image is cache of a build: the key of the step that left it
    mydocker.built                      HEX                                 the key of the whole build that made the image
    mydocker.passed                     "HEX,HEX"                           the keys of its instructions that left no layer, shortened
    mydocker.steps                      "HEX,HEX"                           the keys of a build's instructions, for which the last entries
                                                                            of the history stand; only in caches that are not in ROOT
    mydocker.parent                     HEX                                 the id of the image that a build or a commit made it of
    mydocker.digest                     sha256:HEX                          the digest that the registry has for the name, perhaps that
                                                                            of an index of platforms
    mydocker.tagged                     2026-12-01T10:00:00.000000Z         when the image got the name
"""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.images.reference import Reference, parse
from mydocker.images.times import is_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.images.documents import Descriptor

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
SIZES = "mydocker.sizes"
DIGEST = "mydocker.digest"
BUILD = "mydocker.build"
BUILT = "mydocker.built"
PASSED = "mydocker.passed"
STEPS = "mydocker.steps"
PARENT = "mydocker.parent"
TAGGED = "mydocker.tagged"


def _annotations(entry: Descriptor) -> dict[str, str]:
    return entry.get("annotations", {})


def name_of(entry: Descriptor) -> str | None:
    """Return the canonical name that a descriptor gives its image, or None if there is none or if it is not a valid reference."""
    annotations = _annotations(entry)
    name = annotations.get(CONTAINERD_NAME) or annotations.get(REF_NAME)
    try:
        return parse(name).with_default_tag().canonical if name else None
    except BadInput:
        return None


def sizes(entry: Descriptor) -> list[int]:
    """Return the bytes of an image's layers, uncompressed, the lowest first. The list is empty if nobody noted them."""
    texts = _annotations(entry).get(SIZES, "").split(",")
    return [int(text) for text in texts] if all(text.isascii() and text.isdigit() for text in texts) else []


def build_key(entry: Descriptor) -> str:
    """Return the key of the build or of the build's step that made an image, or '' if no build made it."""
    annotations = _annotations(entry)
    return annotations.get(BUILD) or annotations.get(BUILT) or ""


def passed(entry: Descriptor) -> list[str]:
    """Return the keys of a build's instructions that left no layer on the way to an image."""
    text = _annotations(entry).get(PASSED, "")
    return text.split(",") if text else []


def parent(entry: Descriptor) -> str:
    """Return the id of the image that an image was made of here, or '' if it came from elsewhere."""
    return _annotations(entry).get(PARENT, "")


def tagged(entry: Descriptor) -> str:
    """Return when an image got the name of a descriptor, in RFC 3339, or '' if nobody noted it."""
    text = _annotations(entry).get(TAGGED, "")
    return text if is_time(text) else ""


def is_cache(entry: Descriptor) -> bool:
    """Say whether an image is only the cache of a build's step, and has no name."""
    return BUILD in _annotations(entry) and name_of(entry) is None


def repo_digest(entry: Descriptor) -> str:
    """Return the digest by which a registry knows a descriptor's image: the digest of its index or of its manifest."""
    return _annotations(entry).get(DIGEST) or entry["digest"]


def known_as(entry: Descriptor, digest: str) -> Descriptor:
    """Return a copy of a descriptor whose image has this digest in a registry."""
    return {**entry, "annotations": {**_annotations(entry), DIGEST: digest}}


def named(entry: Descriptor, reference: Reference | None) -> Descriptor:
    """Return a copy of a descriptor that has this name, or none, instead of its own."""
    own = (REF_NAME, CONTAINERD_NAME, TAGGED, *(() if _same_repository(entry, reference) else (DIGEST,)))
    others = {k: v for k, v in _annotations(entry).items() if k not in own}
    names = {REF_NAME: str(reference), CONTAINERD_NAME: reference.canonical} if reference else {}
    copy = entry.copy()
    copy.pop("annotations", None)
    if names or others:
        copy["annotations"] = {**names, **others}
    return copy


def abroad(entry: Descriptor) -> Descriptor:
    """Return a copy of a descriptor without what mydocker notes there for itself: it means nothing elsewhere."""
    return {**entry, "annotations": {k: v for k, v in _annotations(entry).items() if not k.startswith("mydocker.")}}


def add(entries: list[Descriptor], entry: Descriptor, reference: Reference | None, moment: str = "") -> list[Descriptor]:
    """Return the descriptors after an image was given a name, or was added without one.

    moment: when that was, in RFC 3339; whoever has the name already keeps its own

    If another image had that name, it loses the name, and stays without a name if it had no other.
    """
    rest = [e for e in entries if e["digest"] != entry["digest"] or name_of(e)]
    if reference is None:
        return entries if len(rest) < len(entries) or _has(rest, entry["digest"]) else [*entries, named(entry, None)]
    given = named(entry, reference)
    if len(rest) == len(entries) and given in [named(e, reference) for e in rest if name_of(e) == reference.canonical]:
        return entries
    given["annotations"] |= {TAGGED: moment} if moment else {}
    return [*remove_name(rest, reference.canonical, keep=entry["digest"]), given]


def remove_name(entries: list[Descriptor], name: str, keep: str = "") -> list[Descriptor]:
    """Return the descriptors without a name. An image that had only this name stays without one, unless its digest is `keep`."""
    rest = [e for e in entries if name_of(e) != name]
    lost = [e for e in entries if name_of(e) == name and e["digest"] != keep and not _has(rest, e["digest"])]
    return rest + [named(e, None) for e in lost[:1]]


def remove_unnamed(entries: list[Descriptor], digest: str) -> list[Descriptor]:
    """Return the descriptors without the nameless one of this image."""
    return [e for e in entries if e["digest"] != digest or name_of(e)]


def _same_repository(entry: Descriptor, reference: Reference | None) -> bool:
    """Say whether the registry's digest for an image is also right for the new name: both names must be of one repository."""
    name = name_of(entry)
    return reference is None or name is None or parse(name).repository == reference.repository


def _has(entries: list[Descriptor], digest: str) -> bool:
    return any(e["digest"] == digest for e in entries)
