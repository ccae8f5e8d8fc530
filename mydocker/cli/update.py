"""The verb update: change limits and the restart policy of containers."""

from __future__ import annotations

from typing import Any

import click

from mydocker.cli.base import Session, Verb, each, explain_option
from mydocker.cli.execution import runner
from mydocker.cli.flags import update_flags
from mydocker.engine.container import update as engine
from mydocker.engine.record import containers


@click.command(cls=Verb)
@update_flags
@explain_option
@click.argument("names", nargs=-1, required=True, metavar="CONTAINER...")
@click.pass_obj
def update(session: Session, /, names: tuple[str, ...], **flags: Any) -> int:
    """Change limits and the restart policy of containers, at once where they run.

    Example: mydocker update -m 128m --cpus 1.5 web
    """
    wanted = engine.parse(flags)

    def one(name: str) -> None:
        record = containers.load(session.paths, containers.resolve(session.paths, name))
        runner(session).execute(engine.steps(session.paths, record, wanted))
        if not session.dry_run:
            click.echo(name)

    return each(names, one)
