"""A tree of words, drawn with lines."""

from __future__ import annotations

import re

from mydocker.value import Value

MOST = 6  # names that are listed of many


class Node(Value):
    """One line of a tree, and what hangs on it."""

    words: str
    below: tuple[Node, ...] = ()


def drawn(node: Node) -> list[str]:
    """Return the lines of a tree."""
    lines = [node.words]
    for number, each in enumerate(node.below):
        corner, margin = ("└─ ", "   ") if number == len(node.below) - 1 else ("├─ ", "│  ")
        first, *others = drawn(each)
        lines += [corner + first, *(margin + line for line in others)]
    return lines


def indented(node: Node, depth: int = 0) -> list[str]:
    """Return the lines of what hangs on a tree, each level further in, to be read by programs or set in a page."""
    return [line for each in node.below for line in ("  " * depth + short(each.words), *indented(each, depth + 1))]


def lines_of(node: Node) -> str:
    """Return a tree as text."""
    return "\n".join(map(short, drawn(node)))


def short(line: str) -> str:
    """Return a line with the first 12 digits of ids, and nothing in it that would control a terminal."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", printable(line))


def printable(text: str) -> str:
    """Return a line with its control characters as Python writes them: an image may have any name in it."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def some(names: list[str]) -> str:
    """Return the first of many names, and how many more there are."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
