"""What is true about a container now: asked of the kernel, never believed from a file.

STATE/ID/state.json (STATE below) is written before the container's program may start, and removed after its end was recorded.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import is_frozen
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
    "boot!": "text",  # the kernel's boot id: after a reboot a pid and a start time may come round again
    "pid!": "natural",  # of init, 0 while the monitor waits to start the container again
    "started": ("natural", None),  # a process is its pid and its start time, see kernel.tasks.start_time
    "monitor!": "natural",
    "monitorStarted": ("natural", None),
    "cgroup!": "text",  # its path in every hierarchy
}

# STATE/ID/oci: what another runtime (--runtime) keeps for itself.
FOREIGN = "oci"


def load(paths: Paths, container_id: str) -> State | None:
    """Return a container's state.json, None when there is none."""
    try:
        state: State = store.read_document(paths.running(container_id) + "/state.json", STATE)
    except FileNotFoundError:
        return None
    return state


def save(paths: Paths, container_id: str, pid: int, cgroup: str) -> None:
    """Record that `pid` is the container's init and this process its monitor."""
    own = os.getpid()
    state: State = {
        "boot": tasks.boot_id(paths.proc),
        "pid": pid,
        "started": tasks.start_time(pid, paths.proc),
        "monitor": own,
        "monitorStarted": tasks.start_time(own, paths.proc),
        "cgroup": cgroup,
    }
    store.write_json(paths.running(container_id) + "/state.json", state, sync=False)


def clear(paths: Paths, container_id: str) -> None:
    """Remove what a run left under STATE, one level deep: should anything be mounted there, it must not be descended into."""
    directory = paths.running(container_id)
    store.remove_tree(f"{directory}/{FOREIGN}")
    try:
        entries = list(os.scandir(directory))
    except FileNotFoundError:
        return
    for entry in entries:
        (os.rmdir if entry.is_dir(follow_symlinks=False) else os.unlink)(entry.path)
    os.rmdir(directory)


def running_pid(paths: Paths, container_id: str) -> int:
    """Return the pid of a container's init, 0 when it does not run."""
    state = load(paths, container_id)
    return state["pid"] if state and _is_alive(paths, state, state["pid"], state["started"]) else 0


def has_monitor(paths: Paths, container_id: str) -> bool:
    """Say whether a container's monitor lives."""
    state = load(paths, container_id)
    return state is not None and _is_alive(paths, state, state["monitor"], state["monitorStarted"])


def _is_alive(paths: Paths, state: State, pid: int, started: int | None) -> bool:
    return state["boot"] == tasks.boot_id(paths.proc) and tasks.is_alive(pid, started, paths.proc)


def is_busy(paths: Paths, container_id: str) -> bool:
    """Say whether some living process is creating, starting or removing this container."""
    try:
        with store.Lock(paths.container(container_id) + "/lock", wait=False):
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False  # its directory is gone


def status(paths: Paths, record: Record, layout: Layout | None = None) -> str:
    """Return 'creating', 'created', 'running', 'paused', 'restarting', 'exited' or 'removing' as it is now."""
    known = load(paths, record["id"])
    if known and _is_alive(paths, known, known["pid"], known["started"]):
        return "paused" if is_frozen(layout or Layout.detect(paths), known["cgroup"]) else "running"
    written: str = record["status"]
    return "exited" if written in ("running", "restarting") and not has_monitor(paths, record["id"]) else written
