"""A small terminal: what is on the screen after a program has written to it. It knows what mydocker writes there, and no more."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[(?P<number>\d*)(?P<kind>[AJK])|(?P<control>[\r\n])|(?P<text>[^\x1b\r\n]+)")


class Screen:
    """Lines of a terminal, the first of which never leave it. Like most terminals, it wraps long lines anew when it gets narrower.

    lines: what was written, each until its newline; row: the line, counted in rows of the screen, where the cursor is
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows = [""]
        self.row = 0
        self.column = 0

    def resize(self, columns: int) -> None:
        """Become narrower. The cursor is at the end of everything."""
        assert columns <= self.columns and self.row == len(self.rows) - 1
        self.columns = columns
        self.rows = [row[start : start + columns] for row in self.rows for start in range(0, max(1, len(row)), columns)]
        self.row = len(self.rows) - 1

    def write(self, text: str) -> None:
        """Take what a program writes. Raises AssertionError for what this terminal does not know."""
        position = 0
        while position < len(text):
            token = _TOKEN.match(text, position)
            assert token, repr(text[position : position + 20])
            position = token.end()
            if token["text"]:
                self._put(token["text"])
            elif token["control"] == "\r":
                self.column = 0
            elif token["control"] == "\n":
                self._down()
            elif token["kind"] == "A":
                self.row = max(0, self.row - int(token["number"] or 1))
            else:
                self.rows[self.row] = self.rows[self.row][: self.column]
                if token["kind"] == "J":
                    del self.rows[self.row + 1 :]

    def _put(self, text: str) -> None:
        for letter in text:
            if self.column == self.columns:
                self._down()
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + letter + row[self.column + 1 :]
            self.column += 1

    def _down(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append("")

    @property
    def text(self) -> str:
        """What is on the screen, without blanks at the ends of lines."""
        return "\n".join(row.rstrip() for row in self.rows)
