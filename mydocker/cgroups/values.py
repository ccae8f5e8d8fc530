"""Reading the OCI runtime specification's `linux.resources`: every value is checked before anything happens."""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Resources = Mapping[str, object]

LARGEST = 2**63 - 1


def section(resources: Resources, key: str) -> Resources:
    """Return an object of the resources, an empty one when it is absent or null."""
    value = resources.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"resources: {key} {value!r}: expected an object")
    return value


def entries(resources: Resources, key: str) -> list[Resources]:
    """Return a list of objects of the resources, an empty one when it is absent or null."""
    value = resources.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadInput(f"resources: {key} {value!r}: expected a list of objects")
    return value


def integer(resources: Resources, key: str, limit: str, low: int = 0, high: int = LARGEST) -> int | None:
    """Return a whole number, None when it is absent or null. `limit` is what the message calls it."""
    value = resources.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput(f"{limit} {value!r}: expected a whole number")
    if not low <= value <= high:
        raise BadInput(f"{limit} {value}: expected {low} to {high}")
    return value


def text(resources: Resources, key: str, limit: str) -> str:
    """Return a string of one word without a slash, '' when it is absent or null."""
    value = resources.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or "/" in value or value.split() not in ([], [value]):
        raise BadInput(f"{limit} {value!r}: expected one word")
    return value


def flag(resources: Resources, key: str, limit: str) -> bool:
    """Return a truth value, False when it is absent or null."""
    value = resources.get(key)
    if value is not None and not isinstance(value, bool):
        raise BadInput(f"{limit} {value!r}: expected true or false")
    return bool(value)


def device(resources: Resources, limit: str) -> str:
    """Return an entry's 'MAJOR:MINOR'."""
    major = integer(resources, "major", f"{limit} device major")
    minor = integer(resources, "minor", f"{limit} device minor")
    if major is None or minor is None:
        raise BadInput(f"{limit}: expected a device's major and minor number")
    return f"{major}:{minor}"


def numbers(spec: str, limit: str) -> set[int]:
    """Return the members of a kernel list such as '0-2,7'."""
    members: set[int] = set()
    for part in spec.split(","):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or (dash and int(last) < int(first)) or len(part) > 12:
            raise BadInput(f"{limit} '{spec}': expected a list such as 0-2,7")
        members.update(range(int(first), min(int(last or first), 65535) + 1))
    return members
