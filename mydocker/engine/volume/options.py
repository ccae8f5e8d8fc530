"""The options of the driver local (--opt): what a volume is instead of a directory of ours, as in mount(8).

    type=tmpfs,device=tmpfs,o=size=100m          type=nfs,device=:/export,o=addr=10.0.0.1,rw          type=none,device=/srv/data,o=bind

Whoever starts a container with the volume mounts it in the container, and nowhere else: nothing is mounted on the host.
"""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mydocker.engine.record.containers import MountPoint
    from mydocker.runtime.spec import Mount

_NAMES = ("type", "device", "o")
# The options by which mount(8) tells a bind.
_BINDS = ("bind", "rbind")


def parse(texts: Iterable[str]) -> dict[str, str]:
    """Return the options that KEY=VALUE texts say. Raises BadInput."""
    found = {}
    for text in texts:
        key, equals, found[key] = text.partition("=")
        if not equals:
            raise BadInput(f"invalid --opt {text!r}: expected KEY=VALUE")
    check(found)
    return found


def check(options: dict[str, str]) -> None:
    """Raise BadInput unless a volume can have these options."""
    for name, value in options.items():
        if name == "size":
            raise BadInput(f"invalid option size={value}: no directory here has a quota", "type=tmpfs,device=tmpfs,o=size=… has one")
        if name not in _NAMES:
            raise BadInput(f"invalid option {name}={value}: expected {', '.join(_NAMES)}")
    for name in ("type", "device") if options else ():
        if not options.get(name):
            raise BadInput(f"missing option {name}: a volume with options needs type and device")
    if options.get("type") == "none" and not set(_BINDS) & set(_words(options)):
        raise BadInput("invalid option type=none: expected o=bind, or the name of a file system")
    if is_bind(options) and not options["device"].startswith("/"):
        raise BadInput(f"invalid option device={options['device']}: expected an absolute path")


def is_bind(options: dict[str, str]) -> bool:
    """Say whether the volume is a directory of the host's."""
    return bool(set(_BINDS) & set(_words(options)))


def mount(point: MountPoint) -> Mount:
    """Return the OCI mount of a volume with options."""
    options = point["driverOptions"]
    words = [*_words(options), *([] if point["rw"] else ["ro"])]
    kind = "bind" if is_bind(options) else options["type"]
    return {"destination": point["destination"], "type": kind, "source": options["device"], "options": words}


def _words(options: dict[str, str]) -> list[str]:
    return [word for word in options.get("o", "").split(",") if word]
