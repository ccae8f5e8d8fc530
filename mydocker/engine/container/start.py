"""Start a created container: send its monitor the request, and wait for the answer."""

from __future__ import annotations

import os

from mydocker.engine.monitor import launcher, waiting
from mydocker.engine.monitor.client import Client
from mydocker.engine.record import containers, events, locks, state
from mydocker.kernel import terminal
from mydocker.messages import EXEC, START
from mydocker.steps.faults import injected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mydocker.engine.monitor.client import Explain
    from mydocker.engine.record.containers import Record
    from mydocker.explaining import Stop
    from mydocker.messages import ExecRequest, Request, WantedProcess
    from mydocker.paths import Paths


def lock_stopped(paths: Paths, container_id: str) -> int:
    """Return the descriptor that holds the lock of a container that is to be started, or -1 if the container runs.

    If nobody saw the end of the last run, what it left is removed first. Raises the first error of that, NotFound if the container is
    gone (--rm), and Conflict if it is only half made or half removed.
    """
    with locks.ContainerLock(paths, container_id) as lock:
        if lock.running_pid():
            return -1
        if state.is_unended(paths, container_id):
            from mydocker.engine.container.orphans import settle

            problems = settle(paths, container_id)
            if problems:
                raise problems[0]
        locks.load_whole(paths, container_id)
        return lock.kept()


def start(
    paths: Paths,
    record: Record,
    lock: int,
    streams: str = "",
    detach_keys: bytes = b"",
    proxy: bool = True,
    explain: Explain | None = None,
    secrets: Sequence[str] = (),
    size: tuple[int, int] | None = None,
    stop: Stop | None = None,
) -> Client:
    """Start a container. Return the client of its monitor. Raises the error that the start failed with.

    lock: the descriptor that holds the container's lock. The monitor takes it over.
    streams: the streams that are connected to the caller's own, see messages.Request
    detach_keys: the bytes that detach the client, b'' for none
    proxy: whether the client passes its signals on
    explain: is called with each step that was done, None for steps not to be told
    secrets: NAME=VALUE, more variables for the container's process, which are in no file
    size: rows and columns of its terminal at first, None for those of the caller's
    stop: where the start stops, None for nowhere; its gate is closed here
    """
    if record["stopped"] or record["restartCount"]:
        record |= {"stopped": False, "kept": False, "restartCount": 0, "restartDelay": 0.0}
        containers.save(paths, record)
    if streams:
        events.of_container(paths, record, "attach")
    channel = launcher.monitor()
    is_tty = record["config"]["Tty"]
    client = Client(channel, streams, is_tty, detach_keys, proxy, explain)
    others = waiting.gather(paths, record["id"])
    wanted: Request = {**request(paths, record["id"], streams, is_tty, explain is not None, size), "secrets": list(secrets)}
    wanted["others"] = [streams for streams, _ in others]
    if stop:
        wanted["stop"] = stop.words
    gate = [stop.gate] if stop else []
    client.ask(START, wanted, (lock, *(channel.fileno() for _, channel in others), *gate))
    for _, channel in others:
        channel.close()
    for descriptor in (lock, *gate):
        os.close(descriptor)
    client.wait_started()
    return client


def execute(
    paths: Paths,
    record: Record,
    process: WantedProcess,
    streams: str,
    detach_keys: bytes,
    explain: Explain | None = None,
    execution: str = "",
    size: tuple[int, int] | None = None,
    stop: Stop | None = None,
) -> Client:
    """Run one more process in a running container. Return the client of that process's monitor.

    process: what differs from the container's own process, see messages.WantedProcess
    execution: the id of its record, '' if it has none (record/execs.py)
    The other arguments are those of start().
    """
    channel = launcher.monitor()
    is_tty = process["terminal"]
    client = Client(channel, streams, is_tty, detach_keys, False, explain)
    common = request(paths, record["id"], streams, is_tty, explain is not None, size)
    wanted: ExecRequest = {**common, "process": process, "silent": False, "exec": execution}
    if stop:
        wanted["stop"] = stop.words
    client.ask(EXEC, wanted, (stop.gate,) if stop else ())
    if stop:
        os.close(stop.gate)
    client.wait_started()
    return client


def request(paths: Paths, container_id: str, wanted: str, is_tty: bool, explain: bool, size: tuple[int, int] | None = None) -> Request:
    """Return what a monitor has to know of its client and the container. wanted: the client's streams."""
    return {
        "root": paths.root,
        "state": paths.state,
        "id": container_id,
        "wanted": wanted,
        "size": (size or _size()) if is_tty else None,
        "explain": explain,
        "faults": injected(os.environ),
    }


def _size() -> tuple[int, int] | None:
    for descriptor in (0, 1, 2):
        if os.isatty(descriptor):
            return terminal.window_size(descriptor)
    return None
