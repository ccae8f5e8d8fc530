"""A step is one effect on the kernel that can apply, undo and describe itself; a plan is a list of them.

Plans are made by pure functions and executed here, by one loop. That loop is where --explain listens, where a
failure undoes what was done, and where a test injects a crash.
"""

from __future__ import annotations

import os
from time import monotonic

from mydocker.errors import Error, StepFailed
from mydocker.value import Fields, dataclass_transform, fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ClassVar

    # (who, step, seconds): told after each step that was applied.
    Observer = Callable[[str, "Step", float], None]


@dataclass_transform()
class Step(metaclass=Fields):
    """One effect. Subclasses declare their fields as values do; these are given in their order, as a system call has it, or by name."""

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
        __slots__: ClassVar[tuple[str, ...]]

    def __init__(self, *values: Any, **named: Any) -> None:
        fill(self, {**dict(zip(self._fields, values, strict=False)), **named})

    def apply(self) -> None:
        """Do it. Raises OSError or Error."""
        raise NotImplementedError

    def undo(self) -> None:
        """Take it back; a step whose effect ends with its process has nothing to undo."""

    def assume(self) -> None:
        """Take for done what later steps must know of this one, in a plan that is only told."""

    def describe(self) -> str:
        """Return one line in the words of the manual pages."""
        raise NotImplementedError

    def shell(self) -> str:
        """Return the shell command that does the same; a line that starts with # where there is none."""
        return comment(self.describe())

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Step) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), repr(self._values())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._values()!r}"


class Action(Step):
    """An effect of a verb on one object that is no plan of its own: what to call, and how to say it."""

    action: Callable[[], object]
    text: str
    line: str = ""

    def apply(self) -> None:
        self.action()

    def describe(self) -> str:
        return self.text

    def shell(self) -> str:
        return self.line or super().shell()


class Run:
    """One process's execution of plans: who it is, who listens, what can be undone.

    who: 'cli', 'monitor' or 'init'. crash_after: 'N' or 'WHO:N' (MYDOCKER_CRASH_AFTER, for tests only): this
    process kills itself with SIGKILL right after its Nth step.
    """

    __slots__ = ("who", "observer", "done", "count", "_crash_at")

    def __init__(self, who: str, observer: Observer | None = None, crash_after: str = "") -> None:
        self.who = who
        self.observer = observer
        self.done: list[Step] = []
        self.count = 0
        name, _, number = crash_after.rpartition(":")
        self._crash_at = int(number) if number and name in ("", who) else 0

    def execute(self, plan: Iterable[Step]) -> None:
        """Apply the steps in order. The first failure is raised as StepFailed; undoing is the caller's choice."""
        for step in plan:
            self.apply(step)

    def apply(self, step: Step) -> None:
        """Apply one step, tell the observer, remember it for undo_all()."""
        start = monotonic()
        try:
            step.apply()
        except OSError as error:
            raise StepFailed(f"{step.describe()}: {error.strerror or error}", error.errno or 0) from error
        self.done.append(step)
        self.count += 1
        if self.observer:
            self.observer(self.who, step, monotonic() - start)
        if self.count == self._crash_at:
            os.kill(os.getpid(), 9)
            os._exit(137)  # pid 1 of a namespace does not feel its own signals

    def undo_all(self) -> list[Error]:
        """Undo every applied step in reverse, going on past errors; return the errors."""
        problems: list[Error] = []
        while self.done:
            step = self.done.pop()
            try:
                step.undo()
            except OSError as error:
                problems.append(StepFailed(f"undo {step.describe()}: {error.strerror or error}", error.errno or 0))
            except Error as error:
                problems.append(error)
        return problems


class Telling(Run):
    """Executes nothing: `done` is what would have been done."""

    __slots__ = ()

    def apply(self, step: Step) -> None:
        step.assume()
        self.done.append(step)


def quote(word: str) -> str:
    """Quote a word for sh, leaving harmless ones bare (shlex.quote without the 5 ms that re costs)."""
    if word and all((c.isalnum() and c.isascii()) or c in "@%+=:,./-_" for c in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def comment(text: str) -> str:
    """Return a text as sh comments: each of its lines, as a name may hold newlines."""
    return "\n".join(f"# {line}" for line in text.split("\n"))


def command(*words: str) -> str:
    """Return words as one sh command line."""
    return " ".join(quote(word) for word in words)
