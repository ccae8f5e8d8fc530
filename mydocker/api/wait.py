"""wait: the exit status of a container, once it has ended. The answer's head comes at once, as clients start the container after it."""

from __future__ import annotations

import json
import marshal
from select import POLLHUP, POLLIN, poll

from mydocker.api import names
from mydocker.api.call import Call
from mydocker.api.protocol import Gone
from mydocker.api.streams import Attachment
from mydocker.engine.container import life
from mydocker.engine.record import containers
from mydocker.errors import BadInput, Conflict, Error, NotFound
from mydocker.kernel.inotify import Watch
from mydocker.messages import END, FAILURE, GONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.kernel.channel import Channel
    from mydocker.paths import Paths

_CONDITIONS = ("not-running", "next-exit", "removed")
_PATIENCE = 1.0


def wait(call: Call) -> None:
    """POST /containers/ID/wait"""
    condition = call.text("condition") or "not-running"
    if condition not in _CONDITIONS:
        raise BadInput(f"invalid condition: {condition!r}: expected {', '.join(_CONDITIONS)}")
    record = names.container(call)
    with _attachment(call, record, condition) as attachment:
        _begin(call)
        channel = attachment.channel(call.connection)
        if channel is None and not attachment.is_in_vain and not _is_gone(call, record):
            raise Gone
        status, problem = _awaited(call, channel, record) if channel else _ended(call.paths, record)
    if condition == "removed":
        _await_removal(call, record)
    _tell(call, status, problem)


def _attachment(call: Call, record: Record, condition: str) -> Attachment:
    try:
        return Attachment(call.paths, record, "", is_patient=condition != "not-running")
    except NotFound:
        raise
    except Conflict:
        # It has lost its monitor, so its end is seen only by its pid.
        _begin(call)
        _tell(call, *_ended(call.paths, record))
        raise Gone from None


def _begin(call: Call) -> None:
    call.connection.begin()


def _is_gone(call: Call, record: Record) -> bool:
    return containers.is_gone(call.paths, record["id"])


def _tell(call: Call, status: int, problem: str) -> None:
    document = {"Error": {"Message": problem} if problem else None, "StatusCode": status}
    call.connection.write(json.dumps(document).encode() + b"\n")
    call.connection.end()


def _awaited(call: Call, channel: Channel, record: Record) -> tuple[int, str]:
    """Return how the run that a channel belongs to ended, and what went wrong. Raises Gone if the client goes away before."""
    poller = poll()
    poller.register(channel.fileno(), POLLIN)
    poller.register(call.connection.fileno(), 0)
    while True:
        ready = dict(poller.poll())
        if ready.get(call.connection.fileno(), 0) & POLLHUP:
            raise Gone
        kind, payload, _ = channel.receive() if channel.fileno() in ready else ("?", b"", [])
        if kind == END:
            return int(marshal.loads(payload)), ""
        if kind == FAILURE:
            return _last(call.paths, record)
        if kind == GONE:
            return _ended(call.paths, record)


def _ended(paths: Paths, record: Record) -> tuple[int, str]:
    """Return how the last run ended, once that is written: it may have ended this moment, or have lost its monitor before."""
    life.await_unwatched_end(paths, record)
    return _last(paths, record)


def _last(paths: Paths, record: Record) -> tuple[int, str]:
    """Return how the last run ended, and what went wrong if nobody knows."""
    try:
        return life.exit_status(paths, record), ""
    except NotFound:
        return record["exitCode"], ""
    except Error as error:
        return 255, error.message


def _await_removal(call: Call, record: Record) -> None:
    """Wait until a container is gone. Raises Gone if the client goes away before."""
    try:
        watch = Watch(call.paths.containers)
    except FileNotFoundError:
        return
    try:
        while not _is_gone(call, record):
            watch.wait(_PATIENCE, call.connection.fileno())
            if call.connection.is_gone():
                raise Gone
    finally:
        watch.close()
