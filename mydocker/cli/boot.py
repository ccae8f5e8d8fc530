"""The verb system boot: start again what is to run all the time."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import verb
from mydocker.engine.container.boot import start, wanted
from mydocker.steps.base import Action


@verb(
    *EXPLAIN,
)
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
            echo(name)

    return each(tuple(records), one)
