"""What is true about a container now: asked of the kernel, never believed from a file.

STATE/ID/state.json is written before the container's program may start and removed after its end was recorded:

    pid, started               of init: a process is its pid and its start time
    monitor, monitorStarted    of its monitor
    cgroup                     its path in every hierarchy
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.kernel import tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.containers import Record
    from mydocker.paths import Paths

    State = dict[str, Any]


def load(paths: Paths, container_id: str) -> State | None:
    """Return a container's state.json, None when there is none."""
    try:
        state: State = store.read_json(paths.running(container_id) + "/state.json")
    except FileNotFoundError:
        return None
    return state


def save(paths: Paths, container_id: str, pid: int, cgroup: str) -> None:
    """Record that `pid` is the container's init and this process its monitor."""
    own = os.getpid()
    state = {
        "pid": pid,
        "started": tasks.start_time(pid),
        "monitor": own,
        "monitorStarted": tasks.start_time(own),
        "cgroup": cgroup,
    }
    store.write_json(paths.running(container_id) + "/state.json", state, sync=False)


def clear(paths: Paths, container_id: str) -> None:
    """Remove what a run left under STATE, one level deep: should anything be mounted there, it must not be descended into."""
    directory = paths.running(container_id)
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
    return state["pid"] if state and tasks.is_alive(state["pid"], state["started"]) else 0


def has_monitor(paths: Paths, container_id: str) -> bool:
    """Say whether a container's monitor lives."""
    state = load(paths, container_id)
    return bool(state) and tasks.is_alive(state["monitor"], state["monitorStarted"])  # type: ignore[index]


def is_busy(paths: Paths, container_id: str) -> bool:
    """Say whether some living process is creating, starting or removing this container."""
    try:
        with store.Lock(paths.container(container_id) + "/lock", wait=False):
            return False
    except BlockingIOError:
        return True


def status(paths: Paths, record: Record, layout: Layout | None = None) -> str:
    """Return 'creating', 'created', 'running', 'paused', 'exited' or 'removing' as it is now."""
    known = load(paths, record["id"])
    if known and tasks.is_alive(known["pid"], known["started"]):
        return "paused" if manager(layout or Layout.detect(paths), known["cgroup"]).is_frozen() else "running"
    written: str = record["status"]
    return "exited" if written == "running" and not has_monitor(paths, record["id"]) else written
