"""Lists of numbers as the kernel writes them, such as '0-2,7' (List Format in cpuset(7))."""

from __future__ import annotations

from mydocker.errors import BadInput


def numbers(text: str, what: str) -> set[int]:
    """Return the members of a list; of '' there are none. Raises BadInput for what is no list. `what` is what the message calls it."""
    members: set[int] = set()
    for part in text.split(",") if text else []:
        first, dash, last = part.partition("-")
        ends = (first, last) if dash else (first, first)
        if not all(end.isascii() and end.isdigit() and len(end) < 6 for end in ends) or int(ends[0]) > int(ends[1]):
            raise BadInput(f"{what} {text!r}: expected a list such as 0-2,7")
        members.update(range(int(ends[0]), int(ends[1]) + 1))
    return members
