"""Go's printf: every verb, flag, width, precision and argument index, and what it writes for those that do not fit.

A mistake in a format is no error: it is written into the text, as %!d(string=web).
"""

from __future__ import annotations

import re

from mydocker.cli.template.formatting import Directive, formatted, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_FLAGS = "#0+- "
_INDEX = re.compile(r"\[(\d{1,6})\]")
_DIGITS = re.compile(r"[0-9]+")
# Go takes no width and no precision beyond this.
_MOST = 1_000_000


def sprintf(form: str, values: Sequence[Any]) -> str:
    """Return a format filled with values."""
    return _Printer(form, values).text()


class _Printer:
    """Goes through a format. The steps of a directive, and what spoils one, are those of Go's doPrintf."""

    def __init__(self, form: str, values: Sequence[Any]) -> None:
        self.form = form
        self.values = values
        self.position = 0
        self.next = 0  # the index of the next value
        self.is_index_good = True
        self.reordered = False

    def text(self) -> str:
        made = []
        while (start := self.form.find("%", self.position)) >= 0:
            made.append(self.form[self.position : start])
            self.position = start + 1
            made.append(self._directive())
        made.append(self.form[self.position :])
        if not self.reordered and self.next < len(self.values):
            made.append(f"%!(EXTRA {', '.join(map(named, self.values[self.next :]))})")
        return "".join(made)

    def _char(self) -> str:
        return self.form[self.position : self.position + 1]

    def _takes(self, char: str) -> bool:
        if self._char() != char:
            return False
        self.position += 1
        return True

    def _directive(self) -> str:
        self.is_index_good = True
        wanted = Directive()
        while self._char() and self._char() in _FLAGS:
            wanted.flags += self._char()
            self.position += 1
        after_index, told = self._width(wanted, self._index())
        if self._takes("."):
            self.is_index_good &= not after_index
            after_index, problem = self._precision(wanted, self._index())
            told += problem
        if not after_index:
            self._index()
        return told + self._verb(wanted)

    def _width(self, wanted: Directive, after_index: bool) -> tuple[bool, str]:
        """Read a width. Return (whether an index for the value stands right before here, what is written if the width is none)."""
        if not self._takes("*"):
            wanted.width = self._digits()
            self.is_index_good &= not (after_index and wanted.width is not None)
            return after_index, ""
        wanted.width = self._from_value()
        if wanted.width is not None and wanted.width < 0:
            wanted.width, wanted.flags = -wanted.width, wanted.flags + "-"
        return False, "" if wanted.width is not None else "%!(BADWIDTH)"

    def _precision(self, wanted: Directive, after_index: bool) -> tuple[bool, str]:
        """Read a precision. Return as _width() does."""
        if not self._takes("*"):
            wanted.precision = self._digits() or 0
            return after_index, ""
        wanted.precision = self._from_value()
        if wanted.precision is not None and wanted.precision < 0:
            wanted.precision = None
        return False, "" if wanted.precision is not None else "%!(BADPREC)"

    def _index(self) -> bool:
        """Read [N], which says which value is next. Return whether one was read."""
        if self._char() != "[":
            return False
        self.reordered = True
        match = _INDEX.match(self.form, self.position)
        closing = self.form.find("]", self.position)
        self.position = closing + 1 if closing >= 0 else self.position + 1
        if match and 1 <= int(match[1]) <= len(self.values):
            self.next = int(match[1]) - 1
        else:
            self.is_index_good = False
        return match is not None

    def _from_value(self) -> int | None:
        """Return the next value as a width or a precision (*), or None if it cannot be one."""
        if self.next >= len(self.values):
            return None
        value = self.values[self.next]
        self.next += 1
        return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST else None

    def _digits(self) -> int | None:
        match = _DIGITS.match(self.form, self.position)
        if not match:
            return None
        too_large = len(match[0]) > len(str(_MOST)) or int(match[0]) > _MOST
        self.position = len(self.form) if too_large else match.end()
        return None if too_large else int(match[0])

    def _verb(self, wanted: Directive) -> str:
        verb = self._char()
        self.position += 1
        if not verb:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if not self.is_index_good:
            return f"%!{verb}(BADINDEX)"
        if self.next >= len(self.values):
            return f"%!{verb}(MISSING)"
        if verb == "v":
            wanted.is_go, wanted.flags = wanted.has("#"), wanted.flags.replace("#", "").replace("+", "")
        self.next += 1
        return formatted(self.values[self.next - 1], verb, wanted)
