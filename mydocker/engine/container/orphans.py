"""Containers whose maker, monitor or remover died: recognising one, and finishing its work."""

from __future__ import annotations

import os

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.monitor import end
from mydocker.engine.record import containers, state
from mydocker.errors import Damaged, Error, NotFound, attempt
from mydocker.kernel.tasks import is_alive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths


def half_made(paths: Paths, container_id: str) -> str:
    """Return why a container counts as never finished or half removed, '' if it is whole or somebody works on it."""
    if state.is_busy(paths, container_id) or state.running_pid(paths, container_id):
        return ""
    try:
        record = containers.load(paths, container_id)
    except NotFound:
        # Whoever lists containers meets some that are just being removed.
        return "it has no record" if os.path.isdir(paths.container(container_id)) else ""
    except Damaged as error:
        return error.message
    builder = record.get("builder")
    if builder and not is_alive(builder["pid"], builder["start"], paths.proc):
        return "its build was not finished"
    status = record["status"]
    return {"creating": "its creation was not finished", "removing": "its removal was not finished"}.get(status, "")


def discard(paths: Paths, container_id: str) -> list[Error]:
    """Remove a half-made container, whatever there is of it."""
    try:
        record = containers.load(paths, container_id)
    except (NotFound, Damaged):
        problems = end.runtime_state(paths, container_id)
        attempt(problems, end.directory, paths, container_id)
        return problems
    # A monitor that died early made the cgroup and had no time to say so under STATE.
    cgroup = manager(Layout.detect(paths), record["hostConfig"]["CgroupPath"])
    return end.runtime_state(paths, container_id, cgroup) + end.container(paths, record)


def settle(paths: Paths, container_id: str) -> list[Error]:
    """Record the end of a run whose monitor died, and remove what the run left."""
    try:
        record = containers.load(paths, container_id)
    except NotFound:
        return end.runtime_state(paths, container_id)
    problems = end.runtime_state(paths, container_id)
    if record["status"] == "running":
        record |= {"status": "exited", "pid": 0, "exitCode": 255, "finishedAt": "", "error": "its monitor died before it ended"}
        containers.save(paths, record)
    return problems + (end.container(paths, record) if record["autoRemove"] else [])
