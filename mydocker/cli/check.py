"""The verb system check: list what a crash has left, and remove it."""

from __future__ import annotations

import click

from mydocker.cli.base import Session, Verb, complain
from mydocker.engine.system import repair


@click.command(cls=Verb)
@click.option("--repair", "do_repair", is_flag=True, help="Remove what was found.")
@click.pass_obj
def check(session: Session, do_repair: bool) -> int:
    """List what a crash left behind; exit 1 if there is anything.

    Example: mydocker system check --repair
    """
    status = 0
    for leftover in repair.leftovers(session.paths):
        click.echo(("removed " if do_repair else "") + leftover.what)
        problems = leftover.repair() if do_repair else []
        for problem in problems:
            complain(problem.message)
        status = 1 if problems or not do_repair else status
    return status
