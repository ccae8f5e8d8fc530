"""What is true of a container now. It is asked of the kernel, and never believed from a file.

STATE/ID/state.json (STATE below) is written before the container's program may start, and removed after its end was recorded.
Where somebody else has removed it, the container runs on: what it would say is then found by the process that the record names.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import is_frozen
from mydocker.engine.record import containers
from mydocker.errors import Damaged, NotFound
from mydocker.kernel import tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class State(TypedDict):
        """STATE/ID/state.json."""

        boot: str
        pid: int
        started: int | None
        monitor: int
        monitorStarted: int | None
        cgroup: str


STATE: Shape = {
    "boot!": "text",  # the kernel's boot id: after a reboot, the same pid and start time may come again
    "pid!": "natural",  # of init; 0 while the monitor waits to start the container again
    "started": ("natural", None),  # a process is its pid and its start time, see kernel/tasks.py
    "monitor!": "natural",
    "monitorStarted": ("natural", None),
    "cgroup!": "text",  # the path of the container's cgroup in every hierarchy
}

CGROUP_PARENT = "/mydocker"

# STATE/ID/oci is where another runtime (--runtime) keeps its own state.
FOREIGN = "oci"

# What a record says while somebody, who holds the container's lock, creates or removes it.
_HALF = ("creating", "removing")

# What a monitor calls itself, as the kernel keeps it (15 characters).
_MONITOR = "mydocker-monitor"[:15]


def load(paths: Paths, container_id: str, record: Record | None = None) -> State | None:
    """Return a container's state.json, or what it would say if the container runs without a whole one.

    Return None for any other container. Raises Damaged if the file is not such a document and the container does not run.

    record: the container's, if the caller has it.
    """
    try:
        state: State = store.read_document(paths.running(container_id) + "/state.json", STATE)
    except (FileNotFoundError, Damaged) as error:
        record = record or _recorded(paths, container_id)
        survivor = _survivor(paths, record) if record and record["status"] == "running" else None
        if not survivor and isinstance(error, Damaged):
            raise
        return survivor
    return state


def _recorded(paths: Paths, container_id: str) -> Record | None:
    try:
        return containers.load(paths, container_id)
    except (NotFound, Damaged):
        return None


def _survivor(paths: Paths, record: Record) -> State | None:
    """Return the state of a container whose state.json somebody removed: the process that its record names lives in its cgroup."""
    pid, cgroup = record["pid"], record["hostConfig"]["CgroupPath"]
    if not tasks.is_in_cgroup(pid, cgroup, paths.proc):
        return None
    parent = tasks.parent(pid, paths.proc)
    monitor = parent if tasks.name(parent, paths.proc) == _MONITOR else 0
    return _describe(paths, pid, monitor, cgroup)


def save(paths: Paths, container_id: str, pid: int, cgroup: str) -> None:
    """Write a container's state: `pid` is its init, and this process is its monitor."""
    state = _describe(paths, pid, os.getpid(), cgroup)
    store.write_json(paths.running(container_id) + "/state.json", state, sync=False)


def _describe(paths: Paths, pid: int, monitor: int, cgroup: str) -> State:
    return {
        "boot": tasks.boot_id(paths.proc),
        "pid": pid,
        "started": tasks.start_time(pid, paths.proc),
        "monitor": monitor,
        "monitorStarted": tasks.start_time(monitor, paths.proc),
        "cgroup": cgroup,
    }


def clear(paths: Paths, container_id: str) -> None:
    """Remove STATE/ID, which a run left.

    Only the other runtime's directory is removed with all that it holds. If anything is mounted in another directory, it is left alone.
    """
    directory = paths.running(container_id)
    store.remove_tree(f"{directory}/{FOREIGN}")
    try:
        for entry in list(os.scandir(directory)):
            _remove(entry)
        os.rmdir(directory)
    except FileNotFoundError:
        return  # it is gone, or somebody else clears it, too


def _remove(entry: os.DirEntry[str]) -> None:
    try:
        (os.rmdir if entry.is_dir(follow_symlinks=False) else os.unlink)(entry.path)
    except FileNotFoundError:
        return


def is_unended(paths: Paths, container_id: str) -> bool:
    """Say whether there is something left of a run, were it only a record without its end."""
    record = _recorded(paths, container_id)
    return bool(load(paths, container_id, record) or (record and record["status"] == "running"))


def cgroup(paths: Paths, container_id: str) -> str:
    """Return the path of a container's cgroup, whether that is there or not.

    No other ROOT has one of this name, and STATE/ID says while there may be one that it is ours: it is made first and removed last.
    """
    record = _recorded(paths, container_id)
    try:
        known = load(paths, container_id, record)
    except Damaged:
        known = None
    if known:
        return known["cgroup"]
    return record["hostConfig"]["CgroupPath"] if record else f"{CGROUP_PARENT}/{container_id}"


def has_own_parent(path: str) -> bool:
    """Say whether a container's cgroup is not where all are (--cgroup-parent)."""
    return os.path.dirname(path) != CGROUP_PARENT


def running_pid(paths: Paths, container_id: str) -> int:
    """Return the pid of a container's init, or 0 if it does not run."""
    known = load(paths, container_id)
    return known["pid"] if known and is_running(paths, known) else 0


def may_run(paths: Paths, container_id: str) -> bool:
    """Say whether a container runs, or nobody can tell because its state.json is damaged."""
    try:
        return bool(running_pid(paths, container_id))
    except Damaged:
        return True


def has_monitor(paths: Paths, container_id: str) -> bool:
    """Say whether a container's monitor is alive."""
    known = load(paths, container_id)
    return known is not None and is_watched(paths, known)


def is_running(paths: Paths, known: State, boot: str = "") -> bool:
    """Say whether the init that a state names still runs.

    boot: this boot's id, if the caller has it. Callers that ask about many containers read it once.
    """
    return known["boot"] == (boot or tasks.boot_id(paths.proc)) and tasks.is_alive(known["pid"], known["started"], paths.proc)


def has_ended(paths: Paths, container_id: str, pid: int) -> bool:
    """Say whether a container's run with this init is over, or about to be: its namespaces are gone first."""
    return running_pid(paths, container_id) != pid or tasks.is_ending(pid, paths.proc)


def without_end(record: Record) -> Record:
    """Return the record of a run that is over and whose end its monitor could not record: nobody knows how it ended."""
    unknown = {"status": "exited", "pid": 0, "exitCode": 255, "finishedAt": "", "error": "its monitor died before it ended"}
    return {**record, **unknown}  # type: ignore[typeddict-item]


def is_ending(paths: Paths, container_id: str) -> bool:
    """Say whether a container's init has ended, and its monitor is about to record that."""
    try:
        known = load(paths, container_id)
    except Damaged:
        return False
    return known is not None and known["pid"] > 0 and not is_running(paths, known) and is_watched(paths, known)


def is_watched(paths: Paths, known: State, boot: str = "") -> bool:
    """Say whether the monitor that a state names is still alive. `boot` is explained in is_running()."""
    return known["boot"] == (boot or tasks.boot_id(paths.proc)) and tasks.is_alive(known["monitor"], known["monitorStarted"], paths.proc)


def is_busy(paths: Paths, container_id: str) -> bool:
    """Say whether a living process is creating, starting or removing this container."""
    try:
        with store.Lock(paths.container(container_id) + "/lock", wait=False):
            return False
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError, Damaged):
        return False  # its directory is gone, or what is there can be locked by nobody


def status(paths: Paths, record: Record, layout: Layout | None = None, boot: str = "") -> str:
    """Return a container's status now: creating, created, running, paused, restarting, exited, removing or dead.

    It is dead if whoever created or removed it died before the end.

    layout, boot: the host's, if the caller has them. Callers that ask about many containers find them once.
    """
    known = load(paths, record["id"], record)
    if known and is_running(paths, known, boot):
        return "paused" if is_frozen(layout or Layout.detect(paths), known["cgroup"]) else "running"
    if record["status"] in _HALF and not is_busy(paths, record["id"]):
        # Its maker may have finished since the record was read.
        record = _recorded(paths, record["id"]) or record
        return "dead" if record["status"] in _HALF else record["status"]
    if record["status"] not in ("running", "restarting") or (known and is_watched(paths, known, boot)):
        return record["status"]
    # While a monitor goes from one run to the next, its container has no state, and the monitor holds the lock.
    return "restarting" if record["status"] == "restarting" and is_busy(paths, record["id"]) else "exited"
