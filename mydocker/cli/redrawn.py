"""The last lines of a terminal, which are written again and again over the old ones."""

from __future__ import annotations

import os
import re
from unicodedata import combining, east_asian_width

from mydocker.cli.table import harmless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

# What programs write to change colors, titles and the cursor's place (ECMA-48: CSI, OSC, and sequences of two characters).
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")


def is_terminal(stream: TextIO) -> bool:
    """Say whether lines can be written again on a stream."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def size(stream: TextIO) -> tuple[int, int]:
    """Return how many columns and rows a terminal has now, 80 and 24 if it does not say."""
    columns, rows = os.get_terminal_size(stream.fileno())
    return columns or 80, rows or 24


def width(text: str) -> int:
    """Return how many columns a text takes. A Chinese character takes two, a combining one none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def cut(text: str, columns: int) -> str:
    """Return the beginning of a text that takes so many columns at most."""
    if len(text) <= columns and text.isascii():
        return text
    taken = 0
    for position, letter in enumerate(text):
        taken += width(letter)
        if taken > columns:
            return text[:position]
    return text


def plain(line: str) -> str:
    """Return what a terminal would show of a line that a program has written, without its colors and other control characters.

    What comes after the last carriage return stands for the line: so progress bars are drawn.
    """
    last = line.rstrip("\r").rpartition("\r")[2]
    return harmless(_CONTROL.sub("", last).expandtabs())


class Redrawn:
    """Lines at the end of a terminal that change. out: the terminal"""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._widths: list[int] = []  # of the lines that are drawn

    def draw(self, lines: Sequence[str], above: Sequence[str] = ()) -> None:
        """Write lines in place of those that were drawn before, cut to the terminal's width, as many as fit on it.

        above: lines that stay there for good, before the others
        """
        columns, rows = size(self._out)
        shown = [cut(line, columns - 1) for line in lines][-max(rows - 1, 1) :]
        # In a terminal that has become narrower since, the old lines take more rows.
        up = min(sum(max(1, -(-each // columns)) for each in self._widths), rows - 1)
        erased = f"\r\033[{up}A\033[J" if up else ""
        self._out.write(erased + "".join(f"{line}\n" for line in (*above, *shown)))
        self._out.flush()
        self._widths = [width(line) for line in shown]
