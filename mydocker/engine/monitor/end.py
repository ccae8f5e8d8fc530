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
from mydocker.steps.base import Action, Step, command, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.steps.base import Run


def runtime_state(
    paths: Paths,
    container_id: str,
    cgroup: CgroupManager | None = None,
    later: list[int] | None = None,
    run: Run | None = None,
) -> list[Error]:
    """End what is left of a run: remove its processes, its cgroup, what it has of its networks, and STATE/ID. Return the failures.

    STATE/ID goes last, and stays while the cgroup does: nothing else tells whose that cgroup is.

    cgroup: the container's, if the caller has it.
    later: see unplug().
    run: tells the steps; None for nobody to hear of them
    """
    problems: list[Error] = []
    if cgroup is None and (os.path.isdir(paths.running(container_id)) or state.is_unended(paths, container_id)):
        cgroup = manager(Layout.detect(paths), state.cgroup(paths, container_id))
    if cgroup is not None:
        _do(problems, _cgroup_steps(paths, cgroup), run)
    is_left = bool(problems)
    running = paths.running(container_id)
    if run is None or os.path.exists(f"{running}/network.json") or not os.path.exists(running):
        from mydocker.engine.connection.unplug import unplug  # much of the network, for verbs that mostly end nothing

        text = "take it off its networks: links, addresses, ports, names"
        _do(problems, [Action(lambda: problems.extend(unplug(paths, container_id, later)), text)], run)
    if not is_left and (run is None or os.path.isdir(running)):
        _do(problems, [Action(lambda: state.clear(paths, container_id), f"remove {quote(running)}", command("rm", "-rf", running))], run)
    return problems


def _cgroup_steps(paths: Paths, cgroup: CgroupManager) -> list[Step]:
    """Return the steps that remove a cgroup with all its processes. With the host's pid namespace, other processes may outlive init."""
    has_own_parent = state.has_own_parent(cgroup.path)
    kill: list[Step] = [Action(lambda: cgroup.kill(), f"kill all processes in cgroup {quote(cgroup.path)}")] if cgroup.pids() else []
    return [
        *kill,
        Action(lambda: cgroup.remove(), f"rmdir cgroup {quote(cgroup.path)} in every hierarchy"),
        *([Action(lambda: _remove_parents(paths, cgroup.path), "rmdir its parents that are ours and empty")] if has_own_parent else []),
    ]


def _do(problems: list[Error], steps: list[Step], run: Run | None) -> None:
    """Do each part of a teardown, and go on past errors."""
    for step in steps:
        attempt(problems, run.apply, step) if run else attempt(problems, step.apply)


def _remove_parents(paths: Paths, path: str) -> None:
    """Remove what was made for a container with --cgroup-parent, if it was the last one there."""
    if state.has_own_parent(path):
        from mydocker.engine.monitor.parents import remove_parents

        remove_parents(manager(Layout.detect(paths), path))


def container(paths: Paths, record: Record, volumes: bool = True, run: Run | None = None) -> list[Error]:
    """Remove a container that does not run: its name, anonymous volumes, writable layer and directory. Return the failures.

    The caller holds the container's lock. run: as runtime_state() takes it
    """
    problems: list[Error] = []
    claim, own = f"{paths.names}/{record['name']}", paths.container(record["id"])
    _do(problems, [Action(lambda: _mark(paths, record), f"write 'removing' into the record of container {record['name']}")], run)
    for name in _own_volumes(paths, record) if volumes else []:
        _do(problems, _volume_steps(paths, name), run)
    left, told = f"remove {quote(own)}: writable layer, bundle, log, record", f"write 'destroy' of {record['name']} into events.json"
    _do(problems, [Action(lambda: directory(paths, record["id"]), left, command("rm", "-rf", own))], run)
    if not problems or not os.path.exists(own):
        # The name goes last: as long as something is left of the container, it can be removed by its name.
        _do(problems, [Action(lambda: store.release(claim, record["id"]), f"remove {quote(claim)}", command("rm", claim))], run)
    _do(problems, [Action(lambda: events.of_container(paths, record, "destroy"), told)], run)
    return problems


def _volume_steps(paths: Paths, name: str) -> list[Step]:
    path = f"{paths.volumes}/{name}"
    told = {"driver": "local"}
    return [
        Action(lambda: store.discard(path), f"remove {quote(path)}, a volume without a name", command("rm", "-rf", path)),
        Action(lambda: events.emit(paths, "volume", "destroy", name, told), f"write 'destroy' of volume {name} into events.json"),
    ]


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
