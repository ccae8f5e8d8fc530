"""How a verb's steps are executed: applied, told with --explain, or only told with --dry-run."""

from __future__ import annotations

from os import environ

import click

from mydocker import leanjson
from mydocker.cli.base import Session
from mydocker.steps.base import Run, Step


class DryRun(Run):
    """Tells the steps and applies none."""

    def apply(self, step: Step) -> None:
        if self.observer:
            self.observer(self.who, step, 0.0)


def runner(session: Session) -> Run:
    """Return what executes this call's steps, telling them on standard error as the session wants."""
    tell = {"sh": _tell_shell, "json": _tell_json}.get(session.explain or "text", _tell_text)
    if session.dry_run:
        return DryRun("cli", tell)
    return Run("cli", tell if session.explain else None, environ.get("MYDOCKER_CRASH_AFTER", ""))


def _tell_text(who: str, step: Step, seconds: float) -> None:
    click.echo(f"{who:8}{step.describe()} ({seconds * 1000:.1f} ms)", err=True)


def _tell_shell(who: str, step: Step, seconds: float) -> None:
    click.echo(step.shell(), err=True)


def _tell_json(who: str, step: Step, seconds: float) -> None:
    event = {"who": who, "step": type(step).__name__, "describe": step.describe(), "shell": step.shell(), "seconds": seconds}
    click.echo(leanjson.dumps(event), err=True)
