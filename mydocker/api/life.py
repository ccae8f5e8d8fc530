"""Endpoints that begin, end and hold the run of a container."""

from __future__ import annotations

from mydocker.api import names
from mydocker.api.call import DONE, EMPTY, UNCHANGED, Answer, Call
from mydocker.engine.container import life
from mydocker.engine.container.start import lock_stopped
from mydocker.engine.container.start import start as start_container
from mydocker.engine.record import containers, events, state
from mydocker.engine.request.values import signal
from mydocker.errors import BadInput, Conflict
from mydocker.kernel.channel import Channel, connect
from mydocker.messages import ATTACH, GONE, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths

_LARGEST_SIZE = 65535  # a terminal's rows and columns are 16 bits each


def start(call: Call) -> Answer:
    """POST /containers/ID/start"""
    record = names.container(call)
    _check_no_body(call)
    if state.status(call.paths, record) == "paused":
        raise Conflict("cannot start a paused container, try unpause instead")
    return DONE if started(call.paths, record["id"]) else UNCHANGED


def _check_no_body(call: Call) -> None:
    """Refuse the HostConfig that clients before 1.24 sent: nobody reads it any more."""
    if call.connection.whole_body().strip() not in (b"", b"{}", b"null"):
        raise BadInput("starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24")


def started(paths: Paths, container_id: str) -> bool:
    """Start a container. Return False if it runs already."""
    lock = lock_stopped(paths, container_id)
    if lock < 0:
        return False
    record = containers.load(paths, container_id)
    size = record["hostConfig"]["ConsoleSize"]
    start_container(paths, record, lock, size=(size[0], size[1]) if any(size) else None).channel.close()
    return True


def stop(call: Call) -> Answer:
    """POST /containers/ID/stop"""
    seconds, number = _seconds(call), _signal(call)
    record = names.container(call)
    is_stopped = not state.running_pid(call.paths, record["id"])
    life.stop(call.paths, record, seconds, number)
    return UNCHANGED if is_stopped else DONE


def restart(call: Call) -> Answer:
    """POST /containers/ID/restart"""
    seconds, number = _seconds(call), _signal(call)
    record = names.container(call)
    life.stop(call.paths, record, seconds, number, again=True)
    started(call.paths, record["id"])
    events.of_container(call.paths, record, "restart")
    return DONE


def _seconds(call: Call) -> int | None:
    return call.number("t")


def _signal(call: Call) -> int | None:
    """Return the signal of stop and restart, which clients may choose from 1.42 on."""
    text = call.text("signal") if call.version >= (1, 42) else ""
    return signal(text) if text else None


def kill(call: Call) -> Answer:
    """POST /containers/ID/kill"""
    number = signal(call.text("signal") or "KILL")
    record = names.container(call)
    if not state.running_pid(call.paths, record["id"]) and state.status(call.paths, record) != "restarting":
        raise Conflict(f"cannot kill container: {call.name}: container {record['id']} is not running")
    life.kill(call.paths, record, number)
    if number == life.SIGKILL:
        life.await_unwatched_end(call.paths, record)
    return DONE


def pause(call: Call) -> Answer:
    """POST /containers/ID/pause"""
    life.pause(call.paths, names.container(call), True)
    return DONE


def unpause(call: Call) -> Answer:
    """POST /containers/ID/unpause"""
    life.pause(call.paths, names.container(call), False)
    return DONE


def resize(call: Call) -> Answer:
    """POST /containers/ID/resize"""
    size = size_of(call)
    record = names.container(call)
    return resized(call.paths.attach_socket(record["id"]), size, f"container {record['id']} is not running")


def size_of(call: Call) -> tuple[int, int]:
    """Return the rows and columns that a resize asks for. Raises BadInput."""
    rows, columns = call.number("h"), call.number("w")
    for key, value in (("h", rows), ("w", columns)):
        if value is None or not 0 <= value <= _LARGEST_SIZE:
            raise BadInput(f"invalid {key} {call.text(key)!r}: expected a number of rows or columns up to {_LARGEST_SIZE}")
    return rows or 0, columns or 0


def resized(path: str, size: tuple[int, int], problem: str) -> Answer:
    """Have a monitor change the size of its process's terminal. Answer when that is done. Raises Conflict: then the client tries again."""
    try:
        channel = connect(path)
        channel.put(SIZE, size)
        channel.send(ATTACH, b"")  # messages are obeyed in their order, so the answer to this one means that both are
        kind = _answer_of(channel)
    except (FileNotFoundError, ConnectionRefusedError, BrokenPipeError) as error:
        raise Conflict(problem) from error
    if kind == GONE:
        raise Conflict(problem)
    return EMPTY


def _answer_of(channel: Channel) -> str:
    try:
        return channel.receive()[0]
    finally:
        channel.close()
