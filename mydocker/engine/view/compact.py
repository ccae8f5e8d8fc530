"""What makes a script short: names for long paths, and loops for commands that repeat.

Both change only how a command is written. With its names and loops written out again, a script has every command of its steps.
"""

from __future__ import annotations

import re

from mydocker.steps.base import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SAFE = re.compile(r"[\w@%+=:,./-]+", re.ASCII)  # what a shell leaves as it is, unquoted too
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_FEWEST = 3  # a loop of two is longer than two commands
_VARIABLE = "each"


def named(text: str, names: dict[str, str]) -> str:
    """Return a command with variables for paths and ids.

    names: {path or id: the variable that holds it}, the longest first, as usable() returns them

    Between quotes and in here-documents nothing is replaced.
    """
    if "<<" in text:
        return text
    parts = _QUOTED.split(text)
    kept = [*_QUOTED.findall(text), ""]
    return "".join(_replaced(part, names) + quoted for part, quoted in zip(parts, kept, strict=True))


def document(text: str, names: dict[str, str]) -> str:
    """Return what a here-document with variables has to hold, so that a shell makes this text of it."""
    return _replaced(re.sub(r"[\\$`]", r"\\\g<0>", text), names)


def usable(names: dict[str, str]) -> dict[str, str]:
    """Return the names of those paths and ids that a shell need not quote."""
    return {value: name for value, name in names.items() if _SAFE.fullmatch(value)}


def _replaced(part: str, names: dict[str, str]) -> str:
    for value, name in names.items():
        part = re.sub(rf"(?<![\w./-]){re.escape(value)}(?![\w.-])", lambda _, name=name: f"${name}", part)  # type: ignore[misc]
        if "/" not in value:
            part = re.sub(rf"(?<=[/:]){re.escape(value)}(?![\w.-])", lambda _, name=name: f"${name}", part)  # type: ignore[misc]
    return part


def looped(commands: list[str]) -> list[str]:
    """Return commands in the same order, those that repeat with one word changed as loops."""
    lines: list[str] = []
    at = 0
    while at < len(commands):
        loop = max(
            (each for size in (1, 2) for each in _Loop.at(commands, at, size)), key=lambda each: each.saves(commands, at), default=None
        )
        lines += loop.lines() if loop else commands[at].split("\n")
        at += loop.size * len(loop.words) if loop else 1
    return lines


class _Loop:
    """Commands that repeat. parts: the text of the commands around the word that changes. size: how many commands there are each time."""

    def __init__(self, parts: list[str], words: list[str], size: int) -> None:
        self.parts = parts
        self.words = words
        self.size = size

    @classmethod
    def at(cls, commands: list[str], start: int, size: int) -> list[_Loop]:
        """Return the loops that begin at a command, with one word or another that changes; none if nothing repeats there."""
        blocks = ["\n".join(commands[at : at + size]) for at in range(start, len(commands) - size + 1, size)]
        if len(blocks) < _FEWEST or "<<" in blocks[0] or blocks[0].startswith("#") or "\n#" in blocks[0]:
            return []
        loops = [cls(parts, _words(parts, blocks), size) for parts in _ways_to_part(blocks[0], blocks[1])]
        return [loop for loop in loops if len(loop.words) >= _FEWEST and loop._is_safe()]

    def saves(self, commands: list[str], start: int) -> int:
        """Return how many characters shorter the loop is than the commands, of which it stands for those from `start` on."""
        return len("\n".join(commands[start : start + self.size * len(self.words)])) - len("\n".join(self.lines()))

    def _is_safe(self) -> bool:
        """Say whether a shell takes the words as they are: where the variable stands unquoted, they hold nothing to be expanded."""
        text = "\0".join(self.parts)
        outside, quoted = "\0" in "".join(_QUOTED.split(text)), _QUOTED.findall(text)
        inside = "".join(each for each in quoted if "\0" in each)
        if re.search(r'["$`\\]', inside) or any("\n" in each for each in quoted):
            return False
        return not outside or all(_SAFE.fullmatch(word) for word in self.words)

    def lines(self) -> list[str]:
        """Return the loop in shell."""
        quoted = "\0".join(self.parts)
        body = _QUOTED.sub(lambda found: f'"{found[0][1:-1]}"' if "\0" in found[0] else found[0], quoted)
        body = re.sub(r"\0(?=\w)", f"${{{_VARIABLE}}}", body).replace("\0", f"${_VARIABLE}")
        return [f"for {_VARIABLE} in {' '.join(map(quote, self.words))}; do", *(f"    {line}" for line in body.split("\n")), "done"]


def _ways_to_part(one: str, other: str) -> Iterator[list[str]]:
    """Yield the text around what differs in two texts, for each word that may be it: whole names of a path, one or several."""
    first = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    left = max(one.rfind(mark, 0, first) for mark in " '") + 1
    whole = re.match(r"[^\s;'\")]*", one[left:])
    names = [at for at, mark in enumerate((whole[0] if whole else "") + "/") if mark == "/"]
    begins = [left, *(left + at + 1 for at in names if left + at < first)]
    ends = [left + at for at in names if left + at >= first]
    for begin in begins:
        for end in ends:
            if begin < end:
                yield re.split(rf"(?<![\w-]){re.escape(one[begin:end])}(?![\w-])", one)


def _words(parts: list[str], blocks: list[str]) -> list[str]:
    """Return the word that stands in the place of the first one in each block, as far as the blocks have the same text around it."""
    pattern = re.escape(parts[0]) + r"([^\s'\"$`;]+)" + r"\1".join(map(re.escape, parts[1:]))
    words: list[str] = []
    for block in blocks:
        found = re.fullmatch(pattern, block)
        if not found:
            break
        words.append(found[1])
    return words
