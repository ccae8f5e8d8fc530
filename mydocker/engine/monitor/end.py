"""Removing a container, or what one run of it left.

A removal can be repeated. It goes on past failures, and returns them.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.engine.record import containers, damage, events, removal, state
from mydocker.errors import Error, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths


def runtime_state(paths: Paths, container_id: str, cgroup: CgroupManager | None = None, later: list[int] | None = None) -> list[Error]:
    """End what is left of a run: remove its processes, its cgroup, what it has of its networks, and STATE/ID. Return the failures.

    STATE/ID goes last, and stays while the cgroup does: nothing else tells whose that cgroup is.

    cgroup: the container's, if the caller has it.
    later: see unplug().
    """
    problems: list[Error] = []
    if cgroup is None and (os.path.isdir(paths.running(container_id)) or state.is_unended(paths, container_id)):
        cgroup = manager(Layout.detect(paths), state.cgroup(paths, container_id))
    if cgroup is not None:
        # With the host's pid namespace, other processes may outlive init.
        if cgroup.pids():
            attempt(problems, cgroup.kill)
        attempt(problems, cgroup.remove)
        attempt(problems, _remove_parents, paths, cgroup.path)
    is_left = bool(problems)
    from mydocker.engine.connection.unplug import unplug  # much of the network, for verbs that mostly end nothing

    problems += unplug(paths, container_id, later)
    if not is_left:
        attempt(problems, state.clear, paths, container_id)
    return problems


def _remove_parents(paths: Paths, path: str) -> None:
    """Remove what was made for a container with --cgroup-parent, if it was the last one there."""
    if state.has_own_parent(path):
        from mydocker.engine.monitor.parents import remove_parents

        remove_parents(manager(Layout.detect(paths), path))


def container(paths: Paths, record: Record, volumes: bool = True) -> list[Error]:
    """Remove a container that does not run: its name, anonymous volumes, writable layer and directory. Return the failures.

    The caller holds the container's lock.
    """
    problems: list[Error] = []
    attempt(problems, _mark, paths, record)
    attempt(problems, store.release, f"{paths.names}/{record['name']}", record["id"])
    for name in _own_volumes(paths, record) if volumes else []:
        attempt(problems, store.discard, f"{paths.volumes}/{name}")
        attempt(problems, events.emit, paths, "volume", "destroy", name, {"driver": "local"})
    attempt(problems, directory, paths, record["id"])
    attempt(problems, events.of_container, paths, record, "destroy")
    return problems


def _mark(paths: Paths, record: Record) -> None:
    """Say in a record that its container is being removed. A full disk is no reason to tell: the container goes all the same."""
    try:
        containers.save(paths, {**record, "status": "removing"}, sync=False)
    except OSError as error:
        if error.errno not in store.FULL:
            raise


def _own_volumes(paths: Paths, record: Record) -> list[str]:
    """Return the anonymous volumes of a container that no other container mounts (--volumes-from)."""
    names = [mount["name"] for mount in record["mounts"] if mount["anonymous"]]
    return [name for name in names if not damage.mounting(paths, name).keys() - {record["id"]}]


def directory(paths: Paths, container_id: str) -> None:
    """Remove a container's directory."""
    removal.remove_directory(paths.container(container_id))


def after_failed_start(paths: Paths, record: Record, error: Error) -> list[Error]:
    """Write into the record that a start failed, or remove the container with --rm. Return the failures of the removal."""
    problems: list[Error] = []
    attempt(problems, _remove_parents, paths, record["hostConfig"]["CgroupPath"])
    record |= {
        "status": "exited" if record["startedAt"] else "created",
        "pid": 0,
        "exitCode": error.exit_status or 125,
        "error": error.message,
    }
    if record["autoRemove"]:
        return problems + container(paths, record)
    attempt(problems, containers.save, paths, record)
    return problems
