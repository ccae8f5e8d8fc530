"""Tables as docker prints them: columns are at least ten characters wide and have three blanks between them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def harmless(text: str) -> str:
    """Return a text with its control characters as Python writes them ('\\x1b'). What others wrote must not control the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines of aligned columns. The first row is the header. The last column is not padded."""
    shown = [[harmless(cell) for cell in row] for row in rows]
    widths = [max(10, *(len(cell) + 3 for cell in column)) for column in zip(*shown, strict=True)]
    lines = ["".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + row[-1] for row in shown]
    return "\n".join(lines)
