"""After a boot, or after a container and its monitor died together: which containers are to be started, and in what order."""

from __future__ import annotations

import os

from mydocker.engine.container.start import lock_stopped
from mydocker.engine.container.start import start as start_container
from mydocker.engine.monitor import restart
from mydocker.engine.record import containers, state
from mydocker.errors import Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths


def wanted(paths: Paths) -> list[Record]:
    """Return the containers that `--restart always` or `unless-stopped` wants to run, and that nobody runs, starts or removes.

    A container that a user stopped, or that was never started, is none of them. Nor is one whose record is damaged.
    Whoever joins a namespace of another container comes after those that join none. Otherwise the oldest is the first.
    """
    found = []
    for container_id in containers.ids(paths):
        try:
            record = containers.load(paths, container_id)
            if _is_wanted(record) and state.status(paths, record) in ("exited", "created"):
                found.append(record)
        except (NotFound, Damaged):
            continue  # it was removed meanwhile, or `system check` names it
    return sorted(found, key=lambda record: (_joins_another(record), record["createTime"]))


def start(paths: Paths, container_id: str) -> None:
    """Start a container, unless somebody has started or stopped it meanwhile. Raises the error that the start failed with."""
    lock = lock_stopped(paths, container_id)
    if lock < 0:
        return
    record = containers.load(paths, container_id)
    if _is_wanted(record):
        start_container(paths, record, lock)
    else:
        os.close(lock)


def _is_wanted(record: Record) -> bool:
    # As in docker, a failure before the boot is none that on-failure means.
    return bool(record["startedAt"]) and record["hostConfig"]["RestartPolicy"]["Name"] != "on-failure" and restart.is_wanted(record)


def _joins_another(record: Record) -> bool:
    host = record["hostConfig"]
    return any(mode.startswith("container:") for mode in (host["NetworkMode"], host["PidMode"], host["IpcMode"], host["UTSMode"]))
