"""The verb rm."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, complain, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import SOME, argument, switch, verb
from mydocker.engine.container.remove import remove
from mydocker.engine.record import containers
from mydocker.errors import NotFound
from mydocker.steps.base import Action


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
        runner(session).apply(removal(session, container_id, name, force, volumes))
        if not session.dry_run:
            echo(name)

    return each(names, one)


def removal(session: Session, container_id: str, name: str, force: bool, volumes: bool) -> Action:
    """Return the step that removes a container.

    name: what the user called it, for errors
    force: end it first if it runs
    volumes: remove its anonymous volumes too
    """
    text = f"remove container {container_id[:12]}: its cgroup, state, name, writable layer and record"
    return Action(lambda: remove(session.paths, container_id, name, force, volumes), text)
