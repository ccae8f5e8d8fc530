"""What is done to a running container from outside: send signals, stop, pause, wait. None of it needs the monitor.

A process is signalled through its pidfd, so that a signal never reaches another process that got the same pid.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import time
from select import POLLIN, poll

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.engine.container.orphans import settle
from mydocker.engine.monitor import restart
from mydocker.engine.record import containers, events, locks, state
from mydocker.engine.request.values import signal as signal_number
from mydocker.errors import Conflict, Error, NotFound
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.engine.record.state import State
    from mydocker.paths import Paths

SIGKILL, SIGTERM = 9, 15
_DEFAULT_TIMEOUT = 10


class Process(Value):
    """A running container's first process."""

    pid: int
    known: State  # what the state says while the process runs
    descriptor: int  # its pidfd
    cgroup: CgroupManager  # the container's

    def signal(self, number: int) -> None:
        """Send a signal. It is not an error that the process has ended meanwhile.

        A frozen process would never see the signal, so the container is unfrozen afterwards.
        """
        try:
            _signal.pidfd_send_signal(self.descriptor, number)
        except ProcessLookupError:
            return
        try:
            if self.cgroup.is_frozen():
                self.cgroup.freeze(False)
        except NotFound:
            return  # the monitor has removed the cgroup meanwhile

    def wait(self, seconds: float | None) -> bool:
        """Wait for the process's end. Return whether it came within that time. seconds: None to wait for ever."""
        poller = poll()
        poller.register(self.descriptor, POLLIN)
        return bool(poller.poll(None if seconds is None else seconds * 1000))

    def close(self) -> None:
        os.close(self.descriptor)


def process(paths: Paths, container_id: str) -> Process | None:
    """Return the container's first process, or None if the container does not run."""
    known = state.load(paths, container_id)
    if not known or known["pid"] <= 0:
        return None
    try:
        descriptor = os.pidfd_open(known["pid"])
    except ProcessLookupError:
        return None
    if state.running_pid(paths, container_id) != known["pid"]:
        os.close(descriptor)
        return None
    return Process(pid=known["pid"], known=known, descriptor=descriptor, cgroup=manager(Layout.detect(paths), known["cgroup"]))


def running_process(paths: Paths, record: Record) -> Process:
    """Return the container's first process. Raises Conflict if the container does not run."""
    found = process(paths, record["id"])
    if found is None:
        raise Conflict(f"container {record['name']} is not running")
    return found


def kill(paths: Paths, record: Record, number: int) -> None:
    """Send a signal to the container's first process. Raises Conflict if the container does not run."""
    found = running_process(paths, record)
    if number in (SIGKILL, stop_signal(record)):
        _cancel_restart(paths, record["id"])
    try:
        found.signal(number)
    finally:
        found.close()
    events.of_container(paths, record, "kill", signal=number)


def stop(paths: Paths, record: Record, seconds: int | None = None, number: int | None = None) -> None:
    """End a container with its stop signal, and with SIGKILL if that is not enough. Return when the end is recorded.

    Nothing is done to a container that does not run.

    seconds: the time before SIGKILL, -1 for no SIGKILL, None for the container's own or docker's 10 seconds
    number: the stop signal, None for the container's own or SIGTERM
    """
    _cancel_restart(paths, record["id"])
    found = process(paths, record["id"])
    if found is None:
        return
    try:
        found.signal(number or stop_signal(record))
        events.of_container(paths, record, "kill", signal=number or stop_signal(record))
        wanted = next((each for each in (seconds, record["config"]["StopTimeout"]) if each is not None), _DEFAULT_TIMEOUT)
        if not found.wait(None if wanted < 0 else wanted):
            found.signal(SIGKILL)
            events.of_container(paths, record, "kill", signal=SIGKILL)
    finally:
        found.close()
    await_end(paths, record["id"], found.known)
    events.of_container(paths, record, "stop")


def stop_signal(record: Record) -> int:
    """Return the number of the signal that stops a container."""
    return signal_number(record["config"]["StopSignal"] or str(SIGTERM))


def end(paths: Paths, container_id: str) -> None:
    """Kill a container with SIGKILL if it runs. Return when its end is recorded."""
    _cancel_restart(paths, container_id)
    found = process(paths, container_id)
    if found is not None:
        try:
            found.signal(SIGKILL)
        finally:
            found.close()
    await_end(paths, container_id, found.known if found else None)


def _cancel_restart(paths: Paths, container_id: str) -> None:
    problems = restart.cancel(paths, container_id)
    if problems:
        raise problems[0]


def await_end(paths: Paths, container_id: str, known: State | None = None) -> None:
    """Wait until a container's first process is gone and its end is recorded. Record it here if the monitor could not.

    known: the container's state while it ran. Without a state.json, nothing else names its monitor then.

    Raises Conflict if they are still there after 10 seconds.
    """
    deadline = time.monotonic() + locks.RECORDING_SECONDS
    while _is_ending(paths, container_id, known):
        if time.monotonic() > deadline:
            raise Conflict(f"container {container_id[:12]} did not end within {locks.RECORDING_SECONDS} seconds of SIGKILL")
        time.sleep(0.002)
    if os.path.isdir(paths.container(container_id)) and state.is_unended(paths, container_id):
        problems = settle(paths, container_id)
        if problems:
            raise problems[0]


def _is_ending(paths: Paths, container_id: str, known: State | None) -> bool:
    """Say whether a container's first process is still there, or its monitor, and the end is not recorded. known: as in await_end()."""
    now = state.load(paths, container_id)
    if now is not None and (state.is_running(paths, now) or state.is_watched(paths, now)):
        return True
    return known is not None and state.is_watched(paths, known) and state.is_unended(paths, container_id)


def await_unwatched_end(paths: Paths, record: Record) -> None:
    """Wait until a container has ended and its end is recorded, without asking its monitor."""
    found = process(paths, record["id"])
    if found is not None:
        try:
            found.wait(None)
        finally:
            found.close()
    await_end(paths, record["id"], found.known if found else None)


def pause(paths: Paths, record: Record, frozen: bool) -> None:
    """Freeze the container's processes, or let them go on. Raises Conflict if it does not run, or if nothing would change."""
    found = running_process(paths, record)
    found.close()
    if found.cgroup.is_frozen() == frozen:
        raise Conflict(f"container {record['name']} is {'already' if frozen else 'not'} paused")
    if not frozen:
        found.cgroup.freeze(False)
    elif not freeze(paths, record["id"], found.cgroup):
        raise Conflict(f"container {record['name']} is not running")
    events.of_container(paths, record, "pause" if frozen else "unpause")


def freeze(paths: Paths, container_id: str, cgroup: CgroupManager) -> bool:
    """Freeze a container's processes, but not before it has started. Return False if it has ended meanwhile.

    Its monitor holds the lock until it has started, and waits for init. A frozen init would never answer. It holds the lock again while
    it removes the cgroup. Raises NotFound if the container is gone.
    """
    with locks.ContainerLock(paths, container_id):
        if not state.running_pid(paths, container_id):
            return False
        cgroup.freeze(True)
        return True


def exit_status(paths: Paths, record: Record) -> int:
    """Return the exit status of a container that has ended. Raises Error if nobody saw its end."""
    last = containers.load(paths, record["id"])
    if last["status"] == "exited" and not last["finishedAt"]:
        raise Error(f"the exit status of container {record['name']} is unknown: {last['error']}")
    return last["exitCode"]
