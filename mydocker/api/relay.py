"""A client of the API attached to a process: what monitor/client.py does for a terminal, for a connection that was taken over.

The messages are drawn in mydocker/messages.py.
"""

from __future__ import annotations

import marshal
from select import POLLHUP, POLLIN, poll

from mydocker.api.protocol import STDERR, STDOUT, Gone, frame
from mydocker.engine.monitor.detaching import DetachKeys
from mydocker.errors import Error
from mydocker.messages import CLOSED, END, ERRORS, EXPLAIN, FAILURE, GONE, INPUT, OUTPUT, STARTED, TAKEN, check, error_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.api.protocol import Connection
    from mydocker.api.websocket import WebSocket
    from mydocker.kernel.channel import Channel

    Client = Connection | WebSocket

_CHUNK = 1 << 16
_STREAMS = {OUTPUT: STDOUT, ERRORS: STDERR}
_WHILE_IT_RUNS = STARTED + OUTPUT + ERRORS + TAKEN + CLOSED + EXPLAIN


class Relay:
    """The bytes between a client's connection and a monitor's channel."""

    def __init__(self, client: Client, channel: Channel, streams: str, is_framed: bool, keys: bytes, waiting: bytes) -> None:
        self.client = client
        self.channel = channel
        self.is_framed = is_framed  # output comes in docker's frames, and not as it is
        self.keys = DetachKeys(keys)
        self._input = waiting  # what the client has sent and is not passed on yet
        self._has_input = INPUT in streams
        self._is_open = True  # the client may still send something
        self._may_send = self._has_input  # the monitor has taken what was sent before
        self._has_left = False  # the client is gone, and only what it has sent before is left to do

    def run(self) -> int | None:
        """Pass on bytes until the process ends or the client goes away. Return the exit status, None if the client went or detached."""
        try:
            while not self.keys.matched:
                self._send_input()
                ready = self._wait()
                if ready.get(self.channel.fileno()) and (status := self._take()) is not None:
                    return status
                if not self._look(ready.get(self.client.fileno(), 0)):
                    return None
        except Gone:
            return None
        finally:
            self.channel.close()
        return None

    def _wait(self) -> dict[int, int]:
        poller = poll()
        poller.register(self.channel.fileno(), POLLIN)
        reads = self._is_open and not self._input and (self._may_send or not self._has_input)
        if reads or not self._has_left:
            # Without a wish to read, a poller still tells that the client has gone away.
            poller.register(self.client.fileno(), POLLIN if reads else 0)
        return dict(poller.poll())

    def _look(self, events: int) -> bool:
        """Read what a client sends. Return False if it has gone away, and all that it sent is passed on."""
        self._has_left = bool(events & POLLHUP) or self._has_left
        if events & POLLIN:
            data = self.client.received()
            self._is_open = data != b""
            if self._has_input and data is not None:
                self._pass_on(data)
        return not self._has_left or (self._is_open and self._has_input)

    def _send_input(self) -> None:
        if self._input and self._may_send:
            data, self._input = self._input, b""
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        """Send the process what the client has sent; b'' is the end of its input."""
        if data:
            data = self.keys.without(data)
            if not data:
                return
        self._may_send = False
        try:
            self.channel.send(INPUT, data)
        except (BrokenPipeError, ConnectionResetError):
            return  # the monitor ends, and its last messages are still to be read

    def _take(self) -> int | None:
        """Do what the monitor's next message says. Return the exit status if it is the end. Raises the error of a start that failed."""
        kind, payload, _ = self.channel.receive()
        if kind == END:
            return int(marshal.loads(payload))
        if kind == FAILURE:
            raise error_from(marshal.loads(payload))
        if kind == GONE:
            raise Error("the container's monitor ended unexpectedly")
        check("the monitor", kind, END, _WHILE_IT_RUNS)
        if kind in _STREAMS:
            self.client.send_raw(frame(_STREAMS[kind], payload) if self.is_framed else payload)
        elif kind in (TAKEN, CLOSED):
            self._may_send = kind == TAKEN
        return None
