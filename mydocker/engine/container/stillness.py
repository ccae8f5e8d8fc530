"""Freeze a container while commit reads its files, so that all files are read as they were at one moment."""

from __future__ import annotations

import os

from mydocker.engine.container import life
from mydocker.engine.record import events
from mydocker.errors import NotFound, StepFailed
from mydocker.steps.base import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.manager import CgroupManager
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths


class HoldStill(Step):
    """Freeze a running container. A container that does not run, or is paused already, stays as it is.

    A child process lets the container go on when this process says so, or when this process dies. So a process that is killed
    leaves no frozen container.
    """

    __slots__ = ("paths", "record", "_guard", "_word")

    def __init__(self, paths: Paths, record: Record) -> None:
        self.paths = paths
        self.record = record
        self._guard = 0
        self._word = -1

    def apply(self) -> None:
        process = life.process(self.paths, self.record["id"])
        if process is None:
            return
        process.close()
        if process.cgroup.is_frozen():
            return
        self._start_guard(process.cgroup)  # before the lock is taken, which a child would keep
        if life.freeze(self.paths, self.record["id"], process.cgroup):
            events.of_container(self.paths, self.record, "pause")
        else:
            self._end_guard()  # The container has ended, so its files stay as they are.

    def _start_guard(self, cgroup: CgroupManager) -> None:
        waiting, self._word = os.pipe()
        self._guard = os.fork()
        if self._guard == 0:
            os.close(self._word)
            _let_go_when_told(waiting, cgroup)
        os.close(waiting)

    def undo(self) -> None:
        """Let the container go on. Raises StepFailed if that failed."""
        if self._guard:
            self._end_guard()
            events.of_container(self.paths, self.record, "unpause")

    def _end_guard(self) -> None:
        os.close(self._word)
        _, status = os.waitpid(self._guard, 0)
        self._guard = 0
        if status:
            raise StepFailed(f"container {self.record['name']} is still paused", 0)

    def describe(self) -> str:
        return f"freeze container {self.record['id'][:12]} until its files are read, if it runs"


def _let_go_when_told(waiting: int, cgroup: CgroupManager) -> None:
    status = 1
    try:
        os.setsid()  # a signal to the parent's process group must not end this child
        os.read(waiting, 1)
        cgroup.freeze(False)
        status = 0
    except NotFound:
        status = 0  # the container was killed meanwhile
    finally:
        os._exit(status)
