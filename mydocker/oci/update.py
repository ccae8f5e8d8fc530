"""The verb update: it gives a running container other limits."""

from __future__ import annotations

import sys

from mydocker import leanjson, store
from mydocker.cgroups.resources import RESOURCES, merged
from mydocker.errors import BadInput, Conflict
from mydocker.given import read_all
from mydocker.oci import containers
from mydocker.oci.arguments import Arguments, Flags
from mydocker.oci.shape import check_shape
from mydocker.steps.base import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.cgroups.resources import Resources
    from mydocker.oci.settings import Settings

# A flag of runc → where its number belongs in linux.resources.
_NUMBERS = {
    "blkio-weight": ("blockIO", "weight"),
    "cpu-period": ("cpu", "period"),
    "cpu-quota": ("cpu", "quota"),
    "cpu-share": ("cpu", "shares"),
    "cpu-burst": ("cpu", "burst"),
    "cpu-idle": ("cpu", "idle"),
    "cpu-rt-period": ("cpu", "realtimePeriod"),
    "cpu-rt-runtime": ("cpu", "realtimeRuntime"),
    "memory": ("memory", "limit"),
    "memory-reservation": ("memory", "reservation"),
    "memory-swap": ("memory", "swap"),
    "pids-limit": ("pids", "limit"),
}
_TEXTS = {"cpuset-cpus": ("cpu", "cpus"), "cpuset-mems": ("cpu", "mems")}
_SIZES = ("memory", "memory-reservation", "memory-swap")
_UNITS = "kmgtp"
UPDATE = Flags("", " ".join(["resources", *_NUMBERS, *_TEXTS]), short={"r": "resources"})


def update(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci update`: set new limits.

    If the kernel refuses one of the values, those that were set before it stay.
    """
    container = containers.running(settings, arguments.words[0])
    if not container.record["cgroup"]:
        raise Conflict(f"container {container.id} has no cgroup of its own")
    resources = wanted(arguments)
    Run("runtime").execute(container.cgroup().update_steps(resources))
    spec = container.spec
    spec["linux"]["resources"] = merged(spec["linux"]["resources"], resources)
    store.write_json(f"{container.directory}/config.json", spec, 0o600, sync=False)
    return 0


def wanted(arguments: Arguments) -> Resources:
    """Return the new linux.resources, from --resources (a file, or '-' for standard input) or else from the other flags.

    Raises BadInput if nothing was given, or something that is not of its shape.
    """
    source = arguments.value("resources")
    given: Any = _by_flags(arguments)
    if source:
        given = leanjson.loads(read_all(sys.stdin.buffer).decode()) if source == "-" else store.read_json(source)
        if not isinstance(given, dict):
            raise BadInput(f"resources {source!r}: expected a JSON object")
    elif not given:
        raise BadInput("expected --resources, or a limit such as --memory")
    check_shape(given, RESOURCES, "resources")
    resources: Resources = given
    return resources


def _by_flags(arguments: Arguments) -> dict[str, dict[str, int | str]]:
    found: dict[str, dict[str, int | str]] = {}
    for flag, (part, key) in {**_NUMBERS, **_TEXTS}.items():
        if flag in arguments.values:
            text = arguments.values[flag]
            found.setdefault(part, {})[key] = text if flag in _TEXTS else _number(flag, text)
    return found


def _number(flag: str, text: str) -> int:
    """Return a number. One of bytes may have a unit, as Go's units.RAMInBytes reads it: '50M', '1g', '2kib'."""
    digits, factor = text, 1
    if flag in _SIZES:
        digits = text.lower().removesuffix("b").removesuffix("i")
        exponent = _UNITS.find(digits[-1:]) + 1 if digits[-1:] else 0
        digits, factor = digits[: len(digits) - bool(exponent)], 1024**exponent
    if not (digits.removeprefix("-").isascii() and digits.removeprefix("-").isdigit()):
        raise BadInput(f"--{flag} {text!r}: expected a {'size such as 50M' if flag in _SIZES else 'whole number'}")
    return int(digits) * factor
