"""What is undone when a part of it fails, and what the error says of that."""

from __future__ import annotations

from errno import EBUSY, ENOSPC

import pytest

from mydocker.engine.record.undo import AllOrNothing
from mydocker.errors import Conflict, Error
from mydocker.steps.base import Action, Run, Step

undone: list[str] = []


class Made(Step):
    name: str
    errno: int = 0  # what its undo fails with

    def apply(self) -> None:
        return

    def undo(self) -> None:
        if self.errno:
            raise OSError(self.errno, "busy")
        undone.append(self.name)

    def describe(self) -> str:
        return f"make {self.name}"


def failing(error: BaseException, *steps: Step) -> None:
    run = Run("cli")
    with AllOrNothing(run):
        run.execute(steps)
        raise error


def test_a_failure_undoes_all_in_reverse() -> None:
    undone.clear()
    with pytest.raises(Conflict, match=r"^in use$"):
        failing(Conflict("in use"), Made(name="a"), Made(name="b"))
    assert undone == ["b", "a"]


def test_the_first_error_is_told_before_what_could_not_be_undone() -> None:
    undone.clear()
    with pytest.raises(Conflict) as caught:
        failing(Conflict("in use", "stop it"), Made(name="a"), Made(name="b", errno=EBUSY), Made(name="c"))
    assert caught.value.message == "in use; not undone: undo make b: busy"
    assert caught.value.hint == "stop it"
    assert undone == ["c", "a"]


def test_so_is_an_error_of_the_kernel() -> None:
    with pytest.raises(Error) as caught:
        failing(OSError(ENOSPC, "no room", "/x"), Made(name="a", errno=EBUSY))
    assert caught.value.message == "[Errno 28] no room: '/x'; not undone: undo make a: busy"


def test_without_a_failure_nothing_is_undone() -> None:
    undone.clear()
    run = Run("cli")
    with AllOrNothing(run):
        run.apply(Made(name="a"))
    assert (undone, len(run.done)) == ([], 1)


def test_an_interrupt_leaves_it_to_whoever_repairs() -> None:
    undone.clear()
    with pytest.raises(KeyboardInterrupt):
        failing(KeyboardInterrupt(), Action(lambda: None, "x"), Made(name="a"))
    assert undone == []
