"""One client's connection, as HTTP/1.1 by h11: requests and their bodies, answers at once or in chunks, and docker's own streams.

Docker's streams are no HTTP any more: a client asks for one with `Upgrade: tcp` and gets 101, or without and gets 200, and from then on
the connection carries raw bytes both ways (hijack). Without a terminal, output comes in frames: a byte for the stream (1 is standard
output, 2 standard error), three zeros, the length in four bytes, the data.
"""

from __future__ import annotations

import json
from fcntl import ioctl
from select import POLLHUP, POLLIN, poll
from struct import pack, unpack
from termios import TIOCOUTQ
from time import monotonic

import h11

from mydocker.errors import Error
from mydocker.version import NEWEST_API, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket
    from typing import Any

# The most bytes of a request's head (credentials of many registries are in one header), and of a body that is one JSON document.
MOST_HEAD = 256 << 10
MOST_JSON = 4 << 20
# Of a body that nobody wants, so much is read so that the client gets to read the answer.
_MOST_UNWANTED = 64 << 20
_CHUNK = 1 << 16
# So many seconds a client may take for the head of a request. One that says nothing more loses its connection, and others get its place.
_PATIENCE = 60.0
# Raw bytes follow the head of their answer once the client has read that, or after so many seconds.
_HEAD_IS_READ = 0.1
# The names of the statuses that this API answers (RFC 9110), for the first line of an answer: docker-py shows them to its user.
_REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}

STDOUT, STDERR = 1, 2
MULTIPLEXED, RAW = "application/vnd.docker.multiplexed-stream", "application/vnd.docker.raw-stream"


class Gone(Exception):
    """The client has closed the connection."""


class Refused(Error):
    """An answer other than an error of ours would get. status: of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Connection:
    """A connection that a client has opened."""

    def __init__(self, client: socket) -> None:
        self.socket = client
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self.is_begun = False  # the head of the answer has been sent
        self.is_raw = False  # no more HTTP is spoken here
        self._is_head = False  # the request wants no body

    def fileno(self) -> int:
        return self.socket.fileno()

    def is_gone(self) -> bool:
        """Say whether the client has closed the connection in both directions. A client may close its own half and still wait."""
        poller = poll()
        poller.register(self.fileno(), 0)
        return any(events & POLLHUP for _, events in poller.poll(0))

    def request(self) -> h11.Request | None:
        """Wait for the next request. Return None at the end of the connection, or if none comes. Raises Refused for what is no HTTP."""
        if self.is_raw or self._http.our_state not in (h11.IDLE, h11.DONE):
            return None
        if self._http.our_state is h11.DONE:
            if self._http.their_state is not h11.DONE:
                return None  # the rest of a body that was too long is in the way
            self._http.start_next_cycle()
        self.is_begun = False
        try:
            event = self._event(monotonic() + _PATIENCE)
        except TimeoutError:
            return None
        if not isinstance(event, h11.Request):
            return None
        self._is_head = event.method == b"HEAD"
        return event

    def _event(self, until: float | None = None) -> Any:
        """Return the next event of the request. Raises TimeoutError if it has not come by a moment of monotonic()."""
        while (event := self._next()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._send(h11.InformationalResponse(status_code=100, headers=[]))
            if until is not None:
                self._wait(until)
            self._http.receive_data(self.received())
        return event

    def _wait(self, until: float) -> None:
        poller = poll()
        poller.register(self.fileno(), POLLIN)
        if not poller.poll(max(0.0, until - monotonic()) * 1000):
            raise TimeoutError

    def _next(self) -> Any:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise Refused(error.error_status_hint, f"malformed request: {error}") from error

    def received(self) -> bytes:
        """Return what the client has sent, b'' at the end of that."""
        try:
            return self.socket.recv(_CHUNK)
        except ConnectionResetError:
            return b""

    def body(self) -> Iterator[bytes]:
        """Yield the request's body as it comes. Raises Gone if the client goes away before its end."""
        while self._http.their_state is h11.SEND_BODY:
            event = self._event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.ConnectionClosed):
                raise Gone

    def whole_body(self) -> bytes:
        """Return a body that is small. Raises Refused for any other."""
        found = b""
        for piece in self.body():
            found += piece
            if len(found) > MOST_JSON:
                raise Refused(413, f"the request's body is too long: expected up to {MOST_JSON} bytes")
        return found

    def answer(self, status: int, body: bytes = b"", kind: str = "application/json", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer a request at once. What is left of its body is read and dropped."""
        self._drop_body()
        typed = [("Content-Type", kind)] if body or kind != "application/json" else []
        length = [] if status in (204, 304) else [("Content-Length", str(len(body)))]
        self._begin(status, [*typed, *length, *headers])
        if body and not self._is_head:
            self._send(h11.Data(data=body))
        self.end()

    def _drop_body(self) -> None:
        dropped = 0
        try:
            for piece in self.body():
                dropped += len(piece)
                if dropped > _MOST_UNWANTED:
                    return  # h11 closes after the answer
        except Refused:
            return

    def begin(self, kind: str = "application/json", status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Begin an answer that comes in chunks. Its head is sent at once, as clients wait for it."""
        self._drop_body()
        self._begin(status, [*([("Content-Type", kind)] if kind else []), ("Transfer-Encoding", "chunked"), *headers])

    def _begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.is_begun = True
        self._send(h11.Response(status_code=status, reason=_REASONS.get(status, ""), headers=[*_own_headers(), *headers]))

    def write(self, data: bytes) -> int:
        """Send one chunk. So this object is a file that tars can be written to."""
        if data:
            self._send(h11.Data(data=data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: what was written has been sent."""

    def end(self) -> None:
        """End an answer."""
        self._send(h11.EndOfMessage())

    def line(self, document: object) -> None:
        """Send one JSON document of many, on a line of its own."""
        self.write(json.dumps(document, separators=(",", ":")).encode() + b"\r\n")

    def _send(self, event: Any) -> None:
        try:
            data = self._http.send(event)
        except h11.LocalProtocolError as error:  # what h11 does not send any more after the other side's mistake
            raise Gone from error
        self.send_raw(data or b"")

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are. Raises Gone."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Gone from error

    def hijack(self, kind: str, is_upgraded: bool) -> bytes:
        """Take the connection over for raw bytes. Return those that the client has sent already.

        is_upgraded: whether the client has asked for that with an Upgrade header
        """
        status = "101 UPGRADED" if is_upgraded else "200 OK"
        upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n" if is_upgraded else ""
        return self.take_over(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{upgrade}\r\n".encode())

    def take_over(self, answer: bytes) -> bytes:
        """Send the last answer that is HTTP. Return what the client has sent already of what is none."""
        for _ in self.body():
            pass
        waiting, _ = self._http.trailing_data
        self.is_raw = self.is_begun = True
        self.send_raw(answer)
        self._await_reading()
        return bytes(waiting)

    def _await_reading(self) -> None:
        """Wait until the client has read the head of the answer. docker-py reads that with a buffer, and loses the raw bytes in there."""
        deadline = monotonic() + _HEAD_IS_READ
        while self._unread() and monotonic() < deadline:
            poll().poll(1)  # no event tells that a peer has read

    def _unread(self) -> int:
        """Return how much of what was sent the client has not read yet (unix(7), SIOCOUTQ)."""
        found: int = unpack("i", ioctl(self.socket, TIOCOUTQ, bytes(4)))[0]
        return found


def frame(stream: int, data: bytes) -> bytes:
    """Return output as a frame. stream: STDOUT or STDERR"""
    return pack(">BxxxI", stream, len(data)) + data


def stream_type(version: tuple[int, int], is_tty: bool) -> str:
    """Return the content type of docker's stream."""
    return RAW if is_tty or version < (1, 42) else MULTIPLEXED


def _own_headers() -> list[tuple[str, str]]:
    newest = ".".join(map(str, NEWEST_API))
    return [
        ("Api-Version", newest),
        ("Docker-Experimental", "false"),
        ("Ostype", "linux"),
        ("Server", f"mydocker/{VERSION} (linux)"),
    ]
