"""-v, --mount and --tmpfs → mount points: what a container record's `mounts` holds."""

from __future__ import annotations

import os
from typing import Any

from mydocker.engine.record.containers import check_name
from mydocker.engine.request import values
from mydocker.errors import BadInput
from mydocker.runtime.destinations import normalised

_PROPAGATIONS = ("private", "rprivate", "slave", "rslave", "shared", "rshared")
# Said for other platforms' sake; they change nothing on Linux without SELinux.
_IGNORED = ("cached", "consistent", "delegated", "z", "Z")

# tmpfs(5), and what mount(8) can say of any file system.
_TMPFS_FLAGS = (
    "ro rw suid nosuid dev nodev exec noexec sync async dirsync atime noatime diratime nodiratime relatime norelatime strictatime"
)
_TMPFS_SETTINGS = ("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol")

_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_VALUES = ("type", "source", "target", "consistency", "bind-propagation", "tmpfs-size", "tmpfs-mode", "volume-label")
_FLAGS = ("readonly", "volume-nocopy", "bind-nonrecursive")


def mount_point(kind: str, destination: str, **fields: Any) -> dict[str, Any]:
    """Return a mount point: type bind, volume or tmpfs, and where. Raises BadInput about the destination."""
    if not destination.startswith("/"):
        raise BadInput(f"invalid mount destination {destination!r}: expected an absolute path")
    if normalised(destination) == "/":
        raise BadInput(f"invalid mount destination {destination!r}: expected anything but the root")
    plain = {"name": "", "source": "", "rw": True, "propagation": "", "recursive": True, "create": False}
    volume = {"copy": False, "anonymous": False, "labels": {}}
    return {"type": kind, "destination": normalised(destination), **plain, **volume, **fields}


def absolute(path: str) -> str:
    """Return a host path, made absolute if it begins with a dot; others are what they are."""
    return normalised(os.path.abspath(path) if path.startswith(".") else path)


def from_volume(text: str) -> dict[str, Any]:
    """Parse -v: HOST:CONTAINER[:OPTIONS], NAME:CONTAINER[:OPTIONS] or CONTAINER."""
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise BadInput(f"invalid volume {text!r}: expected [HOST-PATH|NAME:]CONTAINER-PATH[:OPTIONS]")
    if len(parts) == 1:
        return mount_point("volume", parts[0], anonymous=True, copy=True)
    source, destination = parts[:2]
    fields = _options(text, parts[2].split(",") if len(parts) == 3 else [], source[0] in "/.")
    if source[0] in "/.":
        return mount_point("bind", destination, source=absolute(source), create=True, **fields)
    try:
        check_name(source)
    except BadInput as error:
        hint = "a host directory begins with / or ./" if "/" in source else None
        raise BadInput(f"invalid volume {text!r}: {source!r} is no volume name", hint) from error
    return mount_point("volume", destination, name=source, **{"copy": True, **fields})


def _options(text: str, options: list[str], is_bind: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for option in options:
        key, value = _option(option, is_bind)
        if not key or key in fields:
            problem = "contradicts an earlier one" if key else "is unknown"
            raise BadInput(f"invalid volume {text!r}: option {option!r} {problem}")
        fields[key] = value
    return {key: value for key, value in fields.items() if key not in _IGNORED}


def _option(option: str, is_bind: bool) -> tuple[str, str | bool]:
    """Return the field of a mount point that an option of -v is for, '' for none, and its value."""
    if option in ("ro", "rw"):
        return "rw", option == "rw"
    if option in _PROPAGATIONS and is_bind:
        return "propagation", option
    if option == "nocopy" and not is_bind:
        return "copy", False
    return (option if option in _IGNORED else ""), False


def from_tmpfs(text: str) -> dict[str, Any]:
    """Parse --tmpfs: CONTAINER[:OPTIONS], the options of tmpfs(5)."""
    destination, colon, rest = text.partition(":")
    options = [_tmpfs_option(text, option) for option in rest.split(",")] if colon else []
    return mount_point("tmpfs", destination, options=options, rw="ro" not in options)


def _tmpfs_option(text: str, option: str) -> str:
    """Return an option of --tmpfs as the kernel reads it."""
    key, equals, value = option.partition("=")
    if key not in _TMPFS_SETTINGS if equals else key not in _TMPFS_FLAGS.split():
        raise BadInput(f"invalid tmpfs {text!r}: unknown option {option!r}")
    if key == "mode" and not _is_octal(value):
        raise BadInput(f"invalid tmpfs {text!r}: mode is an octal number, not {value!r}")
    is_share = value.endswith("%") and values.number(value[:-1]) is not None
    return f"size={values.size(value)}" if key == "size" and not is_share else option


def _is_octal(text: str) -> bool:
    return bool(text) and not set(text) - set("01234567") and int(text, 8) <= 0o7777


def from_mount(text: str) -> dict[str, Any]:
    """Parse --mount: type=bind|volume|tmpfs,source=…,target=…[,OPTION[=VALUE]…]."""
    import csv

    try:
        words = next(csv.reader([text]))
    except (StopIteration, csv.Error) as error:
        raise BadInput(f"invalid mount {text!r}: expected comma-separated KEY=VALUE") from error
    fields: dict[str, Any] = {"volume-label": {}}
    for word in words:
        _take(text, fields, word)
    return _built(text, {**fields, "type": fields.get("type", "volume").lower()})


def _take(text: str, fields: dict[str, Any], word: str) -> None:
    """Add one KEY[=VALUE] of --mount to the fields, under its longest name."""
    written, equals, value = word.partition("=")
    key = _ALIASES.get(written.strip().lower(), written.strip().lower())
    if key not in _VALUES + _FLAGS:
        raise BadInput(f"invalid mount {text!r}: unknown key {written!r}")
    if key in _VALUES and not value:
        raise BadInput(f"invalid mount {text!r}: {written} needs a value")
    if key in _FLAGS and value not in (("true", "false", "1", "0") if equals else ("",)):
        raise BadInput(f"invalid mount {text!r}: {written} is true or false, not {value!r}")
    if key == "volume-label":
        fields[key] |= dict([values.pair(value)])
    else:
        fields[key] = value not in ("false", "0") if key in _FLAGS else value


def _built(text: str, fields: dict[str, Any]) -> dict[str, Any]:
    kind, target = fields["type"], fields.get("target")
    if kind not in _BUILDERS:
        raise BadInput(f"invalid mount {text!r}: type is bind, volume or tmpfs, not {kind!r}")
    for key, value in fields.items():
        if value and key.partition("-")[0] in _BUILDERS and not key.startswith(kind):
            raise BadInput(f"invalid mount {text!r}: {key} does not go with type {kind}")
    if not target:
        raise BadInput(f"invalid mount {text!r}: a target is required")
    return mount_point(kind, target, rw=not fields.get("readonly", False), **_BUILDERS[kind](text, fields))


def _tmpfs(text: str, fields: dict[str, Any]) -> dict[str, Any]:
    if "source" in fields:
        raise BadInput(f"invalid mount {text!r}: a tmpfs has no source")
    options = [f"size={values.size(fields['tmpfs-size'])}"] if "tmpfs-size" in fields else []
    mode = fields.get("tmpfs-mode")
    if mode and not _is_octal(mode):
        raise BadInput(f"invalid mount {text!r}: tmpfs-mode is an octal number, not {mode!r}")
    return {"options": options + ([f"mode={mode}"] if mode else []) + (["ro"] if fields.get("readonly") else [])}


def _bind(text: str, fields: dict[str, Any]) -> dict[str, Any]:
    source, propagation = absolute(fields.get("source", "")), fields.get("bind-propagation", "")
    if fields.get("source", "")[:1] not in ("/", "."):
        raise BadInput(f"invalid mount {text!r}: the source of a bind is an absolute path, or begins with a dot")
    if propagation and propagation not in _PROPAGATIONS:
        raise BadInput(f"invalid mount {text!r}: bind-propagation is one of {', '.join(_PROPAGATIONS)}")
    return {"source": source, "propagation": propagation, "recursive": not fields.get("bind-nonrecursive", False)}


def _volume(text: str, fields: dict[str, Any]) -> dict[str, Any]:
    name = fields.get("source", "")
    if name:
        check_name(name)
    return {"name": name, "anonymous": not name, "copy": not fields.get("volume-nocopy", False), "labels": fields["volume-label"]}


_BUILDERS = {"bind": _bind, "volume": _volume, "tmpfs": _tmpfs}


def unique(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the mount points, parents before what lies below them; BadInput when a destination comes twice."""
    seen: set[str] = set()
    for point in points:
        if point["destination"] in seen:
            raise BadInput(f"duplicate mount point {point['destination']!r}")
        seen.add(point["destination"])
    return sorted(points, key=lambda point: point["destination"].count("/"))
