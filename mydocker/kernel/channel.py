"""A channel between two processes, over which they send each other messages.

A channel is a socket of the type SOCK_SEQPACKET. A message is one byte, its kind, and a payload; it can carry descriptors. A
message arrives whole or not at all. When a process dies, its peer reads the end of file.

Only _socket is used here, the part of the socket module that costs nothing. The module itself spends 5 ms on enum and selectors.
"""

from __future__ import annotations

import _socket
import marshal
import os
from select import POLLIN, poll
from struct import iter_unpack, pack

from mydocker.kernel.files import Held
from mydocker.messages import passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # What marshal carries. It is used only between our own processes, which run the same interpreter. A mapping is a dict of such values.
    Value = None | bool | int | float | str | bytes | list["Value"] | tuple["Value", ...] | Mapping[str, object]

LIMIT = 65536
MAX_DESCRIPTORS = 64
_HIGHEST_DESCRIPTOR = 1 << 20


class Channel:
    """One end of a channel. A message has at most LIMIT bytes of payload."""

    __slots__ = ("_socket",)

    def __init__(self, socket: _socket.socket) -> None:
        self._socket = socket

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Return the two ends of a new channel. Both are close-on-exec."""
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        return cls(ours), cls(theirs)

    @classmethod
    def inherited(cls, descriptor: int) -> Channel:
        """Return the end of a channel that this process has inherited as a descriptor. Programs that it executes do not inherit it."""
        os.set_inheritable(descriptor, False)
        return cls(_socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def close_others(self) -> None:
        """Close every descriptor of this process except this channel's and the standard streams."""
        own = self.fileno()
        os.closerange(3, own)
        os.closerange(own + 1, _HIGHEST_DESCRIPTOR)

    def send(self, kind: str, payload: bytes = b"", descriptors: tuple[int, ...] = (), wait: bool = True) -> None:
        """Send one message. Raises BrokenPipeError if the peer is gone, and BlockingIOError if it would have to wait and may not."""
        ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pack(f"{len(descriptors)}i", *descriptors))] if descriptors else []
        passing("send", kind)
        flags = _socket.MSG_NOSIGNAL | (0 if wait else _socket.MSG_DONTWAIT)
        self._socket.sendmsg([kind.encode(), payload], ancillary, flags)

    def put(self, kind: str, value: Value, descriptors: tuple[int, ...] = ()) -> None:
        """Send a message whose payload is a value that marshal can carry."""
        self.send(kind, packed(value), descriptors)

    def receive(self) -> tuple[str, bytes, list[int]]:
        """Wait for the next message and return its (kind, payload, descriptors). At the end of file the kind is ''."""
        try:
            data, ancillary = self._next()
        except ConnectionResetError:
            # The peer went without having read everything. The kernel tells this once, before it delivers what the peer had sent.
            data, ancillary = self._next()
        descriptors = [n for _, _, value in ancillary for (n,) in iter_unpack("i", value[: len(value) & ~3])]
        kind = data[:1].decode()
        passing("receive", kind)
        return kind, data[1:], descriptors

    def _next(self) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        return self._socket.recvmsg(LIMIT + 1, _socket.CMSG_SPACE(4 * MAX_DESCRIPTORS), _socket.MSG_CMSG_CLOEXEC)[:2]


class Listener:
    """A socket at a path, to which other processes open channels. The path may be longer than the 108 bytes that unix(7) allows."""

    __slots__ = ("_socket",)

    def __init__(self, path: str) -> None:
        self._socket = _seqpacket()
        _at_short_path(path, self._socket.bind)
        self._socket.listen(16)

    def fileno(self) -> int:
        return self._socket.fileno()

    def accept(self) -> Channel:
        """Wait for the next process that connects, and return its channel."""
        descriptor, _ = self._socket._accept()  # type: ignore[attr-defined]  # what socket.accept() calls
        return Channel(_socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor))

    def accept_waiting(self) -> Channel | None:
        """Return the channel of a process that waits for it already, or None."""
        poller = poll()
        poller.register(self.fileno(), POLLIN)
        return self.accept() if poller.poll(0) else None

    def close(self) -> None:
        self._socket.close()


def packed(value: Value) -> bytes:
    """Return the payload from which marshal.loads makes this value again."""
    return marshal.dumps(value)  # type: ignore[arg-type]  # it takes no Mapping, which a TypedDict is


def connect(path: str) -> Channel:
    """Open a channel to the listener at a path. Raises FileNotFoundError, or ConnectionRefusedError if nobody listens there any more."""
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
    """Bind or connect a socket by a short path, which names the directory by its descriptor."""
    directory, _, name = path.rpartition("/")
    with Held(os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as descriptor:
        action(f"/proc/self/fd/{descriptor}/{name}")
