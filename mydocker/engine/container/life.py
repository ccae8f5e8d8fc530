"""What is done to a container from outside while it runs: signals, stop, pause, wait. None of it needs the monitor.

A process is signalled through its pidfd, so that a signal never reaches a stranger that has the same number.
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
from mydocker.engine.record import containers, events, state
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
# How long a monitor may take to record an end and to clean up.
_RECORDING_SECONDS = 10


class Process(Value):
    """A running container's first process. known: what the state says while it runs."""

    pid: int
    known: State
    descriptor: int
    cgroup: CgroupManager

    def signal(self, number: int) -> None:
        """Send a signal; one that ended meanwhile needs none. A frozen process would never see it, so it is let go on."""
        try:
            _signal.pidfd_send_signal(self.descriptor, number)
        except ProcessLookupError:
            return
        try:
            if self.cgroup.is_frozen():
                self.cgroup.freeze(False)
        except NotFound:
            return  # its monitor has removed it meanwhile

    def wait(self, seconds: float | None) -> bool:
        """Wait for the end, at most so long; return whether it came."""
        poller = poll()
        poller.register(self.descriptor, POLLIN)
        return bool(poller.poll(None if seconds is None else seconds * 1000))

    def close(self) -> None:
        os.close(self.descriptor)


def process(paths: Paths, container_id: str) -> Process | None:
    """Return a container's first process; None when it does not run."""
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
    """Return a container's first process. Raises Conflict when it does not run."""
    found = process(paths, record["id"])
    if found is None:
        raise Conflict(f"container {record['name']} is not running")
    return found


def kill(paths: Paths, record: Record, number: int) -> None:
    """Send a signal to a container's first process. Raises Conflict when it does not run."""
    found = running_process(paths, record)
    if number in (SIGKILL, stop_signal(record)):
        _cancel_restart(paths, record["id"])
    try:
        found.signal(number)
    finally:
        found.close()
    events.of_container(paths, record, "kill", signal=number)


def stop(paths: Paths, record: Record, seconds: int | None = None, number: int | None = None) -> None:
    """End a container: its stop signal, then after so many seconds (-1: never) SIGKILL; one that does not run needs nothing.

    Returns when its end is recorded. seconds, number: None for the container's own, docker's 10 and SIGTERM.
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
    """SIGKILL a container if it runs, and return when its end is recorded."""
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
    """Wait until a container's process and monitor are gone; record the end here if the monitor could not. Raises Conflict.

    known: what its state said while it ran: where there is no state.json, nothing else tells of its monitor then.
    """
    deadline = time.monotonic() + _RECORDING_SECONDS
    while (
        state.running_pid(paths, container_id)
        or state.has_monitor(paths, container_id)
        or (known is not None and state.is_watched(paths, known))
    ):
        if time.monotonic() > deadline:
            raise Conflict(f"container {container_id[:12]} did not end within {_RECORDING_SECONDS} seconds of SIGKILL")
        time.sleep(0.005)
    if os.path.isdir(paths.container(container_id)) and state.is_unended(paths, container_id):
        problems = settle(paths, container_id)
        if problems:
            raise problems[0]


def await_unwatched_end(paths: Paths, record: Record) -> None:
    """Wait until a container ends without asking its monitor, and for its end to be recorded."""
    found = process(paths, record["id"])
    if found is not None:
        try:
            found.wait(None)
        finally:
            found.close()
    await_end(paths, record["id"], found.known if found else None)


def pause(paths: Paths, record: Record, frozen: bool) -> None:
    """Freeze a container's processes, or let them go on. Raises Conflict when it does not run or is so already."""
    found = running_process(paths, record)
    found.close()
    if found.cgroup.is_frozen() == frozen:
        raise Conflict(f"container {record['name']} is {'already' if frozen else 'not'} paused")
    found.cgroup.freeze(frozen)
    events.of_container(paths, record, "pause" if frozen else "unpause")


def exit_status(paths: Paths, record: Record) -> int:
    """Return the exit status of a container that has ended. Raises Error when nobody saw its end."""
    last = containers.load(paths, record["id"])
    if last["status"] == "exited" and not last["finishedAt"]:
        raise Error(f"the exit status of container {record['name']} is unknown: {last['error']}")
    return last["exitCode"]
