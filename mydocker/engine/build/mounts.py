"""RUN --mount: the words of one mount, read and checked. What they lead to is made in showing.py.

Source: the Dockerfile reference 1.7, "RUN --mount".
"""

from __future__ import annotations

from posixpath import basename, join

from mydocker.engine.request import values
from mydocker.errors import BadInput
from mydocker.images.words import expand
from mydocker.runtime.destinations import normalised
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite"}
_KEYS = {
    "bind": {"target", "source", "from", "readonly", "readwrite"},
    "cache": {"id", "target", "source", "from", "readonly", "readwrite", "sharing", "mode", "uid", "gid"},
    "tmpfs": {"target", "size", "readonly", "readwrite"},
    "secret": {"id", "target", "source", "readonly", "required", "mode", "uid", "gid", "env"},
    "ssh": {"id", "target", "source", "readonly", "required", "mode", "uid", "gid"},
}
_TRUTHS = {"readonly", "readwrite", "required"}
_TRUE, _FALSE = ("", "1", "t", "true"), ("0", "f", "false")
_SHARING = ("shared", "private", "locked")
_MOST_ID = 2**32 - 2
SECRETS = "/run/secrets"
AGENTS = "/run/buildkit/ssh_agent"


class RunMount(Value):
    """One --mount of a RUN."""

    kind: str  # bind, cache, tmpfs, secret or ssh
    target: str  # an absolute path in the container, '' for a secret that is only a variable, and for an agent with the usual place
    source: str = ""  # a path in what it shows, '' for all of it
    origin: str = ""  # the stage, image or context that `from` names, '' for the build's context
    id: str = ""  # of a cache, a secret or an agent
    read_only: bool = False
    sharing: str = "shared"  # of a cache
    size: int | None = None  # of a tmpfs, in bytes
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    required: bool = False
    env: str = ""  # the variable that a secret becomes


def fields(text: str) -> dict[str, str]:
    """Return the KEY=VALUE of a --mount by the longest of their names. Raises BadInput. A flag without a value has ''."""
    import csv

    try:
        words = next(csv.reader([text], strict=True))
    except (StopIteration, csv.Error) as error:
        raise BadInput(f"invalid mount {text!r}: expected comma-separated KEY=VALUE") from error
    found: dict[str, str] = {}
    for word in words:
        written, equals, value = word.partition("=")
        key = _ALIASES.get(written.strip().lower(), written.strip().lower())
        if not equals and key not in _TRUTHS:
            raise BadInput(f"invalid mount {text!r}: {word!r} must be KEY=VALUE")
        found[key] = value
    return found


def origin_of(text: str) -> str:
    """Return the stage, image or context that a --mount names, or ''. Raises BadInput."""
    return fields(text).get("from", "")


def parse(text: str, variables: Mapping[str, str] | None, directory: str) -> RunMount:
    """Return what a --mount says. Raises BadInput.

    variables: replaced in its values. None while they are not known: then a value with a $ in it counts as right.
    directory: the working directory, from which relative targets begin
    """
    written = fields(text)
    if "$" in written.get("from", ""):
        raise BadInput(f"invalid mount {text!r}: from takes no variables", "name a stage: FROM $IMAGE AS NAME")
    given = {key: value if variables is None else expand(value, variables) for key, value in written.items()}
    kind = given.pop("type", "bind")
    if kind not in _KEYS:
        raise BadInput(f"invalid mount {text!r}: type is one of {', '.join(_KEYS)}, not {kind!r}")
    for key in given:
        if key not in _KEYS[kind]:
            known = any(key in keys for keys in _KEYS.values())
            raise BadInput(f"invalid mount {text!r}: " + (f"{key} does not go with type {kind}" if known else f"unknown key {key!r}"))
    if variables is None:
        given = {key: value for key, value in given.items() if "$" not in value or key in ("target", "id", "source")}
    try:
        return _mount(kind, given, directory)
    except BadInput as error:
        raise BadInput(f"invalid mount {text!r}: {error.message}") from error


def _mount(kind: str, given: dict[str, str], directory: str) -> RunMount:
    name = given.get("id") or (given.get("source", "") if kind in ("secret", "ssh") else "")
    if kind in ("secret", "ssh") and given.get("id") and given.get("source"):
        raise BadInput("id and source are the same for this type: expected one of them")
    if kind == "secret" and not name:
        name = basename(given.get("target", ""))
        if not name:
            raise BadInput("a secret needs an id or a target")
    return RunMount(
        kind=kind,
        target=_target(kind, given, name, directory),
        source=given.get("source", "") if kind in ("bind", "cache") else "",
        origin=given.get("from", ""),
        id=name or {"cache": given.get("target", ""), "ssh": "default"}.get(kind, ""),
        read_only=_read_only(kind, given),
        sharing=_sharing(given.get("sharing", "shared")),
        size=values.size(given["size"]) if "size" in given else None,
        mode=_mode(given["mode"]) if "mode" in given else None,
        uid=_number("uid", given),
        gid=_number("gid", given),
        required="required" in given and _truth("required", given["required"]),
        env=_variable(given.get("env", "")),
    )


def _target(kind: str, given: dict[str, str], name: str, directory: str) -> str:
    """Return the absolute path where a mount is to be seen."""
    target = given.get("target", "")
    if not target and kind == "secret":
        return "" if given.get("env") else f"{SECRETS}/{basename(name)}"
    if not target and kind == "ssh":
        return ""
    if not target:
        raise BadInput("a target is required")
    path = normalised(join(directory, target))
    if path == "/":
        raise BadInput("the target is the root: expected a directory below it")
    return path


def _read_only(kind: str, given: dict[str, str]) -> bool:
    if "readonly" in given and "readwrite" in given:
        raise BadInput("readonly and readwrite exclude each other")
    if "readonly" in given:
        return _truth("readonly", given["readonly"])
    if "readwrite" in given:
        return not _truth("readwrite", given["readwrite"])
    return kind not in ("cache", "tmpfs")


def _truth(key: str, value: str) -> bool:
    if value.lower() not in _TRUE + _FALSE:
        raise BadInput(f"{key} is true or false, not {value!r}")
    return value.lower() in _TRUE


def _sharing(text: str) -> str:
    if text not in _SHARING:
        raise BadInput(f"sharing is one of {', '.join(_SHARING)}, not {text!r}")
    return text


def _mode(text: str) -> int:
    if not text or set(text) - set("01234567") or int(text, 8) > 0o7777:
        raise BadInput(f"mode is an octal number, not {text!r}")
    return int(text, 8)


def _number(key: str, given: dict[str, str]) -> int | None:
    if key not in given:
        return None
    number = values.number(given[key])
    if number is None or number > _MOST_ID:
        raise BadInput(f"{key} is a number up to {_MOST_ID}, not {given[key]!r}")
    return number


def _variable(text: str) -> str:
    if text and not (text.replace("_", "a").isalnum() and text.isascii() and not text[0].isdigit()):
        raise BadInput(f"env is the name of a variable, not {text!r}")
    return text
