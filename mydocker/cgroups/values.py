"""Checking whether the values of `linux.resources` make sense. Every one is checked before anything happens.

Whether a value is a number or a text was checked before, by its shape in resources.py.
"""

from __future__ import annotations

from mydocker.errors import BadInput

LARGEST = 2**63 - 1


def within(value: int | None, limit: str, low: int = 0, high: int = LARGEST) -> int | None:
    """Return a number that is in its range, or None if it is not given. Raises BadInput. `limit` is what the message calls it."""
    if value is not None and not low <= value <= high:
        raise BadInput(f"{limit} {value}: expected {low} to {high}")
    return value


def word(value: str, limit: str) -> str:
    """Return a text that is one word without a slash. Raises BadInput for any other. `limit` is what the message calls it."""
    if "/" in value or value.split() != [value]:
        raise BadInput(f"{limit} {value!r}: expected one word")
    return value


def numbers(spec: str, limit: str) -> set[int]:
    """Return the members of a list as the kernel writes it, such as '0-2,7'. Raises BadInput. `limit` is what the message calls it."""
    members: set[int] = set()
    for part in spec.split(","):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or (dash and int(last) < int(first)) or len(part) > 12:
            raise BadInput(f"{limit} '{spec}': expected a list such as 0-2,7")
        members.update(range(int(first), min(int(last or first), 65535) + 1))
    return members
