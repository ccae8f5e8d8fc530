"""What --cache-from and --cache-to say."""

from __future__ import annotations

import os

from mydocker.errors import BadInput
from mydocker.images.reference import parse
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MIN, MAX = "min", "max"
# {type: the keys that it has besides it, of which the first must be there}
_FROM: dict[str, tuple[str, ...]] = {"local": ("src",), "registry": ("ref",)}
_TO: dict[str, tuple[str, ...]] = {"local": ("dest", "mode"), "registry": ("ref", "mode"), "inline": ()}


class CacheFrom(Value):
    """A cache that is read."""

    words: str  # what the user wrote
    directory: str = ""  # of an image layout
    reference: str = ""  # or the name of an image, or of a cache in a registry
    is_remote: bool = False  # whether only the registry is asked, and not the images here


class CacheTo(Value):
    """A cache that is written."""

    words: str  # what the user wrote
    kind: str  # local, registry or inline
    directory: str = ""
    reference: str = ""
    mode: str = MIN  # MIN: the stage that is built; MAX: every stage


def cache_from(text: str) -> CacheFrom:
    """Return what a --cache-from says. Raises BadInput."""
    if "=" not in text:
        return CacheFrom(words=text, reference=_named(text, "--cache-from", text))
    given = _given("--cache-from", text, _FROM)
    if given["type"] == "registry":
        return CacheFrom(words=given["ref"], reference=_named(text, "--cache-from", given["ref"]), is_remote=True)
    return CacheFrom(words=given["src"], directory=os.path.abspath(given["src"]))


def cache_to(text: str) -> CacheTo:
    """Return what a --cache-to says. Raises BadInput."""
    given = _given("--cache-to", text if "=" in text else f"type=registry,ref={text}", _TO)
    kind, mode = given["type"], given.get("mode", MIN)
    if mode not in (MIN, MAX):
        raise BadInput(f"invalid --cache-to {text!r}: mode is {MIN} or {MAX}, not {mode!r}")
    if kind == "registry":
        return CacheTo(words=given["ref"], kind=kind, reference=_named(text, "--cache-to", given["ref"]), mode=mode)
    directory = os.path.abspath(given["dest"]) if kind == "local" else ""
    if directory and os.path.exists(directory) and not os.path.isdir(directory):
        raise BadInput(f"invalid --cache-to {text!r}: {given['dest']!r} is no directory")
    return CacheTo(words=directory, kind=kind, directory=directory, mode=mode)


def _given(flag: str, text: str, kinds: dict[str, tuple[str, ...]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in text.split(","):
        key, _, value = word.partition("=")
        if not value or key in given:
            raise BadInput(f"invalid {flag} {text!r}: expected KEY=VALUE once for each key, not {word!r}")
        given[key] = value
    kind = given.get("type", "")
    if kind not in kinds:
        raise BadInput(f"invalid {flag} {text!r}: a cache of type {kind!r} is not supported: expected {', '.join(kinds)}")
    known = kinds[kind]
    for key in sorted(set(given) - {"type", *known}):
        raise BadInput(f"invalid {flag} {text!r}: {key!r} does not go with type {kind}: expected {', '.join(known) or 'nothing more'}")
    if known and known[0] not in given:
        raise BadInput(f"invalid {flag} {text!r}: expected {known[0]}=")
    return given


def _named(text: str, flag: str, name: str) -> str:
    try:
        reference = parse(name)
    except BadInput as error:
        raise BadInput(f"invalid {flag} {text!r}: {error.message}", error.hint) from error
    if flag == "--cache-to" and reference.digest:
        raise BadInput(f"invalid {flag} {text!r}: expected a tag and no digest")
    return name


def parsed(sources: Sequence[str], targets: Sequence[str]) -> tuple[list[CacheFrom], list[CacheTo]]:
    """Return what all of them say. Raises BadInput."""
    return [cache_from(text) for text in sources], [cache_to(text) for text in targets]
