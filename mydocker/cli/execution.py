"""How a verb's steps are executed: they are applied, told with --explain, or only told with --dry-run."""

from __future__ import annotations

import os

from mydocker import explaining
from mydocker.cli.base import Session, echo
from mydocker.steps.base import Run, Step
from mydocker.steps.faults import injected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.cli.base import Read, Teller
    from mydocker.engine.monitor.client import Explain
    from mydocker.engine.view.script import Plans


class DryRun(Run):
    """A run that tells its steps and applies none of them."""

    def apply(self, step: Step) -> None:
        if self.observer:
            self.observer(self.who, step, 0.0)


def runner(session: Session) -> Run:
    """Return the run that executes a verb's steps. It tells them as the session asks."""
    if session.dry_run:
        tell = teller(session).tell
        return DryRun("cli", lambda who, step, _: tell(explaining.planned(who, step)))
    return Run("cli", explaining.observer(teller(session).tell, "cli") if session.explain else None, injected(os.environ))


class Reading(Step):
    """Something that is read, by a verb that changes nothing."""

    action: Callable[[], object]  # what apply() calls
    text: str  # says where it reads

    def apply(self) -> None:
        self.action()

    def describe(self) -> str:
        return self.text


def read(session: Session, action: Callable[[], Read], text: str) -> Read:
    """Return what a function reads, and tell where. With --dry-run it is read all the same, as that changes nothing."""
    found: list[Read] = []
    Run("cli", explaining.observer(teller(session).tell, "cli")).apply(Reading(lambda: found.append(action()), text))
    return found[0]


def teller(session: Session) -> Teller:
    """Return what prints the steps of a session. There is one for all of them."""
    if session.teller is None:
        from mydocker.cli.explain.choice import teller_of  # only those who ask for it pay for it

        session.teller = teller_of(session)
    return session.teller


def wants_plan(session: Session) -> bool:
    """Say whether all plans of a start or exec are told, before it is done or instead of it."""
    return session.dry_run or session.explain == "sh"


def tell_plan(session: Session, whole: Plans, script: str) -> bool:
    """Print every step for --dry-run, or the script for --explain=sh. Return whether nothing more is to be done."""
    if session.explain == "sh":
        echo(script, end="", err=not session.dry_run)
        session.explain = None
    else:
        for who, step in whole.every():
            teller(session).tell(explaining.planned(who, step))
    return session.dry_run


def telling(session: Session) -> Explain | None:
    """Return the function that prints a step of a monitor, or None if they are not told. A script has told them already."""
    if not session.explain or session.explain == "sh":
        return None
    explaining.watch(teller(session).tell, "cli")
    return teller(session).tell
