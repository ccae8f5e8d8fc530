"""What a terminal shows of a build, as BuildKit does: steps that have ended, and below them those that run, with their last lines.

 => CACHED [one 2/5] RUN apk add gcc                      0.0s
 => [two 4/5] COPY . /src                                 0.2s
[+] Building 3.1s (3/5)
 => [one 3/5] RUN make                                    2.9s
 => => # gcc -c main.c
"""

from __future__ import annotations

from collections import deque
from tempfile import TemporaryFile

from mydocker.cli.redrawn import cut, plain, width
from mydocker.images import dockerfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# So many lines of a step's output are shown while it runs.
_TAIL = 6
# What has become of a build, or of a step.
FINISHED, CANCELED, ERROR, _CACHED = "FINISHED", "CANCELED", "ERROR", "CACHED"
_RULE = "------"
# So many lines of the Dockerfile are shown before and after an instruction that fails.
_AROUND = 2
_CHUNK = 1 << 16


class _Step:
    """An instruction that is being executed."""

    def __init__(self, title: str, now: float, counts: bool) -> None:
        self.title = title
        self.begun = now
        self.counts = counts  # whether it is one of the Dockerfile's
        self.word = ""  # what is special about it
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._rest = b""  # the line that has not ended yet
        self._output = TemporaryFile()  # noqa: SIM115 - closed with the step

    def write(self, data: bytes) -> None:
        """Take what its command writes."""
        self._output.write(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._tail += map(_shown, whole[-_TAIL:])
        self._rest = self._rest[-_CHUNK:]

    def tail(self, most: int) -> list[str]:
        """Return the last lines of its output."""
        lines = [*self._tail, *([_shown(self._rest)] if self._rest else [])]
        return lines[max(0, len(lines) - most) :]

    def output(self) -> Iterator[str]:
        """Yield all lines of its output."""
        self._output.seek(0)
        for line in self._output:
            yield _shown(line.rstrip(b"\n"))

    def close(self) -> None:
        self._output.close()


def _shown(line: bytes) -> str:
    return plain(line.decode(errors="replace"))


class Display:
    """The build as it is shown. Its methods but lines() are called with what happens in a process that builds stages, one after the other.

    name, text: the Dockerfile's
    begun: when the build began; all moments are seconds of one clock
    """

    def __init__(self, name: str, text: str, begun: float) -> None:
        self._name = name
        self._text = text
        self._begun = begun
        self._steps: dict[int, _Step] = {}  # by the process that works on it
        self._gone: list[str | tuple[str, str]] = []  # a line, or its left part and its right one
        self._done = self._count = 0

    def begins(self, process: int, now: float, stage: str, number: int, count: int, source: str) -> None:
        self.is_done(process, now)
        place = " ".join(filter(None, (stage, f"{number}/{count}" if number else "ONBUILD")))
        self._steps[process] = _Step(f"[{place}] {plain(source)}", now, bool(number))
        self._count = max(self._count, count)

    def is_cached(self, process: int, now: float) -> None:
        self._steps[process].word = _CACHED

    def writes(self, process: int, now: float, data: bytes) -> None:
        """Take what the command of a step writes. Where no step runs, it stays."""
        if process in self._steps:
            self._steps[process].write(data)
        else:
            self._gone += map(_shown, data.rstrip(b"\n").split(b"\n"))

    def line(self, process: int, now: float, text: str) -> None:
        self._gone.append(plain(text))

    def is_done(self, process: int, now: float) -> None:
        step = self._steps.pop(process, None)
        if step:
            self._gone.append(_line(step, now))
            self._done += step.counts and step.word != CANCELED
            step.close()

    def has_failed(self, process: int, now: float, line: int) -> None:
        step = self._steps.pop(process, None)
        if step:
            step.word = ERROR
            written = list(step.output())
            self._gone.append(_line(step, now))
            self._gone += [_RULE, f" > {step.title}:", *written, _RULE]
            step.close()
        self._gone += _excerpt(self._name, self._text, line)

    def end(self, now: float, word: str) -> None:
        """Take the end of the whole build. word: what it is called"""
        for process in sorted(self._steps):
            self._steps[process].word = "" if word == FINISHED else CANCELED
            self.is_done(process, now)
        self._gone.append(f"{self._header(now)} {word}")

    def _header(self, now: float) -> str:
        return f"[+] Building {now - self._begun:.1f}s ({self._done}/{self._count})"

    def gone(self, columns: int) -> list[str]:
        """Return the lines that stay as they are, each once."""
        found, self._gone = self._gone, []
        return [line if isinstance(line, str) else _laid_out(*line, columns) for line in found]

    def lines(self, now: float, columns: int, rows: int) -> list[str]:
        """Return the lines that change, as many as fit on a terminal."""
        steps = sorted(self._steps.values(), key=lambda step: step.begun)
        most = min(_TAIL, (rows - 2 - len(steps)) // max(1, len(steps)))
        found = [self._header(now)]
        for step in steps:
            found.append(_laid_out(*_line(step, now), columns))
            found += [f" => => # {line}" for line in step.tail(max(0, most))]
        return found


def _line(step: _Step, now: float) -> tuple[str, str]:
    return " => " + " ".join(filter(None, (step.word, step.title))), f"{now - step.begun:.1f}s"


def _laid_out(left: str, right: str, columns: int) -> str:
    """Return two texts as one line, the second one at the terminal's right border."""
    room = max(0, columns - 2 - len(right))
    left = cut(left, room)
    return f"{left}{' ' * (room - width(left))} {right}"


def _excerpt(name: str, text: str, line: int) -> list[str]:
    """Return the lines of the Dockerfile around an instruction, which are marked. line: the number of its first line"""
    lines = text.split("\n")
    following = [each.line for each in dockerfile.parse(text, name) if each.line > line]
    last = (min(following) if following else len(lines) + 1) - 1
    while last > line and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
        last -= 1
    around = range(max(1, line - _AROUND), min(len(lines), last + _AROUND) + 1)
    shown = [f"{number:4} | {'>>>' if line <= number <= last else '   '} {plain(lines[number - 1])}".rstrip() for number in around]
    return [f"{name}:{line}", "-" * 20, *shown, "-" * 20]
