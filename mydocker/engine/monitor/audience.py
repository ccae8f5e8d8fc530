"""Everybody who is attached to a container: who started it, and any number who came later through STATE/ID/attach.

No client ever holds up the container, and none that is slow loses a byte: what it has not read yet waits in its spool.
"""

from __future__ import annotations

from select import POLLIN, POLLOUT, poll

from mydocker.engine.monitor.spool import Spool
from mydocker.kernel.channel import Channel, packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.kernel.channel import Listener, Value

_GONE = (BrokenPipeError, ConnectionResetError)


class Attachment:
    """One client. wanted: of 'I', 'O' and 'E', what it wants of the container's streams."""

    __slots__ = ("channel", "wanted", "spool")

    def __init__(self, channel: Channel, wanted: str, directory: str) -> None:
        self.channel = channel
        self.wanted = wanted
        self.spool = Spool(directory)

    def send(self, kind: str, payload: bytes) -> None:
        """Send a message now or, behind those that wait already, later. Raises BrokenPipeError or ConnectionResetError."""
        if not self.spool:
            try:
                self.channel.send(kind, payload, wait=False)
                return
            except BlockingIOError:
                pass  # it reads too slowly
        self.spool.put(kind, payload)

    def send_waiting(self) -> None:
        """Send what waits, as far as the client reads. Raises as send()."""
        while self.spool:
            try:
                self.channel.send(*self.spool.first(), wait=False)
            except BlockingIOError:
                return
            self.spool.drop_first()

    def close(self) -> None:
        self.channel.close()
        self.spool.close()


class Audience:
    """All clients of one monitor. listener: where more of them come from; None where nobody can."""

    __slots__ = ("clients", "listener", "directory")

    def __init__(self, directory: str, first: Channel | None, wanted: str, listener: Listener | None = None) -> None:
        self.directory = directory
        self.clients = [Attachment(first, wanted, directory)] if first else []
        self.listener = listener

    def register(self, poller: poll) -> None:
        """Have a poller look for messages, for room in what was full, and for new clients."""
        for client in self.clients:
            poller.register(client.channel.fileno(), POLLIN | (POLLOUT if client.spool else 0))
        if self.listener:
            poller.register(self.listener.fileno(), POLLIN)

    def serve(self, ready: dict[int, int]) -> list[tuple[Attachment, str, bytes]]:
        """Handle what a poller found; return (client, kind, payload) of each message, kind '' for the end of one."""
        messages = []
        for client in list(self.clients):
            events = ready.get(client.channel.fileno(), 0)
            if events & POLLOUT:
                self._try(client, client.send_waiting)
            if events & ~POLLOUT and client in self.clients:
                kind, payload, _ = client.channel.receive()
                messages.append((client, kind, payload))
                if kind == "":
                    self.remove(client)
        if self.listener and self.listener.fileno() in ready:
            self.clients.append(Attachment(self.listener.accept(), "", self.directory))
        return messages

    def _try(self, client: Attachment, action: Callable[[], None]) -> None:
        try:
            action()
        except _GONE:
            self.remove(client)

    def remove(self, client: Attachment) -> None:
        """Forget a client that went away: the container goes on without it."""
        self.clients.remove(client)
        client.close()

    def pass_on(self, kind: str, data: bytes) -> None:
        """Give output of kind 'O' or 'E' to everybody who wants it."""
        for client in [client for client in self.clients if kind in client.wanted]:
            self.tell(client, kind, data)

    def tell(self, client: Attachment, kind: str, payload: bytes = b"") -> None:
        """Send a message to one client, if it is still there."""
        if client in self.clients:
            self._try(client, lambda: client.send(kind, payload))

    def tell_all(self, kind: str, value: Value) -> None:
        """Send a message to everybody."""
        for client in list(self.clients):
            self.tell(client, kind, packed(value))

    def stop_listening(self) -> None:
        """Take nobody in any more but those who are at the door."""
        if self.listener:
            while (channel := self.listener.accept_waiting()) is not None:
                self.clients.append(Attachment(channel, "", self.directory))
            self.listener.close()
            self.listener = None

    def finish(self) -> None:
        """Wait until everybody has read everything, or gone away."""
        while slow := [client for client in self.clients if client.spool]:
            poller = poll()
            for client in slow:
                poller.register(client.channel.fileno(), POLLOUT)
            for descriptor, _ in poller.poll():
                client = next(each for each in slow if each.channel.fileno() == descriptor)
                self._try(client, client.send_waiting)

    def close(self) -> None:
        """Let everybody go."""
        for client in list(self.clients):
            self.remove(client)
