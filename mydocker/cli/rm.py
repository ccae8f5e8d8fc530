"""The verb rm."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, complain, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import SOME, argument, switch, verb
from mydocker.engine.container.remove import remove
from mydocker.engine.record import containers
from mydocker.errors import NotFound


@verb(
    switch("-f", "--force", help="End a running container first (SIGKILL)."),
    switch("-v", "--volumes", help="Remove its anonymous volumes too."),
    *EXPLAIN,
    argument("names", "CONTAINER...", SOME),
)
def rm(session: Session, force: bool, volumes: bool, names: tuple[str, ...]) -> int:
    """Remove containers.

    Example: mydocker rm -f web
    """

    def one(name: str) -> None:
        try:
            container_id = containers.resolve(session.paths, name)
        except NotFound:
            if force:
                return complain(f"no such container: {name}")
            raise
        remove(session.paths, container_id, name, force, volumes, runner(session), session.dry_run)
        if not session.dry_run:
            echo(name)

    return each(names, one)
