"""Steps, and the loop that executes them.

A step is one effect that can apply, undo and describe itself. A plan is a list of steps, made by a pure function. One loop executes
all plans. It tells --explain what was done, remembers what a failure has to undo, and is where a test injects a crash.
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

    from mydocker.steps.faults import Fault

    # It is called with (who, step, seconds) after each step that was applied.
    Observer = Callable[[str, "Step", float], None]


@dataclass_transform()
class Step(metaclass=Fields):
    """One effect on the kernel or the disk.

    Subclasses declare their fields as values do (value.py). A step is made with its fields in their order, as a system call takes
    its arguments, or by keyword.
    """

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
        __slots__: ClassVar[tuple[str, ...]]

    def __init__(self, *values: Any, **named: Any) -> None:
        fill(self, {**dict(zip(self._fields, values, strict=False)), **named})

    def apply(self) -> None:
        """Do what the step says. Raises OSError or Error."""
        raise NotImplementedError

    def undo(self) -> None:
        """Take the effect back. A step whose effect ends with its process has nothing to undo."""

    def assume(self) -> None:
        """Set what later steps must know of this one, as if it were done. It is called in place of apply() in a plan that is only told."""

    def describe(self) -> str:
        """Return one line that says what the step does, in the words of the manual pages."""
        raise NotImplementedError

    def shell(self) -> str:
        """Return the shell command that does the same. If there is none, return a line that starts with #."""
        return comment(self.describe())

    @property
    def origin(self) -> str:
        """The name of the class, or of the function that wrote an Action. reasons.toml says under it why there is such a step."""
        made = self.action if isinstance(self, Action) else type(self)
        return f"{made.__module__}.{made.__qualname__}".removeprefix("mydocker.").partition(".<locals>")[0]

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Step) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), repr(self._values())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._values()!r}"


class Action(Step):
    """A function to call and the words for it, for an effect of a verb that needs no class of its own."""

    action: Callable[[], object]  # what apply() calls
    text: str  # what describe() returns
    line: str = ""  # what shell() returns; without it, the text as a comment

    def apply(self) -> None:
        self.action()

    def describe(self) -> str:
        return self.text

    def shell(self) -> str:
        return self.line or super().shell()


class Run:
    """One process's execution of plans: it knows who the process is, who listens, and what can be undone.

    who: 'cli', 'api', 'monitor' or 'init'.
    observer: what is called after each step, or None.
    faults: what tests inject (faults.py): the process kills itself with SIGKILL right after a step, or a step fails.
    """

    __slots__ = ("who", "observer", "done", "count", "_faults")

    def __init__(self, who: str, observer: Observer | None = None, faults: Iterable[Fault] = ()) -> None:
        self.who = who
        self.observer = observer
        self.done: list[Step] = []
        self.count = 0
        self._faults = {(number, error) for name, number, error in faults if name in ("", who)}

    def execute(self, plan: Iterable[Step]) -> None:
        """Apply the steps in their order. The first OSError is raised as StepFailed. Whether to undo is the caller's choice."""
        for step in plan:
            self.apply(step)

    def apply(self, step: Step) -> None:
        """Apply one step, remember it for undo_all(), and tell the observer."""
        start = monotonic()
        self.count += 1
        try:
            for number, fault in self._faults:
                if number == self.count and fault:
                    raise OSError(fault, os.strerror(fault))
            step.apply()
        except OSError as error:
            raise StepFailed(f"{step.describe()}: {error.strerror or error}", error.errno or 0) from error
        self.done.append(step)
        if self.observer:
            self.observer(self.who, step, monotonic() - start)
        if (self.count, 0) in self._faults:
            os.kill(os.getpid(), 9)
            os._exit(137)  # A signal that pid 1 of a namespace sends to itself does not arrive.

    def undo_all(self) -> list[Error]:
        """Undo every step that was applied, the last one first. Go on past errors, and return them."""
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
    """A run that executes nothing. Its `done` is what would have been done."""

    __slots__ = ()

    def apply(self, step: Step) -> None:
        step.assume()
        self.done.append(step)


def quote(word: str) -> str:
    """Return a word as sh takes it, in quotes if it needs them. (shlex.quote would do the same, and cost 5 ms for importing re.)"""
    if word and all((c.isalnum() and c.isascii()) or c in "@%+=:,./-_" for c in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def comment(text: str) -> str:
    """Return a text as a comment of sh. Each of its lines becomes one, because a name may hold newlines."""
    return "\n".join(f"# {line}" for line in text.split("\n"))


def command(*words: str) -> str:
    """Return words as one command line of sh, each quoted if it needs it."""
    return " ".join(quote(word) for word in words)
