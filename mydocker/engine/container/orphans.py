"""Containers whose maker, monitor or remover died: recognising one, and finishing its work."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.monitor import end, restart
from mydocker.engine.record import containers, damage, events, state
from mydocker.errors import Damaged, Error, NotFound, attempt
from mydocker.kernel.tasks import is_alive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths


def half_made(paths: Paths, container_id: str) -> str:
    """Return why a container counts as never finished or half removed, '' if it is whole, damaged, or somebody works on it."""
    if state.is_busy(paths, container_id) or state.may_run(paths, container_id):
        return ""
    try:
        record = containers.load(paths, container_id)
    except NotFound:
        # Whoever lists containers meets some that are just being removed.
        return "it has no record" if os.path.isdir(paths.container(container_id)) else ""
    except Damaged:
        return ""  # nobody knows: system/damage.py has it
    builder = record.get("builder")
    if builder and not is_alive(builder["pid"], builder["start"], paths.proc):
        return "its build was not finished"
    status = record["status"]
    return {"creating": "its creation was not finished", "removing": "its removal was not finished"}.get(status, "")


def discard(paths: Paths, container_id: str) -> list[Error]:
    """Remove a half-made container, whatever there is of it."""
    try:
        record = containers.load(paths, container_id)
    except NotFound:
        problems = end.runtime_state(paths, container_id)
        attempt(problems, end.directory, paths, container_id)
        return problems
    # A monitor that died early made the cgroup and had no time to say so under STATE.
    cgroup = manager(Layout.detect(paths), record["hostConfig"]["CgroupPath"])
    return end.runtime_state(paths, container_id, cgroup) + end.container(paths, record)


def destroy(paths: Paths, container_id: str) -> list[Error]:
    """End and remove a container whose record or state cannot be read, going on past failures. Its anonymous volumes stay."""
    problems: list[Error] = []
    name, cgroup = damage.name_of(paths, container_id), manager(Layout.detect(paths), state.cgroup(paths, container_id))
    if cgroup.pids():
        attempt(problems, cgroup.kill)
    # Names that could be in the way, of a directory in place of a file, or of a file in place of a directory.
    running = paths.running(container_id)
    for path in (f"{running}/state.json", f"{running}/network.json") if os.path.isdir(running) else (running,):
        attempt(problems, store.remove_tree, path)
    problems += end.runtime_state(paths, container_id, cgroup)
    for claimed in damage.names_of(paths, container_id):
        attempt(problems, store.release, f"{paths.names}/{claimed}", container_id)
    attempt(problems, end.directory, paths, container_id)
    attempt(problems, events.emit, paths, "container", "destroy", container_id, {"name": name})
    return problems


def settle(paths: Paths, container_id: str) -> list[Error]:
    """Record the end of a run whose monitor died, and remove what the run left."""
    try:
        record = containers.load(paths, container_id)
    except (NotFound, Damaged):
        return end.runtime_state(paths, container_id)
    problems = end.runtime_state(paths, container_id)
    if record["status"] == "running":
        record = state.without_end(record)
        containers.save(paths, record)
    return problems + (end.container(paths, record) if restart.is_last(record) else [])
