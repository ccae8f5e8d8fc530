"""--restart: whether and when a container that has ended is started again. The monitor that saw its end does that.

Between two runs the record says `restarting`, and STATE/ID names the monitor that waits. Whoever stops, starts or removes the container
meanwhile changes the record under its lock. The monitor looks at both again when it wakes up.
"""

from __future__ import annotations

import os
import time

from mydocker import store
from mydocker.engine.monitor import end
from mydocker.engine.record import containers, locks, state
from mydocker.errors import Error, NotFound
from mydocker.kernel.channel import Channel
from mydocker.kernel.seal import sealed_interpreter
from mydocker.messages import START

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.messages import Request
    from mydocker.paths import Paths

# As in docker, in seconds: the first wait, which is doubled up to a minute. After a run of 10 seconds it begins again with the first.
_SHORTEST, _LONGEST, _LONG_RUN = 0.1, 60.0, 10.0


def is_wanted(record: Record) -> bool:
    """Say whether a container that has ended is to be started again."""
    policy = record["hostConfig"]["RestartPolicy"]
    if record["stopped"]:
        return False
    if policy["Name"] == "on-failure":
        return bool(record["exitCode"]) and (not policy["MaximumRetryCount"] or record["restartCount"] < policy["MaximumRetryCount"])
    return policy["Name"] in ("always", "unless-stopped")


def is_last(record: Record) -> bool:
    """Say whether a container is removed at this end (--rm)."""
    return record["autoRemove"] and not record["kept"]


def next_delay(previous: float, ran: float) -> float:
    """Return how many seconds to wait after a run.

    previous: how many seconds were waited before that run, 0 before the first.
    ran: how many seconds that run took.
    """
    return _SHORTEST if ran >= _LONG_RUN or not previous else min(previous * 2, _LONGEST)


def wait(paths: Paths, record: Record, request: Request) -> None:
    """Sleep, then become the monitor of the next run. Return if the container is not to be started again any more."""
    container_id = record["id"]
    time.sleep(record["restartDelay"])
    try:
        with locks.ContainerLock(paths, container_id) as held:
            if not is_waiting(paths, containers.load(paths, container_id), os.getpid()):
                return
            lock = held.kept()
    except NotFound:
        return  # the container was removed
    from mydocker.engine.monitor import launcher, waiting  # no other start needs them

    ours, theirs = Channel.pair()
    others = waiting.gather(paths, container_id)
    streams = [each for each, _ in others]
    again: Request = {**request, "wanted": "", "others": streams, "size": None, "explain": False, "faults": ()}
    ours.put(START, again, (lock, *(channel.fileno() for _, channel in others)))
    launcher.become_monitor(theirs.fileno(), sealed_interpreter())


def announce(paths: Paths, record: Record) -> None:
    """Say under STATE that this process waits, if the container restarts. The caller holds the container's lock.

    As soon as the lock is free, whoever stops the container kills this process.
    """
    if record["status"] == "restarting":
        store.make_private(paths.running(record["id"]))
        state.save(paths, record["id"], 0, record["hostConfig"]["CgroupPath"])


def is_waiting(paths: Paths, record: Record, monitor: int = 0) -> bool:
    """Say whether a container waits to be started again.

    monitor: the pid of the monitor that has to be the one that waits, 0 for any.
    """
    known = state.load(paths, record["id"])
    if record["status"] != "restarting" or not known or known["pid"]:
        return False
    return known["monitor"] == monitor if monitor else state.has_monitor(paths, record["id"])


def cancel(paths: Paths, container_id: str, keep: bool = False) -> list[Error]:
    """See to it that a container is not started again, whether it runs, waits or neither. Return what could not be removed.

    keep: it is about to be started by a user, so with --rm it is not removed at this end
    """
    with locks.ContainerLock(paths, container_id):
        record = containers.load(paths, container_id)
        waits = is_waiting(paths, record)
        keep = keep and record["autoRemove"]
        if not waits and not keep and record["hostConfig"]["RestartPolicy"]["Name"] == "no":
            return []
        record |= {"stopped": True, "kept": keep}
        if waits:
            record["status"] = "exited"
        containers.save(paths, record)
        if not waits:
            return []
        known = state.load(paths, container_id)
        if known:
            os.kill(known["monitor"], 9)
        return end.runtime_state(paths, container_id)
