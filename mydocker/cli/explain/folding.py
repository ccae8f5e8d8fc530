"""Steps that are nearly the same become one line: over many cgroup hierarchies, for many devices, directories or masks.

mkdir /sys/fs/cgroup/cpu/mydocker mode 755        mkdir /sys/fs/cgroup/*/mydocker mode 755 (12 hierarchies)
mknod /dev/null in the root c 1:3 mode 666        mknod /dev/{null,zero} in the root c {1:3,1:5} mode 666
mknod /dev/zero in the root c 1:5 mode 666
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from mydocker import reasons
from mydocker.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mydocker.messages import Explanation

_HIERARCHY = re.compile(r"(/cgroup)/([^/\s]+)((?: in the root type cgroup .*data )\S+|)")
_MANY = {"en": " ({} hierarchies)", "zh": "（{} 个层级）"}
_MOST_DIFFERENT = 2  # words in which two steps may differ to be told in one line


class Line(Value):
    """One or more steps of one process that are told in one line."""

    who: str
    words: str
    origin: str
    why: reasons.Reason
    seconds: float | None  # of all of them


def folded(steps: list[Explanation], language: str) -> list[Line]:
    """Return the lines of a group of steps, each at the place of its first step."""
    runs: list[list[Line]] = []
    for line in _over_hierarchies(steps, language):
        if runs and _alike([*runs[-1], line]):
            runs[-1].append(line)
        else:
            runs.append([line])
    return [_joined(run) for run in runs]


def _over_hierarchies(steps: list[Explanation], language: str) -> list[Line]:
    same: dict[tuple[str, ...], list[Explanation]] = {}
    for step in steps:
        same.setdefault((step["who"], step["origin"], any_hierarchy(step["step"])), []).append(step)
    return [_line(several, key[2] + _MANY[language].format(len(several))) for key, several in same.items()]


def any_hierarchy(words: str) -> str:
    """Return a step's words with * for the hierarchy, if they name one."""
    return _HIERARCHY.sub(lambda found: f"{found[1]}/*{found[3].rpartition(' ')[0] + ' *' if found[3] else ''}", words)


def _line(steps: list[Explanation], words: str) -> Line:
    first, times = steps[0], [step["seconds"] for step in steps if step["seconds"] is not None]
    told = first["step"] if len(steps) == 1 else words
    return Line(
        who=first["who"], words=told, origin=first["origin"], why=reasons.reason(first), seconds=sum(times) if times else first["seconds"]
    )


def _alike(run: list[Line]) -> bool:
    """Say whether lines differ in so few words that they can be told together."""
    if len({(line.who, line.origin, line.why) for line in run}) > 1 or len({len(line.words.split(" ")) for line in run}) > 1:
        return False
    return sum(len(set(column)) > 1 for column in _columns(run)) <= _MOST_DIFFERENT


def _columns(run: list[Line]) -> list[tuple[str, ...]]:
    return list(zip(*(line.words.split(" ") for line in run), strict=True))


def _joined(run: list[Line]) -> Line:
    first = run[0]
    seconds = None if first.seconds is None else sum(line.seconds or 0.0 for line in run)
    return Line(who=first.who, words=" ".join(map(_braces, _columns(run))), origin=first.origin, why=first.why, seconds=seconds)


def _braces(words: tuple[str, ...]) -> str:
    """Return words as one, what differs in braces: ('/dev/null,', '/dev/zero,') is '/dev/{null,zero},'."""
    if len(set(words)) == 1:
        return words[0]
    before = _common(words).rpartition("/")
    start = before[0] + before[1]
    end = _common([word[len(start) :][::-1] for word in words])[::-1]
    end = end[re.search(r"\W|$", end).start() :]  # type: ignore[union-attr]  # it always matches
    return f"{start}{{{','.join(dict.fromkeys(word[len(start) : len(word) - len(end)] for word in words))}}}{end}"


def _common(words: Sequence[str]) -> str:
    """Return the characters with which all words begin."""
    same = takewhile(lambda characters: len(set(characters)) == 1, zip(*words, strict=False))
    return "".join(characters[0] for characters in same)
