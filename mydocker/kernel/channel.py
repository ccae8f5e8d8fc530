"""A message channel between two processes: SOCK_SEQPACKET, one kind byte and a payload, perhaps descriptors.

The parts of the socket module that cost nothing (it spends 5 ms on enum and selectors). A message is whole or not
there; the end of the peer is the end of file, which is how its death is seen.
"""

from __future__ import annotations

import _socket
import marshal
import os
from select import POLLIN, poll
from struct import pack, unpack_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # What marshal carries: between our own processes only, which run the same interpreter. A mapping is a dict of such values.
    Value = None | bool | int | float | str | bytes | list["Value"] | tuple["Value", ...] | Mapping[str, object]

LIMIT = 65536
_MAX_DESCRIPTORS = 8
_HIGHEST_DESCRIPTOR = 1 << 20


class Channel:
    """One end of a socket pair. Messages are at most LIMIT bytes of payload."""

    __slots__ = ("_socket",)

    def __init__(self, socket: _socket.socket) -> None:
        self._socket = socket

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Return two connected ends, both close-on-exec."""
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        return cls(ours), cls(theirs)

    @classmethod
    def inherited(cls, descriptor: int) -> Channel:
        """Take over an end that was inherited by number; children of this process do not inherit it."""
        os.set_inheritable(descriptor, False)
        return cls(_socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def close_others(self) -> None:
        """Close every descriptor of this process but this channel's and the standard streams."""
        own = self.fileno()
        os.closerange(3, own)
        os.closerange(own + 1, _HIGHEST_DESCRIPTOR)

    def send(self, kind: str, payload: bytes = b"", descriptors: tuple[int, ...] = (), wait: bool = True) -> None:
        """Send one message. Raises BrokenPipeError when the peer is gone, BlockingIOError when it would wait and may not."""
        ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pack(f"{len(descriptors)}i", *descriptors))] if descriptors else []
        flags = _socket.MSG_NOSIGNAL | (0 if wait else _socket.MSG_DONTWAIT)
        self._socket.sendmsg([kind.encode(), payload], ancillary, flags)

    def put(self, kind: str, value: Value, descriptors: tuple[int, ...] = ()) -> None:
        """Send a value that marshal can carry."""
        self.send(kind, packed(value), descriptors)

    def receive(self) -> tuple[str, bytes, list[int]]:
        """Return (kind, payload, descriptors) of the next message; kind '' at the end of file."""
        try:
            data, ancillary = self._next()
        except ConnectionResetError:
            # The peer went without having read everything. This is told once, before what it had sent.
            data, ancillary = self._next()
        descriptors = [n for _, _, value in ancillary for (n,) in _each_int(value)]
        return data[:1].decode(), data[1:], descriptors

    def _next(self) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        space = _socket.CMSG_SPACE(4 * _MAX_DESCRIPTORS)
        data, ancillary, _, _ = self._socket.recvmsg(LIMIT + 1, space, _socket.MSG_CMSG_CLOEXEC)
        return data, ancillary


class Listener:
    """Where channels are opened to: a socket at a path, which may be longer than the 108 bytes that unix(7) leaves for one."""

    __slots__ = ("_socket",)

    def __init__(self, path: str) -> None:
        self._socket = _seqpacket()
        _at_short_path(path, self._socket.bind)
        self._socket.listen(16)

    def fileno(self) -> int:
        return self._socket.fileno()

    def accept(self) -> Channel:
        """Return the channel of the next client; waits for one."""
        descriptor, _ = self._socket._accept()  # type: ignore[attr-defined]  # what socket.accept() calls
        return Channel(_socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor))

    def accept_waiting(self) -> Channel | None:
        """Return the channel of a client that waits already, None when nobody does."""
        poller = poll()
        poller.register(self.fileno(), POLLIN)
        return self.accept() if poller.poll(0) else None

    def close(self) -> None:
        self._socket.close()


def packed(value: Value) -> bytes:
    """Return a payload that marshal.loads makes the value of again."""
    return marshal.dumps(value)  # type: ignore[arg-type]  # it takes no Mapping, which a TypedDict is


def connect(path: str) -> Channel:
    """Open a channel to a listener. Raises FileNotFoundError, ConnectionRefusedError."""
    socket = _seqpacket()
    try:
        _at_short_path(path, socket.connect)
    except OSError:
        socket.close()
        raise
    return Channel(socket)


def _seqpacket() -> _socket.socket:
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)


def _at_short_path(path: str, action: Callable[[str], object]) -> None:
    """Bind or connect by way of the directory's descriptor."""
    directory, _, name = path.rpartition("/")
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        action(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)


def _each_int(value: bytes) -> list[tuple[int]]:
    return [unpack_from("i", value, offset) for offset in range(0, len(value) - 3, 4)]
