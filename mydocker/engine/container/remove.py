"""Remove a container from outside: end it if it runs and may be ended, and let go of all that is its."""

from __future__ import annotations

from mydocker.engine.container import life, orphans
from mydocker.engine.monitor import end, restart
from mydocker.engine.record import containers, locks
from mydocker.errors import Conflict, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths
    from mydocker.steps.base import Run


def remove(paths: Paths, container_id: str, name: str, force: bool, volumes: bool, run: Run | None = None, dry_run: bool = False) -> None:
    """Remove a container. Raises Conflict if it runs and is not to be ended, and Damaged if its record is, unless force.

    name: what the user called it, for errors
    force: end it first if it runs
    volumes: remove its anonymous volumes too
    run: executes the steps and tells them, None for nobody to hear of them
    dry_run: whether the run only tells them, so that the container does not end
    """
    try:
        _remove_whole(paths, container_id, name, force, volumes, run, dry_run)
    except Damaged as error:
        if not force:
            raise Damaged(error.message, f"remove it: mydocker rm -f {name}") from error
        for problem in orphans.destroy(paths, container_id)[:1]:
            raise problem from error


def _remove_whole(paths: Paths, container_id: str, name: str, force: bool, volumes: bool, run: Run | None, dry_run: bool) -> None:
    ended = False
    try:
        while True:
            with locks.ContainerLock(paths, container_id) as lock:
                pid, record = lock.running_pid(), containers.load(paths, container_id)
                if (ended and dry_run) or not (pid or restart.is_waiting(paths, record)):
                    problems = end.runtime_state(paths, container_id, run=run) + end.container(paths, record, volumes, run)
                    break
            if not force:
                raise Conflict(f"container {name} is running", "stop it first, or use rm -f")
            life.end(paths, container_id, run)
            ended = True
    except NotFound:
        return  # it was run with --rm, and its monitor has removed it
    if problems:
        raise problems[0]
