"""The verb rm."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, complain, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import SOME, argument, switch, verb
from mydocker.engine.container import life, orphans
from mydocker.engine.monitor import end, restart
from mydocker.engine.record import containers, locks, state
from mydocker.errors import Conflict, Damaged, NotFound
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
    return Action(lambda: _remove(session, container_id, name, force, volumes), text)


def _remove(session: Session, container_id: str, name: str, force: bool, volumes: bool) -> None:
    try:
        _remove_whole(session, container_id, name, force, volumes)
    except Damaged as error:
        if not force:
            raise Damaged(error.message, f"remove it: mydocker rm -f {name}") from error
        for problem in orphans.destroy(session.paths, container_id)[:1]:
            raise problem from error


def _remove_whole(session: Session, container_id: str, name: str, force: bool, volumes: bool) -> None:
    paths = session.paths
    try:
        while True:
            with locks.ContainerLock(paths, container_id):
                record = containers.load(paths, container_id)
                if not state.running_pid(paths, container_id) and not restart.is_waiting(paths, record):
                    problems = end.runtime_state(paths, container_id) + end.container(paths, record, volumes)
                    break
            if not force:
                raise Conflict(f"container {name} is running", "stop it first, or use rm -f")
            life.end(paths, container_id)
    except NotFound:
        return  # it was run with --rm, and its monitor has removed it
    if problems:
        raise problems[0]
