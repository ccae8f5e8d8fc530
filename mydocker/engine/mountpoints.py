"""-v, --mount and --tmpfs → mount points: what a container record's `mounts` holds."""

from __future__ import annotations

from typing import Any

from mydocker.engine import values
from mydocker.engine.containers import check_name
from mydocker.errors import BadInput
from mydocker.runtime.destinations import normalised

_PROPAGATIONS = ("private", "rprivate", "slave", "rslave", "shared", "rshared")
# Said for other platforms' sake; they change nothing on Linux without SELinux.
_IGNORED = ("cached", "consistent", "delegated", "z", "Z")


def mount_point(kind: str, destination: str, **fields: Any) -> dict[str, Any]:
    """Return a mount point: type bind, volume or tmpfs, and where. Raises BadInput about the destination."""
    if not destination.startswith("/"):
        raise BadInput(f"invalid mount destination {destination!r}: expected an absolute path")
    if normalised(destination) == "/":
        raise BadInput(f"invalid mount destination {destination!r}: expected anything but the root")
    plain = {"name": "", "source": "", "rw": True, "propagation": "", "copy": False, "anonymous": False, "create": False, "recursive": True}
    return {"type": kind, "destination": normalised(destination), **plain, **fields}


def from_volume(text: str) -> dict[str, Any]:
    """Parse -v: HOST:CONTAINER[:OPTIONS], NAME:CONTAINER[:OPTIONS] or CONTAINER."""
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise BadInput(f"invalid volume {text!r}: expected [HOST-PATH|NAME:]CONTAINER-PATH[:OPTIONS]")
    if len(parts) == 1:
        return mount_point("volume", parts[0], anonymous=True, copy=True)
    source, destination = parts[:2]
    fields = _options(text, parts[2].split(",") if len(parts) == 3 else [])
    if source.startswith("/"):
        return mount_point("bind", destination, source=normalised(source), create=True, **fields)
    try:
        check_name(source)
    except BadInput as error:
        hint = "a host directory is an absolute path" if "/" in source else None
        raise BadInput(f"invalid volume {text!r}: {source!r} is no volume name", hint) from error
    return mount_point("volume", destination, name=source, **{"copy": True, **fields})


def _options(text: str, options: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for option in options:
        if option in ("ro", "rw"):
            fields["rw"] = option == "rw"
        elif option in _PROPAGATIONS:
            fields["propagation"] = option
        elif option == "nocopy":
            fields["copy"] = False
        elif option not in _IGNORED:
            raise BadInput(f"invalid volume {text!r}: unknown option {option!r}")
    return fields


def from_tmpfs(text: str) -> dict[str, Any]:
    """Parse --tmpfs: CONTAINER[:OPTIONS], the options of tmpfs(5)."""
    destination, _, options = text.partition(":")
    return mount_point("tmpfs", destination, options=options.split(",") if options else [])


def from_mount(text: str) -> dict[str, Any]:
    """Parse --mount: type=bind|volume|tmpfs,source=…,target=…[,OPTION[=VALUE]…]."""
    import csv

    fields: dict[str, Any] = {}
    try:
        words = next(csv.reader([text]))
    except (StopIteration, csv.Error) as error:
        raise BadInput(f"invalid mount {text!r}: expected comma-separated KEY=VALUE") from error
    for word in words:
        key, equals, value = word.partition("=")
        _take(text, fields, key.strip().lower(), value, bool(equals))
    return _built(text, fields)


def _take(text: str, fields: dict[str, Any], key: str, value: str, has_value: bool) -> None:
    names = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
    key = names.get(key, key)
    if key in ("type", "source", "target", "bind-propagation", "tmpfs-size", "tmpfs-mode"):
        fields[key] = value
    elif key in ("readonly", "volume-nocopy", "bind-nonrecursive"):
        if has_value and value not in ("true", "false", "1", "0"):
            raise BadInput(f"invalid mount {text!r}: {key} is true or false, not {value!r}")
        fields[key] = value not in ("false", "0")
    elif key != "consistency":
        raise BadInput(f"invalid mount {text!r}: unknown key {key!r}")


def _built(text: str, fields: dict[str, Any]) -> dict[str, Any]:
    kind, target, source = fields.get("type", "volume"), fields.get("target"), fields.get("source", "")
    if not target:
        raise BadInput(f"invalid mount {text!r}: a target is required")
    common = {"rw": not fields.get("readonly", False)}
    if kind == "tmpfs":
        return mount_point("tmpfs", target, options=_tmpfs_options(text, fields), **common)
    if kind == "bind":
        if not source.startswith("/"):
            raise BadInput(f"invalid mount {text!r}: the source of a bind is an absolute path")
        propagation = fields.get("bind-propagation", "")
        if propagation and propagation not in _PROPAGATIONS:
            raise BadInput(f"invalid mount {text!r}: bind-propagation is one of {', '.join(_PROPAGATIONS)}")
        recursive = not fields.get("bind-nonrecursive", False)
        return mount_point("bind", target, source=normalised(source), propagation=propagation, recursive=recursive, **common)
    if kind != "volume":
        raise BadInput(f"invalid mount {text!r}: type is bind, volume or tmpfs, not {kind!r}")
    if source:
        check_name(source)
    return mount_point("volume", target, name=source, anonymous=not source, copy=not fields.get("volume-nocopy", False), **common)


def _tmpfs_options(text: str, fields: dict[str, Any]) -> list[str]:
    options = [f"size={values.positive_size(fields['tmpfs-size'])}"] if "tmpfs-size" in fields else []
    mode = fields.get("tmpfs-mode")
    if mode is not None and (not mode or set(mode) - set("01234567")):
        raise BadInput(f"invalid mount {text!r}: tmpfs-mode is an octal number, not {mode!r}")
    return options + ([f"mode={mode}"] if mode else []) + (["ro"] if fields.get("readonly") else [])


def unique(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the mount points, parents before what lies below them; BadInput when a destination comes twice."""
    seen: set[str] = set()
    for point in points:
        if point["destination"] in seen:
            raise BadInput(f"duplicate mount point {point['destination']!r}")
        seen.add(point["destination"])
    return sorted(points, key=lambda point: point["destination"].count("/"))
