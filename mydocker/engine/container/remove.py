"""Remove a container from outside: end it if it runs and may be ended, and let go of all that is its."""

from __future__ import annotations

from mydocker.engine.container import life, orphans
from mydocker.engine.monitor import end, restart
from mydocker.engine.record import containers, locks, state
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.steps.base import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths


def removal(paths: Paths, container_id: str, name: str, force: bool, volumes: bool) -> Action:
    """Return the step that removes a container, with the arguments of remove()."""
    text = f"remove container {container_id[:12]}: its cgroup, state, name, writable layer and record"
    return Action(lambda: remove(paths, container_id, name, force, volumes), text)


def remove(paths: Paths, container_id: str, name: str, force: bool, volumes: bool) -> None:
    """Remove a container. Raises Conflict if it runs and is not to be ended, and Damaged if its record is, unless force.

    name: what the user called it, for errors
    force: end it first if it runs
    volumes: remove its anonymous volumes too
    """
    try:
        _remove_whole(paths, container_id, name, force, volumes)
    except Damaged as error:
        if not force:
            raise Damaged(error.message, f"remove it: mydocker rm -f {name}") from error
        for problem in orphans.destroy(paths, container_id)[:1]:
            raise problem from error


def _remove_whole(paths: Paths, container_id: str, name: str, force: bool, volumes: bool) -> None:
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
