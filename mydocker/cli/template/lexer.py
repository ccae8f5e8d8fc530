"""Cuts a template into text and actions, and an action into tokens."""

from __future__ import annotations

import re

from mydocker.cli.template.values import Problem
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<string> "(?:[^"\\\n]|\\.)*" | `[^`]*` )
    | (?P<char> '(?:[^'\\\n]|\\.[0-9a-fA-F]*)' )
    | (?P<number> [+-]?(?: 0[xX][0-9a-fA-F_]+ | 0[bB][01_]+ | 0[oO][0-7_]+
                         | (?: [0-9][0-9_]*(?:\.[0-9]*)? | \.[0-9]+ )(?:[eE][+-]?[0-9]+)? ) )
    | (?P<field> \.[^\W\d]\w* )
    | (?P<dot> \. )
    | (?P<variable> \$\w* )
    | (?P<word> [^\W\d]\w* )
    | (?P<sign> := | = | \| | , | \( | \) )
    """,
    re.VERBOSE,
)
_BLANK = re.compile(r"[ \t\r\n]*")
_BLANKS = " \t\r\n"

# What may stand behind a token without a blank between.
_NAMES = ("field", "dot", "variable", "word")
_ENDS_NAME = re.compile(r"[ \t\r\n.,|:()=]|\}\}|$")
_ENDS_NUMBER = re.compile(r"[^\w.'\"`$]|$")


class Token(Value):
    """A token of an action."""

    kind: str  # 'string', 'char', 'number', 'field', 'dot', 'variable', 'word' or 'sign'
    text: str
    is_apart: bool  # a blank stands before it


class Action(Value):
    """What stands between {{ and }}."""

    tokens: list[Token]


def pieces(text: str) -> Iterator[str | Action]:
    """Yield a template's texts and actions. Raises Problem where it is none.

    {{- and -}} remove the blanks beside them, and a comment is nothing.
    """
    position, trims = 0, False
    while True:
        start = text.find("{{", position)
        before = text[position : start if start >= 0 else len(text)]
        before = before.lstrip(_BLANKS) if trims else before
        inside = start + 2
        if start >= 0 and text[inside : inside + 1] == "-" and text[inside + 1 : inside + 2] in tuple(_BLANKS):
            before, inside = before.rstrip(_BLANKS), inside + 2
        if before:
            yield before
        if start < 0:
            return
        if text.startswith("/*", inside):
            position, trims = _after_comment(text, inside)
        else:
            action, position, trims = _action(text, inside)
            yield action


def _after_comment(text: str, start: int) -> tuple[int, bool]:
    """Return where the action of a comment ends, and whether it trims the text behind."""
    end = text.find("*/", start + 2)
    if end < 0:
        raise Problem("a comment is not closed by */")
    closed = _closed(text, end + 2)
    if not closed:
        raise Problem("a comment has to end its action: expected */}} or */ -}}")
    return closed


def _closed(text: str, position: int) -> tuple[int, bool] | None:
    """Return (where the text goes on, whether its blanks are removed) if an action ends here."""
    if text.startswith("}}", position):
        return position + 2, False
    after = _BLANK.match(text, position).end()  # type: ignore[union-attr]  # it matches everywhere
    if after > position and text.startswith("-}}", after):
        return after + 3, True
    return (after + 2, False) if text.startswith("}}", after) else None


def _action(text: str, position: int) -> tuple[Action, int, bool]:
    tokens: list[Token] = []
    while not (closed := _closed(text, position)):
        start = _BLANK.match(text, position).end()  # type: ignore[union-attr]
        match = _TOKEN.match(text, start)
        if not match:
            raise Problem(_unexpected(text, start))
        kind = str(match.lastgroup)
        ends = _ENDS_NAME if kind in _NAMES else _ENDS_NUMBER if kind == "number" else None
        if kind != "dot" and ends and not ends.match(text, match.end()):
            raise Problem(f"unexpected {text[match.end()]!r} after {match[0]!r}")
        tokens.append(Token(kind=kind, text=match[0], is_apart=start > position))
        position = match.end()
    return Action(tokens=tokens), *closed


def _unexpected(text: str, position: int) -> str:
    rest = text[position:]
    if not rest:
        return "an action is not closed by }}"
    return f"{rest[0]} is not closed" if rest[0] in "\"`'" else f"unexpected {rest.split('}}')[0].strip()!r}"
