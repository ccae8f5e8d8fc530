"""The verb system boot: start again what is to run all the time."""

from __future__ import annotations

import click

from mydocker.cli.base import Session, Verb, each, explain_option
from mydocker.cli.execution import runner
from mydocker.engine.container.boot import start, wanted
from mydocker.steps.base import Action


@click.command(cls=Verb)
@explain_option
@click.pass_obj
def boot(session: Session, /) -> int:
    """Start the containers with --restart always or unless-stopped that do not run, but for those that a user stopped.

    A service calls this at boot. It is also what helps after a container and its monitor were killed together.

    Example: mydocker system boot
    """
    records = {record["name"]: record for record in wanted(session.paths)}

    def one(name: str) -> None:
        container_id = records[name]["id"]
        runner(session).apply(Action(lambda: start(session.paths, container_id), f"start container {container_id[:12]}"))
        if not session.dry_run:
            click.echo(name)

    return each(tuple(records), one)
