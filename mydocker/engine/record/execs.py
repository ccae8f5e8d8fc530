"""The records of processes that clients of the API start in containers: ROOT/containers/ID/execs/EXEC/exec.json (EXEC below).

A record is made before its process is started, as a client of the API first creates an exec and then starts it. The process's monitor
writes the pid and, before it tells anybody the end, the exit code. It listens beside the record, at `attach`, for the size of the
terminal. `starter` is the claim of whoever starts it. Records of what has ended are removed when another one is made, as docker forgets
them after a while.

Whoever writes a record holds the container's lock: so nobody writes into a directory that is being removed.
"""

from __future__ import annotations

import os
import time

from mydocker import store
from mydocker.engine.record import containers, locks
from mydocker.errors import Damaged, NotFound
from mydocker.kernel import tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.messages import WantedProcess
    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class Exec(TypedDict):
        """ROOT/containers/ID/execs/EXEC/exec.json."""

        id: str
        container: str
        created: int
        args: list[str]
        env: list[str]
        cwd: str
        user: str
        privileged: bool
        tty: bool
        streams: str
        detachKeys: str
        size: list[int]
        boot: str
        pid: int
        started: int | None
        exitCode: int | None
        ended: int


EXEC: Shape = {
    "id!": "text",
    "container!": "text",
    "created!": "natural",  # ns since 1970, as `ended`
    "args!": ["text"],
    "env!": ["text"],  # of the process, in whole
    "cwd": ("text", ""),  # '' for the container's
    "user": ("text", ""),
    "privileged": ("truth", False),
    "tty": ("truth", False),
    "streams": ("text", ""),  # those that are connected to the client that starts it, see messages.Request
    "detachKeys": ("text", ""),
    "size": (["natural"], []),  # rows and columns of its terminal at first
    "boot": ("text", ""),
    "pid": ("natural", 0),
    "started": ("natural", None),  # a process is its pid and its start time, see kernel/tasks.py
    "exitCode": ("number", None),
    "ended": ("natural", 0),
}

# For so many ns a record is kept after the end of its process, or after it was made, if there never was one.
_KEPT = 300 * 10**9


def new(paths: Paths, container_id: str, process: WantedProcess, streams: str, detach_keys: str, privileged: bool, size: list[int]) -> Exec:
    """Make the record of a process that is to be started, and return it."""
    _forget_old(paths, container_id)
    made: Exec = {
        "id": os.urandom(32).hex(),
        "container": container_id,
        "created": time.time_ns(),
        "args": process["args"],
        "env": process["env"],
        "cwd": process.get("cwd", ""),
        "user": process.get("user") or "",
        "privileged": privileged,
        "tty": process["terminal"],
        "streams": streams,
        "detachKeys": detach_keys,
        "size": size,
        "boot": "",
        "pid": 0,
        "started": None,
        "exitCode": None,
        "ended": 0,
    }
    with locks.ContainerLock(paths, container_id):
        store.make_private(_directory(paths, container_id))
        store.make_private(_place(paths, made))
        _save(paths, made)
    return made


def _save(paths: Paths, execution: Exec) -> None:
    """Replace a record. Nothing has to survive a power cut, which ends the process too."""
    store.write_json(f"{_place(paths, execution)}/exec.json", execution, sync=False)


def load(paths: Paths, exec_id: str) -> Exec:
    """Return the record of an exec, whose container the client need not know. Raises NotFound or Damaged."""
    gone = NotFound(f"no such exec instance: {exec_id}")
    if len(exec_id) != 64 or not exec_id.isalnum():
        raise gone
    for container_id in containers.ids(paths):
        try:
            found: Exec = store.read_document(f"{_directory(paths, container_id)}/{exec_id}/exec.json", EXEC)
        except FileNotFoundError:
            continue
        return found
    raise gone


def of_container(paths: Paths, container_id: str) -> list[str]:
    """Return the ids of a container's execs that run."""
    return sorted(each["id"] for each in _every(paths, container_id) if is_running(paths, each))


def _every(paths: Paths, container_id: str) -> list[Exec]:
    """Return the records of a container that can be read."""
    directory = _directory(paths, container_id)
    found = []
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        try:
            found.append(load(paths, name))
        except (Damaged, NotFound):
            continue
    return found


def socket(paths: Paths, execution: Exec) -> str:
    """Return the path at which a process's monitor listens."""
    return f"{_place(paths, execution)}/attach"


def claim(paths: Paths, execution: Exec) -> bool:
    """Say whether this process may start an exec: nobody else has begun to."""
    with locks.ContainerLock(paths, execution["container"]):
        return store.claim(f"{_place(paths, execution)}/starter", str(os.getpid())) is None


def begun(paths: Paths, execution: Exec, pid: int) -> Exec:
    """Write down the process of an exec. Raises NotFound if the container was removed meanwhile."""
    known: Exec = {**execution, "pid": pid, "boot": tasks.boot_id(paths.proc), "started": tasks.start_time(pid, paths.proc)}
    with locks.ContainerLock(paths, execution["container"]):
        _save(paths, known)
    return known


def ended(paths: Paths, execution: Exec, status: int) -> None:
    """Write down how the process of an exec has ended, unless its container was removed meanwhile."""
    try:
        with locks.ContainerLock(paths, execution["container"]):
            _save(paths, {**execution, "exitCode": status, "ended": time.time_ns()})
    except NotFound:
        return


def is_running(paths: Paths, execution: Exec) -> bool:
    """Say whether the process of an exec runs."""
    is_open = execution["exitCode"] is None and execution["boot"] == tasks.boot_id(paths.proc)
    return is_open and tasks.is_alive(execution["pid"], execution["started"], paths.proc)


def _directory(paths: Paths, container_id: str) -> str:
    return f"{paths.container(container_id)}/execs"


def _place(paths: Paths, execution: Exec) -> str:
    """Return the directory of one exec."""
    return f"{_directory(paths, execution['container'])}/{execution['id']}"


def _forget_old(paths: Paths, container_id: str) -> None:
    """Remove what there is of execs that nobody asks for any more."""
    limit = time.time_ns() - _KEPT
    for known in _every(paths, container_id):
        if max(known["created"], known["ended"]) < limit and not is_running(paths, known):
            store.remove_tree(_place(paths, known))
