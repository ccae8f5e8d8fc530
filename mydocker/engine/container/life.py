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
from mydocker.steps.base import Action, Run
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.record.containers import Record
    from mydocker.engine.record.state import State
    from mydocker.paths import Paths
    from mydocker.steps.files import WriteFile

SIGKILL, SIGTERM = 9, 15
_DEFAULT_TIMEOUT = 10
_RECORDED = "wait until its monitor has recorded the end, and removed its cgroups and what is in STATE"


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
        except (NotFound, FileNotFoundError):
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


def kill(paths: Paths, record: Record, number: int, run: Run | None = None) -> None:
    """Send a signal to the container's first process. Raises Conflict if the container does not run.

    run: executes the steps and tells them, None for nobody to hear of them
    """
    run = run or Run("cli")
    ends = number in (SIGKILL, stop_signal(record))
    if ends and state.status(paths, record) == "restarting":
        run.apply(_no_restart(paths, record["id"]))
        return
    found = running_process(paths, record)
    try:
        if ends:
            run.apply(_no_restart(paths, record["id"]))
        run.apply(_signalling(found, number, lambda: events.of_container(paths, record, "kill", signal=number)))
    finally:
        found.close()


def _signalling(found: Process, number: int, told: Callable[[], None], when: str = "") -> Action:
    """Return the step that sends a signal. told: is called afterwards. when: words that say on what condition"""

    def send() -> None:
        found.signal(number)
        told()

    thaw = ", and thaw its cgroup: a frozen process sees no signal" if found.cgroup.is_frozen() else ""
    return Action(send, f"send signal {number} to process {found.pid} by its pidfd{when}{thaw}", f"kill -{number} {found.pid}")


def stop(
    paths: Paths, record: Record, seconds: int | None = None, number: int | None = None, run: Run | None = None, again: bool = False
) -> None:
    """End a container with its stop signal, and with SIGKILL if that is not enough. Return when the end is recorded.

    Nothing is done to a container that does not run.

    seconds: the time before SIGKILL, -1 for no SIGKILL, None for the container's own or docker's 10 seconds
    number: the stop signal, None for the container's own or SIGTERM
    run: as kill() takes it
    again: whether the caller starts it again: then it is not removed now, were it --rm
    """
    run = run or Run("cli")
    run.apply(_no_restart(paths, record["id"], again))
    found = process(paths, record["id"])
    if found is None:
        return
    first = number or stop_signal(record)

    def killed(signal: int) -> None:
        events.of_container(paths, record, "kill", signal=signal)

    try:
        run.apply(_signalling(found, first, lambda: killed(first)))
        wanted = next((each for each in (seconds, record["config"]["StopTimeout"]) if each is not None), _DEFAULT_TIMEOUT)
        ended: list[bool] = []  # a run that only tells leaves it empty
        run.apply(_waiting(found, wanted, ended))
        if ended != [True]:
            when = "" if ended else ", if it has not ended by then"
            run.apply(_signalling(found, SIGKILL, lambda: killed(SIGKILL), when))
    finally:
        found.close()

    def recorded() -> None:
        await_end(paths, record["id"], found.known)
        events.of_container(paths, record, "stop")

    run.apply(Action(recorded, _RECORDED))


def _waiting(found: Process, seconds: int, ended: list[bool]) -> Action:
    """Return the step that waits for a process's end. ended: gets whether it came in time. seconds: below 0 to wait for ever"""
    limit = "" if seconds < 0 else f", for {seconds} seconds at most"
    wait = f"tail --pid={found.pid} -f /dev/null"
    line = wait if seconds < 0 else f"timeout {seconds} {wait} || true"
    return Action(lambda: ended.append(found.wait(None if seconds < 0 else seconds)), f"poll the pidfd until it has ended{limit}", line)


def stop_signal(record: Record) -> int:
    """Return the number of the signal that stops a container."""
    return signal_number(record["config"]["StopSignal"] or str(SIGTERM))


def end(paths: Paths, container_id: str, run: Run | None = None) -> None:
    """Kill a container with SIGKILL if it runs. Return when its end is recorded. run: as kill() takes it"""
    run = run or Run("cli")
    run.apply(_no_restart(paths, container_id))
    found = process(paths, container_id)
    if found is not None:
        try:
            run.apply(_signalling(found, SIGKILL, lambda: None))
        finally:
            found.close()
    run.apply(Action(lambda: await_end(paths, container_id, found.known if found else None), _RECORDED))


def _no_restart(paths: Paths, container_id: str, keep: bool = False) -> Action:
    """Return the step after which no restart policy starts a container again."""

    def cancel() -> None:
        problems = restart.cancel(paths, container_id, keep)
        if problems:
            raise problems[0]

    return Action(cancel, f"see to it that no restart policy starts container {container_id[:12]} again")


def await_end(paths: Paths, container_id: str, known: State | None = None) -> None:
    """Wait until a container's first process is gone and its end is recorded. Record it here if the monitor could not.

    known: the container's state while it ran. Without a state.json, nothing else names its monitor then.

    Raises Conflict if they are still there after locks.RECORDING_SECONDS.
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


def pause(paths: Paths, record: Record, frozen: bool, run: Run | None = None) -> None:
    """Freeze the container's processes, or let them go on. Raises Conflict if it does not run, or if nothing would change.

    run: as kill() takes it
    """
    found = running_process(paths, record)
    found.close()
    if found.cgroup.is_frozen() == frozen:
        raise Conflict(f"container {record['name']} is {'already' if frozen else 'not'} paused")

    def change() -> None:
        if not frozen:
            found.cgroup.freeze(False)
        elif not freeze(paths, record["id"], found.cgroup):
            raise Conflict(f"container {record['name']} is not running")
        events.of_container(paths, record, "pause" if frozen else "unpause")

    written = _freezing(found.cgroup, frozen)
    seen = f", until the kernel says that all processes {'are frozen' if frozen else 'go on'}"
    (run or Run("cli")).apply(Action(change, written.describe() + seen, written.shell()))


def _freezing(cgroup: CgroupManager, frozen: bool) -> WriteFile:
    """Return what is written to freeze a cgroup or let it go on, with version 1's freezer or version 2."""
    group = cgroup.group("freezer") or cgroup.unified
    if group and group.hierarchy.version == 1:
        return group.write("freezer.state", "FROZEN" if frozen else "THAWED")
    return (group or cgroup.subsystems[0].group).write("cgroup.freeze", int(frozen))


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
