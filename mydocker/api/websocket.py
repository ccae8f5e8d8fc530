"""A connection that was taken over as a WebSocket (RFC 6455), by wsproto: what browsers attach to a container with.

It carries the process's streams as they are, without docker's frames. Closing it ends the attachment.
"""

from __future__ import annotations

from typing import cast

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Message, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from mydocker.api.protocol import Gone, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.api.call import Call

# From this version on, output is in binary messages; before, in messages of text.
_BINARY = (1, 28)


class WebSocket:
    """A client's end of a process's streams, as relay.Relay wants it.

    Raises Refused if the request does not ask for a WebSocket.
    """

    def __init__(self, call: Call) -> None:
        self._connection = call.connection
        self._is_binary = call.version >= _BINARY
        self._protocol = WSConnection(ConnectionType.SERVER)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in call.headers.items()]
        try:
            self._protocol.initiate_upgrade_connection(headers, "/")
            next(iter(self._protocol.events()))  # the request, which is known
            self._accepted = self._protocol.send(AcceptConnection())
        except (RemoteProtocolError, LocalProtocolError) as error:
            raise Refused(400, f"no WebSocket: {error}") from error

    def fileno(self) -> int:
        return self._connection.fileno()

    def open(self) -> bytes:
        """Begin to speak WebSocket. Return what the client has sent already."""
        return self._taken(self._connection.take_over(self._accepted))

    def received(self) -> bytes | None:
        """Return what the client has sent, or None if that is nothing for the process. Raises Gone at the end of the connection."""
        data = self._connection.received()
        if not data:
            raise Gone
        return self._taken(data) or None

    def _taken(self, data: bytes) -> bytes:
        try:
            self._protocol.receive_data(data)
            return b"".join(map(self._payload, self._protocol.events()))
        except RemoteProtocolError as error:
            raise Gone from error

    def _payload(self, event: Event) -> bytes:
        if isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, CloseConnection):
            self._send(event.response())
            raise Gone
        elif isinstance(event, TextMessage):
            return event.data.encode()
        elif isinstance(event, BytesMessage):
            return bytes(event.data)
        return b""

    def send_raw(self, data: bytes) -> None:
        """Send output as one message. Raises Gone."""
        text = "" if self._is_binary else data.decode(errors="replace")
        self._send(cast("Event", Message(data) if self._is_binary else Message(text)))

    def close(self) -> None:
        """Say that the process has ended."""
        self._send(CloseConnection(code=1000))

    def _send(self, event: Event) -> None:
        try:
            self._connection.send_raw(self._protocol.send(event))
        except LocalProtocolError as error:
            raise Gone from error
