"""From -v, --mount and --tmpfs to mount points, which are in the `mounts` of a container record."""

from __future__ import annotations

import os

from mydocker.engine.record.names import check_name
from mydocker.engine.request import values
from mydocker.errors import BadInput
from mydocker.runtime.destinations import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import MountPoint

SHARED_LABEL = "z"  # the mode that docker shows of a volume, unless -v gave another
PROPAGATIONS = ("private", "rprivate", "slave", "rslave", "shared", "rshared")
# These are for other platforms and for SELinux. On Linux without SELinux they change nothing.
_IGNORED = ("cached", "consistent", "delegated", "z", "Z")

# The options of tmpfs(5), and those that mount(8) takes for any file system.
_TMPFS_FLAGS = (
    "ro rw suid nosuid dev nodev exec noexec sync async dirsync atime noatime diratime nodiratime relatime norelatime strictatime"
)
_TMPFS_SETTINGS = ("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol")

_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_VALUES = (
    *("type", "source", "target", "consistency", "bind-propagation", "bind-recursive", "tmpfs-size", "tmpfs-mode"),
    *("volume-label", "volume-driver", "volume-opt", "volume-subpath", "image-subpath"),
)
# What bind-recursive may be. What is mounted below the source is there as it is, is not there, or is read-only too.
_RECURSIONS = ("enabled", "writable", "disabled", "readonly")
_FLAGS = ("readonly", "volume-nocopy", "bind-nonrecursive")


def mount_point(kind: str, destination: str) -> MountPoint:
    """Return a plain mount point. Raises BadInput if the destination is wrong.

    kind: bind, volume or tmpfs.
    """
    if not destination.startswith("/"):
        raise BadInput(f"invalid mount destination {destination!r}: expected an absolute path")
    if normalised(destination) == "/":
        raise BadInput(f"invalid mount destination {destination!r}: expected anything but the root")
    return {
        "type": kind,
        "destination": normalised(destination),
        "name": "",
        "source": "",
        "rw": True,
        "propagation": "",
        "recursive": True,
        "create": False,
        "copy": False,
        "anonymous": False,
        "labels": {},
        "options": [],
    }


def volume_point(destination: str, name: str = "") -> MountPoint:
    """Return the mount point of a volume. Raises BadInput if the destination is wrong.

    name: the volume's, '' for a volume that is removed with the container.
    """
    point = mount_point("volume", destination)
    point |= {"name": name, "anonymous": not name, "copy": True}
    return point


def absolute(path: str) -> str:
    """Return a host path in its normal form. A path that begins with a dot is made absolute."""
    return normalised(os.path.abspath(path) if path.startswith(".") else path)


def from_volume(text: str) -> MountPoint:
    """Return the mount point of a -v: HOST:CONTAINER[:OPTIONS], NAME:CONTAINER[:OPTIONS] or CONTAINER."""
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise BadInput(f"invalid volume {text!r}: expected [HOST-PATH|NAME:]CONTAINER-PATH[:OPTIONS]")
    if len(parts) == 1:
        return volume_point(parts[0])
    source, destination = parts[:2]
    is_bind = source[0] in "/."
    options = _options(text, parts[2].split(",") if len(parts) == 3 else [], is_bind)
    point = _bind_point(source, destination) if is_bind else _named_point(text, source, destination)
    point["rw"] = options.get("rw") != "ro"
    point["propagation"] = options.get("propagation", "")
    point["copy"] = not is_bind and "copy" not in options
    point["mode"] = parts[2] if len(parts) == 3 else "" if is_bind else SHARED_LABEL
    return point


def _bind_point(source: str, destination: str) -> MountPoint:
    point = mount_point("bind", destination)
    point |= {"source": absolute(source), "create": True}
    return point


def _named_point(text: str, source: str, destination: str) -> MountPoint:
    try:
        check_name(source)
    except BadInput as error:
        hint = "a host directory begins with / or ./" if "/" in source else None
        raise BadInput(f"invalid volume {text!r}: {source!r} is no volume name", hint) from error
    return volume_point(destination, source)


def _options(text: str, options: list[str], is_bind: bool) -> dict[str, str]:
    """Return the options of a -v, each under the field of the mount point that it is for (see _field())."""
    found: dict[str, str] = {}
    for option in options:
        field = _field(option, is_bind)
        if not field or field in found:
            problem = "contradicts an earlier one" if field else "is unknown"
            raise BadInput(f"invalid volume {text!r}: option {option!r} {problem}")
        found[field] = option
    return found


def _field(option: str, is_bind: bool) -> str:
    """Return the field of a mount point that an option of -v is for.

    For an option that changes nothing this is its own name, for an unknown one ''.
    """
    if option in ("ro", "rw"):
        return "rw"
    if option in PROPAGATIONS and is_bind:
        return "propagation"
    if option == "nocopy" and not is_bind:
        return "copy"
    return option if option in _IGNORED else ""


def from_tmpfs(text: str) -> MountPoint:
    """Return the mount point of a --tmpfs: CONTAINER[:OPTIONS], with the options of tmpfs(5)."""
    destination, colon, rest = text.partition(":")
    options = [_tmpfs_option(text, option) for option in rest.split(",")] if colon else []
    return _tmpfs_point(destination, options)


def _tmpfs_point(destination: str, options: list[str]) -> MountPoint:
    point = mount_point("tmpfs", destination)
    point |= {"options": options, "rw": "ro" not in options}
    return point


def _tmpfs_option(text: str, option: str) -> str:
    """Return an option of --tmpfs as the kernel reads it. Raises BadInput if it is unknown."""
    key, equals, value = option.partition("=")
    if key not in _TMPFS_SETTINGS if equals else key not in (*_TMPFS_FLAGS.split(), *PROPAGATIONS):
        raise BadInput(f"invalid tmpfs {text!r}: unknown option {option!r}")
    if key == "mode" and not _is_octal(value):
        raise BadInput(f"invalid tmpfs {text!r}: mode is an octal number, not {value!r}")
    is_share = value.endswith("%") and values.number(value[:-1]) is not None
    return f"size={values.size(value)}" if key == "size" and not is_share else option


def _is_octal(text: str) -> bool:
    return bool(text) and not set(text) - set("01234567") and int(text, 8) <= 0o7777


def from_mount(text: str) -> MountPoint:
    """Return the mount point of a --mount: type=bind|volume|tmpfs|image,source=…,target=…[,OPTION[=VALUE]…]."""
    import csv

    try:
        words = next(csv.reader([text]))
    except (StopIteration, csv.Error) as error:
        raise BadInput(f"invalid mount {text!r}: expected comma-separated KEY=VALUE") from error
    given: dict[str, str] = {}
    maps: dict[str, dict[str, str]] = {"volume-label": {}, "volume-opt": {}}
    for word in words:
        key, given[key] = _taken(text, word)
        if key in maps:
            maps[key] |= [values.pair(given[key])]
    point = _built(text, given, maps["volume-label"])
    return {**point, "driverOptions": maps["volume-opt"]} if maps["volume-opt"] else point


def _taken(text: str, word: str) -> tuple[str, str]:
    """Return the key and the value of one KEY[=VALUE] of --mount.

    The key is the longest of its names. The value of a flag is 'yes', or '' for no.
    """
    written, equals, value = word.partition("=")
    key = _ALIASES.get(written.strip().lower(), written.strip().lower())
    if key not in _VALUES + _FLAGS:
        raise BadInput(f"invalid mount {text!r}: unknown key {written!r}")
    if key in _VALUES and not value:
        raise BadInput(f"invalid mount {text!r}: {written} needs a value")
    if key in _FLAGS and value not in (("true", "false", "1", "0") if equals else ("",)):
        raise BadInput(f"invalid mount {text!r}: {written} is true or false, not {value!r}")
    if key in _FLAGS:
        return key, "" if value in ("false", "0") else "yes"
    return key, value


def _built(text: str, given: dict[str, str], labels: dict[str, str]) -> MountPoint:
    kind = given.get("type", "volume").lower()
    if kind not in _BUILDERS:
        raise BadInput(f"invalid mount {text!r}: type is bind, volume, tmpfs or image, not {kind!r}")
    for key, value in given.items():
        if value and key.partition("-")[0] in _BUILDERS and not key.startswith(kind):
            raise BadInput(f"invalid mount {text!r}: {key} does not go with type {kind}")
    if "target" not in given:
        raise BadInput(f"invalid mount {text!r}: a target is required")
    point = _BUILDERS[kind](text, given)
    point |= {"rw": point["rw"] and not given.get("readonly"), "labels": labels}
    return point


def _tmpfs(text: str, given: dict[str, str]) -> MountPoint:
    if "source" in given:
        raise BadInput(f"invalid mount {text!r}: a tmpfs has no source")
    options = [f"size={values.size(given['tmpfs-size'])}"] if "tmpfs-size" in given else []
    mode = given.get("tmpfs-mode")
    if mode and not _is_octal(mode):
        raise BadInput(f"invalid mount {text!r}: tmpfs-mode is an octal number, not {mode!r}")
    return _tmpfs_point(given["target"], options + ([f"mode={mode}"] if mode else []) + (["ro"] if given.get("readonly") else []))


def _bind(text: str, given: dict[str, str]) -> MountPoint:
    source, propagation = given.get("source", ""), given.get("bind-propagation", "")
    if source[:1] not in ("/", "."):
        raise BadInput(f"invalid mount {text!r}: the source of a bind is an absolute path, or begins with a dot")
    if propagation and propagation not in PROPAGATIONS:
        raise BadInput(f"invalid mount {text!r}: bind-propagation is one of {', '.join(PROPAGATIONS)}")
    point = mount_point("bind", given["target"])
    recursion = given.get("bind-recursive", "disabled" if given.get("bind-nonrecursive") else "enabled")
    point |= {"source": absolute(source), "propagation": propagation, "recursive": recursion != "disabled"}
    point["options"] = ["rro"] if _is_read_only_below(text, given, recursion) else []
    return point


def _is_read_only_below(text: str, given: dict[str, str], recursion: str) -> bool:
    if recursion not in _RECURSIONS:
        raise BadInput(f"invalid mount {text!r}: bind-recursive is one of {', '.join(_RECURSIONS)}")
    if recursion == "readonly" and not (given.get("readonly") and given.get("bind-propagation") == "rprivate"):
        raise BadInput(f"invalid mount {text!r}: bind-recursive=readonly needs readonly and bind-propagation=rprivate")
    return recursion == "readonly"


def _volume(text: str, given: dict[str, str]) -> MountPoint:
    name = given.get("source", "")
    if name:
        check_name(name)
    point = volume_point(given["target"], name)
    point["mode"] = SHARED_LABEL
    if given.get("volume-driver", "local") != "local":
        raise BadInput(f"invalid mount {text!r}: the only volume driver is local")
    part = subpath(given.get("volume-subpath", ""))
    point["copy"] = not given.get("volume-nocopy") and not part
    return {**point, "subpath": part} if part else point


def _image(text: str, given: dict[str, str]) -> MountPoint:
    if not given.get("source"):
        raise BadInput(f"invalid mount {text!r}: the source is the name of an image")
    point, part = mount_point("image", given["target"]), subpath(given.get("image-subpath", ""))
    point |= {"name": given["source"], "rw": False}
    return {**point, "subpath": part} if part else point


def subpath(path: str) -> str:
    """Return the path of a directory in a volume or an image. Raises BadInput for one that begins elsewhere, or leads out."""
    if path.startswith("/") or ".." in path.split("/"):
        raise BadInput(f"invalid subpath {path!r}: expected a path inside, without / in front and without ..")
    return path


_BUILDERS = {"bind": _bind, "volume": _volume, "tmpfs": _tmpfs, "image": _image}


def unique(points: list[MountPoint]) -> list[MountPoint]:
    """Return the mount points, each before those below it. Raises BadInput if two have the same destination."""
    seen: set[str] = set()
    for point in points:
        if point["destination"] in seen:
            raise BadInput(f"duplicate mount point {point['destination']!r}")
        seen.add(point["destination"])
    return sorted(points, key=lambda point: point["destination"].count("/"))
