"""How wide text is on a terminal, and how it is broken into lines. A Chinese character takes two columns."""

from __future__ import annotations

import os
import sys
from unicodedata import combining, east_asian_width

_USUAL = 80
_NARROWEST = 40
# A line of Chinese does not begin with one of these.
_NEVER_FIRST = "，。、；：？！）》」』”…,.;:?!)"


def terminal_width(err: bool) -> int:
    """Return how many columns a line may have: the terminal's, or 80 where there is none. err: that of standard error"""
    try:
        return max(_NARROWEST, os.get_terminal_size((sys.stderr if err else sys.stdout).fileno()).columns or _USUAL)
    except (OSError, ValueError):
        return _USUAL


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(0 if combining(each) else 2 if is_wide(each) else 1 for each in text)


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Return a text as lines of at most `width` columns, broken at spaces where possible. All but the first begin with `indent` spaces.

    A word that is longer than a line is broken after one of its commas or slashes, or else anywhere.
    """
    lines, line = [], ""
    for part in _parts(text):
        while columns(line + part) > width:
            room = width - columns(line)
            if line.strip() and (columns(part) <= width - indent or columns(part[:1]) > room):
                head, part = "", part.lstrip()
            else:
                head, part = _split(part, room)
            lines.append((line + head).rstrip())
            line = " " * indent
        line += part
    return [*lines, line.rstrip()]


def _parts(text: str) -> list[str]:
    """Return the parts that should not be broken: words with the spaces before them, wide characters with what may not follow alone."""
    parts = [""]
    for each in text:
        is_new = each == " " or is_wide(each) or is_wide(parts[-1][-1:])
        if parts[-1].strip() and is_new and each not in _NEVER_FIRST:
            parts.append(each)
        else:
            parts[-1] += each
    return parts


def is_wide(character: str) -> bool:
    """Say whether a character takes two columns."""
    return character != "" and east_asian_width(character) in "WF"


def _split(part: str, room: int) -> tuple[str, str]:
    """Return a part as what fits into the room and the rest. Each has at least one character, so that there is an end."""
    fits = next((number for number in range(len(part), 0, -1) if columns(part[:number]) <= room), 1)
    nice = max(part.rfind(mark, 0, fits) for mark in ",/|") + 1
    return (part[:nice], part[nice:]) if nice > 1 else (part[:fits], part[fits:])
