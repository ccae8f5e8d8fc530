"""Columns as docker prints them: at least ten wide, three blanks apart."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, the header first, as lines of aligned columns; the last column is not padded."""
    widths = [max(10, *(len(cell) + 3 for cell in column)) for column in zip(*rows, strict=True)]
    lines = ["".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + row[-1] for row in rows]
    return "\n".join(lines)
