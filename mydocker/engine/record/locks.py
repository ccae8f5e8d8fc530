"""The lock of a container, ROOT/containers/ID/lock: whoever creates, starts, changes or removes the container holds it.

A verb finds a container by its name and then waits for the lock. Meanwhile the lock's holder may have removed the container, ended or
started it, or died half way. What is true then is looked at here.
"""

from __future__ import annotations

import time

from mydocker.engine.record import containers, state
from mydocker.errors import Conflict, Error, NotFound, StepFailed
from mydocker.objectlock import ObjectLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

_HALF = {"creating": "made", "removing": "removed"}
# The time that a monitor may take to record an end and to clean up. It waits for its turn at the rules of the firewall: on a slow machine,
# six that ended together took more than ten seconds with iptables-legacy.
RECORDING_SECONDS = 30


class ContainerLock(ObjectLock):
    """A container's lock. Its monitor is let through first if the container has ended and that is not recorded yet.

    To enter it raises NotFound if the container is gone by then, and Conflict if the monitor does not record the end.
    """

    __slots__ = ("_id", "_paths")

    def __init__(self, paths: Paths, container_id: str) -> None:
        super().__init__(paths.container(container_id), f"no such container: {container_id[:12]}")
        self._paths = paths
        self._id = container_id

    def __enter__(self) -> ContainerLock:
        deadline = time.monotonic() + RECORDING_SECONDS
        while True:
            super().__enter__()
            if not state.is_ending(self._paths, self._id):
                return self
            self.__exit__()
            if time.monotonic() > deadline:
                raise Conflict(f"container {self._id[:12]} has ended, and its monitor has not recorded that for {RECORDING_SECONDS} s")
            time.sleep(0.005)

    def running_pid(self) -> int:
        """Return the pid of the container's init, or 0 if it does not run and its end is recorded.

        If it has ended since the lock was got, its monitor is let through now. So this is asked first, before anything is read.
        """
        while not (pid := state.running_pid(self._paths, self._id)) and state.is_ending(self._paths, self._id):
            self.__exit__()
            self.__enter__()
        return pid


def load_whole(paths: Paths, container_id: str) -> Record:
    """Return the record of a container whose lock the caller holds. Raises Conflict if its maker or its remover died half way."""
    record = containers.load(paths, container_id)
    if record["status"] in _HALF and not state.may_run(paths, container_id):
        name = record["name"]
        raise Conflict(f"container {name} is only half {_HALF[record['status']]}", f"mydocker rm {name}")
    return record


class WithoutLock:
    """A `with` block that uses a container's files or processes without its lock.

    If that fails because the container was not whole yet, was removed or has ended meanwhile, this is what is raised.

    pid: of the container's init if it runs, else 0.
    """

    __slots__ = ("paths", "record", "pid")

    def __init__(self, paths: Paths, record: Record, pid: int = 0) -> None:
        self.paths = paths
        self.record = record
        self.pid = pid

    def __enter__(self) -> WithoutLock:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        reason = self._reason() if isinstance(error, (OSError, StepFailed)) else None
        if reason:
            raise reason from error

    def _reason(self) -> Error | None:
        name, container_id = self.record["name"], self.record["id"]
        if containers.is_gone(self.paths, container_id):
            return NotFound(f"container {name} was removed meanwhile")
        if self.record["status"] in _HALF:
            return Conflict(f"container {name} is only half {_HALF[self.record['status']]}", "do it again, or remove it")
        if self.pid and state.has_ended(self.paths, container_id, self.pid):
            return Conflict(f"container {name} ended meanwhile", "do it again")
        return None
