"""The modes that --chmod gives: an octal number, or changes as chmod(1) takes them."""

from __future__ import annotations

import stat

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SHIFTS = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": stat.S_ISUID, "g": stat.S_ISGID}


def parse(text: str) -> Callable[[int, bool], int] | None:
    """Return the function (mode, whether it is a directory) → new mode that a --chmod means, None for ''. Raises BadInput."""
    if not text:
        return None
    if not set(text) - set("01234567"):
        if int(text, 8) > 0o7777:
            raise _invalid(text)
        return lambda mode, is_directory: int(text, 8)
    changes = [_changes(text, clause) for clause in text.split(",")]

    def changed(mode: int, is_directory: bool) -> int:
        for who, actions in changes:
            for operator, what in actions:
                mode = _changed(mode, is_directory, who, operator, what)
        return mode

    return changed


def _invalid(text: str) -> BadInput:
    return BadInput(f"invalid chmod {text!r}: expected an octal number such as 755, or changes such as u=rwX,go=rX")


def _changes(text: str, clause: str) -> tuple[str, list[tuple[str, str]]]:
    """Return whom a clause such as 'go-w+x' means, and its (operator, permissions)."""
    import re  # imported here, because it takes a fifth of a build that is all cached

    rest = clause.lstrip("ugoa")
    who = clause.removesuffix(rest)
    actions = re.findall(r"([-+=])([ugo]|[rwxXst]*)", rest)
    if not actions or "".join(operator + what for operator, what in actions) != rest:
        raise _invalid(text)
    # No umask counts in a build: without letters, all are meant.
    return ("ugo" if not who or "a" in who else who), actions


def _changed(mode: int, is_directory: bool, who: str, operator: str, what: str) -> int:
    bits = mask = 0
    for one in set(who):
        bits |= _bits(mode, is_directory, one, what)
        mask |= 7 << _SHIFTS[one] | _SPECIAL.get(one, 0)
    if "t" in what:
        bits |= stat.S_ISVTX
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    # As chmod(1), = leaves a directory the bits that are not named: set-user-id, set-group-id.
    kept = mode & (stat.S_ISUID | stat.S_ISGID) & mask if is_directory else 0
    return mode & ~mask & ~(stat.S_ISVTX if "o" in who else 0) | bits | kept


def _bits(mode: int, is_directory: bool, one: str, what: str) -> int:
    """Return the bits that permissions mean for one of u, g and o."""
    if what in _SHIFTS:
        return (mode >> _SHIFTS[what] & 7) << _SHIFTS[one]
    shift = _SHIFTS[one]
    bits = sum(value << shift for letter, value in (("r", 4), ("w", 2)) if letter in what)
    if "x" in what or ("X" in what and (is_directory or mode & 0o111)):
        bits |= 1 << shift
    return bits | (_SPECIAL.get(one, 0) if "s" in what else 0)
