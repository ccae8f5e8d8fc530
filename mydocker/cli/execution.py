"""How a verb's steps are executed: they are applied, told with --explain, or only told with --dry-run."""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.cli.base import Session, echo
from mydocker.cli.table import harmless
from mydocker.steps.base import Run, Step
from mydocker.steps.faults import injected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.monitor.client import Explain
    from mydocker.engine.view.script import Plans


class DryRun(Run):
    """A run that tells its steps and applies none of them."""

    def apply(self, step: Step) -> None:
        if self.observer:
            self.observer(self.who, step, 0.0)


def runner(session: Session) -> Run:
    """Return the run that executes a verb's steps. It tells them as the session asks."""
    how = session.explain or "text"

    def told(who: str, step: Step, seconds: float) -> None:
        text = step.shell() if how == "sh" else step.describe()
        tell(how, who, text, None if session.dry_run else seconds, err=not session.dry_run)

    if session.dry_run:
        return DryRun("cli", told)
    return Run("cli", told if session.explain else None, injected(os.environ))


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
            tell(session.explain or "text", who, step.describe(), None, err=False)
    return session.dry_run


def telling(session: Session) -> tuple[str, Explain | None]:
    """Return how a monitor tells its steps ('' for not at all), and the function that prints them, or None."""
    how = session.explain if session.explain in ("text", "json") else ""
    return how, (lambda who, text, seconds: tell(how, who, text, seconds)) if how else None


def tell(how: str, who: str, text: str, seconds: float | None, err: bool = True) -> None:
    """Print one step.

    how: 'text', 'sh' or 'json'
    who: the process that did it
    seconds: the time that it took, None if it was not done
    err: whether to print on standard error
    """
    if how == "sh":
        echo(text, err=err)
    elif how == "json":
        echo(leanjson.dumps({"who": who, "step": text, "seconds": seconds}), err=err)
    else:
        took = "" if seconds is None else f"{seconds * 1000:8.2f} ms"
        echo(f"{who:8}{took} {harmless(text)}", err=err)
