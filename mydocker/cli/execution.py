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

    from mydocker.cli.base import Teller
    from mydocker.engine.monitor.client import Client, Explain
    from mydocker.engine.view.script import Plans
    from mydocker.explaining import Stop
    from mydocker.messages import Explanation
    from mydocker.steps.base import Observer


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
    return Run("cli", _observer(session), injected(os.environ))


def _observer(session: Session) -> Observer | None:
    """Return what is called after each step of this process: it tells the step, and stops after it, as the session asks."""
    told = explaining.observer(teller(session).tell, "cli") if session.explain else None
    if not session.stopping:
        return told
    stops = session.stopping.own
    return lambda *done: (told and told(*done), stops(*done))[1]


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
    """Return the function that hears of each step of a monitor, or None if nobody does. A script has told them already."""
    tell = teller(session).tell if session.explain and session.explain != "sh" else None
    if tell:
        explaining.watch(tell, "cli")
    stopping = session.stopping
    if not stopping:
        return tell

    def hear(told: Explanation) -> None:
        if told["message"] == "stop":
            stopping.hear(told)
        elif tell:
            tell(told)

    return hear


def stop_after(session: Session, words: str | None, plans: Callable[[], Plans]) -> None:
    """Have a start stop after the steps that have these words, if any are given, or for a moment where a page shows what there is.

    Raises BadInput if no step has the words.

    plans: returns what the start will do
    """
    if words:
        from mydocker.cli.explain.stopping import Stopping  # nobody else pays for it

        stopping = Stopping(session, words)
        stopping.check(plans())
        session.stopping = stopping
    elif session.explain == "html":
        from mydocker.cli.explain.looking import Looking

        session.stopping = Looking(session.paths, plans(), teller(session))


def started(session: Session, start: Callable[[Stop | None], Client]) -> Client:
    """Return the client of a start, which is given where it stops. What was told of it is printed."""
    stopping = session.stopping
    client = stopping.started(lambda: start(stopping.stop)) if stopping else start(None)
    session.flush()
    return client
