"""Verbs that change nothing say where they read, if --explain asks for it. With --dry-run they read all the same."""

from __future__ import annotations

from mydocker.steps.base import Run, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from mydocker.cli.base import Session

    Found = TypeVar("Found")


class Reading(Step):
    """Something that is read."""

    action: Callable[[], object]  # what apply() calls
    text: str  # says where it reads

    def apply(self) -> None:
        self.action()

    def describe(self) -> str:
        return self.text


def read(session: Session, action: Callable[[], Found], text: str) -> Found:
    """Return what a function reads. text: says where it reads that"""
    if not session.explain:
        return action()
    from mydocker import explaining  # most command lines tell nothing
    from mydocker.cli.execution import teller

    found: list[Found] = []
    Run("cli", explaining.observer(teller(session).tell, "cli")).apply(Reading(lambda: found.append(action()), text))
    return found[0]
