"""attach and logs: what a container writes, now or before, and what it reads."""

from __future__ import annotations

from select import POLLHUP, POLLIN, poll

from mydocker.api import names
from mydocker.api.call import Call
from mydocker.api.protocol import RAW, STDERR, STDOUT, frame, stream_type
from mydocker.api.relay import Relay
from mydocker.engine.monitor import restart
from mydocker.engine.monitor.waiting import Waiting
from mydocker.engine.record import containers, events, following, locks, state
from mydocker.engine.record.moments import moment
from mydocker.engine.request.values import detach_keys
from mydocker.errors import BadInput, Conflict, Error
from mydocker.kernel.channel import Channel, connect
from mydocker.kernel.inotify import Watch
from mydocker.messages import ATTACH, ERRORS, INPUT, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.api.protocol import Connection
    from mydocker.api.relay import Client
    from mydocker.engine.record.containers import Record
    from mydocker.engine.record.reader import Entry
    from mydocker.paths import Paths

KEYS = "ctrl-p,ctrl-q"
# A container may be removed without a change in its own directory that this process sees. It may go unnoticed for this many seconds.
_PATIENCE = 1.0


def attach(call: Call) -> None:
    """POST /containers/ID/attach"""
    record = names.container(call)
    is_tty = record["config"]["Tty"]
    kind = stream_type(call.version, is_tty)
    _attach(call, record, call.connection, lambda: call.connection.hijack(kind, call.is_upgraded), not is_tty)


def attach_by_websocket(call: Call) -> None:
    """GET /containers/ID/attach/ws"""
    from mydocker.api.websocket import WebSocket

    record = names.container(call)
    client = WebSocket(call)
    _attach(call, record, client, client.open, is_framed=False)
    client.close()


def _attach(call: Call, record: Record, client: Client, take_over: Callable[[], bytes], is_framed: bool) -> None:
    keys = detach_keys(call.text("detachKeys") or KEYS)
    streams = wanted_streams(call, record)
    _check_usable(call.paths, record)
    with Attachment(call.paths, record, streams) as attachment:
        waiting = take_over()
        if call.flag("logs"):
            _send_log(client, call.paths, record, streams, is_framed)
        channel = attachment.channel(call.connection) if call.flag("stream") else None
        if channel:
            _relay(Relay(client, channel, streams, is_framed, keys if record["config"]["Tty"] else b"", waiting))


def _relay(relay: Relay) -> None:
    try:
        relay.run()
    except Error:
        return  # the start failed, which whoever has started the container is told


def wanted_streams(call: Call, record: Record) -> str:
    """Return the streams that a client attaches to, see messages.Request."""
    asked = {INPUT: "stdin", OUTPUT: "stdout", ERRORS: "stderr"}
    streams = "".join(kind for kind, key in asked.items() if call.flag(key))
    return streams if record["config"]["OpenStdin"] else streams.replace(INPUT, "")


def _check_usable(paths: Paths, record: Record) -> None:
    if state.status(paths, record) == "paused":
        raise Conflict(f"container {record['id']} is paused, unpause the container before attach")


class Attachment:
    """A place among a container's clients. The container may run, or be started later: nothing that it says from now on is missed.

    is_patient: whether to wait for a start of a container that neither runs nor restarts by itself
    """

    def __init__(self, paths: Paths, record: Record, streams: str, is_patient: bool = True) -> None:
        self.paths = paths
        self.record = record
        self.streams = streams
        self._waiting: Waiting | None = None
        self._channel: Channel | None = None
        with locks.ContainerLock(paths, record["id"]) as lock:
            if lock.running_pid():
                self._channel = _attached(paths, record, streams)
            elif is_patient or restart.is_waiting(paths, containers.load(paths, record["id"])):
                self._waiting = Waiting(paths, record["id"], streams)

    @property
    def is_in_vain(self) -> bool:
        """Whether there is no run, and none to wait for."""
        return self._channel is None and self._waiting is None

    def __enter__(self) -> Attachment:
        if self.streams:
            events.of_container(self.paths, self.record, "attach")
        return self

    def __exit__(self, *_: object) -> None:
        if self._waiting:
            self._waiting.close()

    def channel(self, client: Connection) -> Channel | None:
        """Return the channel to the container's monitor, once there is one. Return None if the client or the container goes before."""
        if self._channel is None and self._waiting:
            self._channel = self._started(client, self._waiting)
        return self._channel

    def _started(self, client: Connection, waiting: Waiting) -> Channel | None:
        watch = Watch(self.paths.container(self.record["id"]))
        try:
            while not containers.is_gone(self.paths, self.record["id"]):
                poller = poll()
                poller.register(waiting.listener.fileno(), POLLIN)
                poller.register(watch.descriptor, POLLIN)
                poller.register(client.fileno(), 0)
                ready = dict(poller.poll(_PATIENCE * 1000))
                if waiting.listener.fileno() in ready:
                    return waiting.listener.accept()
                if ready.get(client.fileno(), 0) & POLLHUP:
                    return None
                watch.wait(0)
        finally:
            watch.close()
        return None


def _attached(paths: Paths, record: Record, streams: str) -> Channel:
    """Return a channel to the monitor of a container that runs. Raises Conflict if it has none."""
    try:
        channel = connect(paths.attach_socket(record["id"]))
        channel.send(ATTACH, streams.encode())
    except (FileNotFoundError, ConnectionRefusedError, BrokenPipeError) as error:
        raise Conflict(f"container {record['name']} has no monitor to attach to") from error
    return channel


def logs(call: Call) -> None:
    """GET /containers/ID/logs"""
    record = names.container(call)
    if not (call.flag("stdout") or call.flag("stderr")):
        raise BadInput("Bad parameters: you must choose at least one stream")
    is_tty = record["config"]["Tty"]
    lines = _Lines(call, record, is_tty)
    call.connection.begin(stream_type(call.version, is_tty) if call.version >= (1, 42) else RAW if is_tty else "")
    lines.send()
    call.connection.end()


class _Lines:
    """The entries of a log that a client asks for."""

    def __init__(self, call: Call, record: Record, is_tty: bool) -> None:
        self.call = call
        self.record = record
        self.is_tty = is_tty
        self.streams = {"stdout": call.flag("stdout"), "stderr": call.flag("stderr")}
        self.bounds = (_moment(call.text("since")), _moment(call.text("until")))
        self.reader = following.reader(call.paths, record, following.count(call.text("tail") or "all"))

    def send(self) -> None:
        connection, call = self.call.connection, self.call
        follow = call.flag("follow") and bool(state.running_pid(call.paths, self.record["id"]))
        try:
            for entry in following.entries(
                call.paths, self.record["id"], self.reader, self.bounds, follow, lambda: not connection.is_gone(), (connection.fileno(),)
            ):
                if self.streams[entry.stream]:
                    connection.write(self._shown(entry))
        finally:
            self.reader.close()

    def _shown(self, entry: Entry) -> bytes:
        text = (entry.time.encode() + b" " if self.call.flag("timestamps") else b"") + self._details(entry) + entry.text
        return text if self.is_tty else frame(STDOUT if entry.stream == "stdout" else STDERR, text)

    def _details(self, entry: Entry) -> bytes:
        if not self.call.flag("details"):
            return b""
        from mydocker.engine.record.attributes import shown  # few ask for them

        return shown(entry.attributes)


def _moment(text: str) -> str:
    """Return a bound of the logs; docker's 0 means none."""
    return moment(text) if text.strip("0.") else ""


def _send_log(client: Client, paths: Paths, record: Record, streams: str, is_framed: bool) -> None:
    """Send what a container has written before, for an attach with logs=1."""
    reader = following.reader(paths, record, None)
    kinds = {"stdout": (OUTPUT, STDOUT), "stderr": (ERRORS, STDERR)}
    for entry in following.entries(paths, record["id"], reader, ("", ""), False, lambda: True):
        kind, number = kinds[entry.stream]
        if kind in streams:
            client.send_raw(frame(number, entry.text) if is_framed else entry.text)
    reader.close()
