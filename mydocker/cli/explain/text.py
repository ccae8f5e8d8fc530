"""Steps as text for people: grouped by what is made, the same step over many hierarchies in one line, nothing wider than the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mydocker import reasons
from mydocker.cli.base import echo
from mydocker.cli.explain.folding import Line, folded
from mydocker.cli.explain.teller import Teller
from mydocker.cli.table import harmless
from mydocker.width import terminal_width, wrapped

if TYPE_CHECKING:
    from mydocker.messages import Explanation
    from mydocker.paths import Paths

_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_MARGIN = "      │ "  # before a reason
_TIMED = 21  # columns before a step's words: who, how long
_UNTIMED = 11


class Grouped(Teller):
    """Keeps the steps, and prints them in groups at flush(). why: whether the reasons are printed too."""

    def __init__(self, paths: Paths, err: bool, why: bool) -> None:
        super().__init__(err)
        self.paths = paths
        self.why = why
        self.kept: list[Explanation] = []

    def tell(self, told: Explanation) -> None:
        if not told["message"]:
            self.kept.append(told)

    def flush(self) -> None:
        if self.kept:
            lines = text(self.kept, names(self.paths, self.kept), terminal_width(self.err), reasons.language(), self.why)
            self.kept = []
            echo("\n".join(lines), err=self.err)


def names(paths: Paths, steps: list[Explanation]) -> dict[str, str]:
    """Return {long directory: the name by which it is told}, those inside others first. Only what the steps have is among them."""
    every = " ".join(step["step"] for step in steps)
    found = {f"{paths.containers}/{number}": "$CONTAINER" for number in dict.fromkeys(re.findall(r"containers/([0-9a-f]{64})\b", every))}
    if len(found) > 1:
        found = {}  # one name for several would mislead
    return {path: name for path, name in {**found, paths.state: "$STATE", paths.root: "$ROOT"}.items() if path in every}


def text(steps: list[Explanation], known: dict[str, str], width: int, language: str, why: bool) -> list[str]:
    """Return the lines of all steps.

    known: the names of long directories, as names() returns them
    width: columns that a line has at most
    language: of the headings and the reasons
    why: whether each reason is told, once in a group
    """
    lines = [line for path, name in reversed(known.items()) for line in wrapped(f"{name} = {shortened(path, _outer(known, path))}", width)]
    for kind, group in groups(steps).items():
        lines += ["", *wrapped(_heading(kind, group, language), width)]
        told: set[str] = set()
        for line in folded([{**step, "step": shortened(harmless(step["step"]), known)} for step in group], language):
            lines += _step(line, width)
            if why and line.why.text(language) not in told:
                told.add(line.why.text(language))
                lines += _reason(line, width, language)
    return lines if lines[0] else lines[1:]


def groups(steps: list[Explanation]) -> dict[str, list[Explanation]]:
    """Return the steps of each kind in order of time, and the kinds in the order of their first steps."""
    found: dict[str, list[Explanation]] = {}
    for step in sorted(steps, key=lambda each: each["at"] or 0.0):  # in a dry run, the order in which they would be done
        found.setdefault(reasons.reason(step).kind, []).append(step)
    return found


def shortened(words: str, known: dict[str, str]) -> str:
    """Return a text with names for long directories, and with the first 12 digits of ids."""
    for path, name in known.items():
        words = re.sub(rf"{re.escape(path)}(?![\w.-])", lambda _, name=name: name, words)  # type: ignore[misc]
    return _ID.sub(r"\1", words)


def _outer(known: dict[str, str], path: str) -> dict[str, str]:
    return {other: name for other, name in known.items() if other != path}


def _heading(kind: str, group: list[Explanation], language: str) -> str:
    name = reasons.kind_name(kind, language)
    times = [step["seconds"] for step in group if step["seconds"] is not None]
    return f"{name}  {sum(times) * 1000:.2f} ms" if times else name


def _step(line: Line, width: int) -> list[str]:
    took = "" if line.seconds is None else f"{line.seconds * 1000:7.2f} ms"
    return wrapped(f"  {line.who:8}{took} {line.words}", width, _indent(line))


def _reason(line: Line, width: int, language: str) -> list[str]:
    inside = [line.why.text(language), reasons.place(line.origin)]
    return [_MARGIN + each for part in inside for each in wrapped(part, width - len(_MARGIN))]


def _indent(line: Line) -> int:
    return _UNTIMED if line.seconds is None else _TIMED
