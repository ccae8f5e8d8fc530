"""The clients of a monitor: the one that started the container, and any number that connected to STATE/ID/attach later.

No client ever holds up the container, and a slow client loses no byte: what it has not read yet waits in its spool.
"""

from __future__ import annotations

from select import POLLIN, POLLOUT, poll

from mydocker.engine.monitor.spool import Spool
from mydocker.kernel.channel import Channel, packed
from mydocker.messages import FAILURE, GONE, failure
from mydocker.paths import Paths
from mydocker.tracebacks import as_error, kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.kernel.channel import Listener, Value

_GONE = (BrokenPipeError, ConnectionResetError)


class LastWord:
    """A context manager that tells one client of the exception that ends this process.

    It is for what nobody else tells: errors before the container is known, and errors while it runs.
    """

    __slots__ = ("channel", "who", "paths")

    def __init__(self, channel: Channel, who: str, paths: Paths | None = None) -> None:
        self.channel = channel
        self.who = who  # the process that ends, in the words of the message
        self.paths = paths or Paths()  # where the traceback is kept

    def __enter__(self) -> LastWord:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        told = kept(as_error(error, self.who), self.paths.errors)
        try:
            self.channel.put(FAILURE, failure(told))
        except OSError:
            return True  # the client is gone
        return True


class Attendee:
    """One client."""

    __slots__ = ("channel", "wanted", "spool", "descriptors")

    def __init__(self, channel: Channel, wanted: str, directory: str) -> None:
        self.channel = channel
        self.wanted = wanted  # which of the container's streams it wants, see messages.Request
        self.spool = Spool(directory)
        self.descriptors: list[int] = []  # those that came with its last message

    def send(self, kind: str, payload: bytes) -> None:
        """Send a message now, or later if the client reads too slowly or other messages wait already.

        Raises BrokenPipeError or ConnectionResetError if the client is gone.
        """
        if not self.spool:
            try:
                self.channel.send(kind, payload, wait=False)
                return
            except BlockingIOError:
                pass  # the client reads too slowly
        self.spool.put(kind, payload)

    def send_waiting(self) -> None:
        """Send the messages that wait, as many as the client reads now. Raises what send() raises."""
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
    """All clients of one monitor."""

    __slots__ = ("clients", "listener", "directory")

    def __init__(self, directory: str, first: Channel | None, wanted: str, listener: Listener | None = None) -> None:
        self.directory = directory  # where spools are made
        self.clients = [Attendee(first, wanted, directory)] if first else []
        self.listener = listener  # where more clients connect, None if they cannot

    def add(self, channel: Channel, wanted: str = "") -> None:
        """Take one more client. wanted: its streams, as long as it does not say others."""
        self.clients.append(Attendee(channel, wanted, self.directory))

    def take_over(self, wanted: list[str], descriptors: list[int]) -> None:
        """Take the clients that waited for this start: the streams of each, and the descriptor of its channel."""
        for streams, descriptor in zip(wanted, descriptors, strict=True):
            self.add(Channel.inherited(descriptor), streams)

    def register(self, poller: poll) -> None:
        """Have a poller look for messages, for room in what was full, and for new clients."""
        for client in self.clients:
            poller.register(client.channel.fileno(), POLLIN | (POLLOUT if client.spool else 0))
        if self.listener:
            poller.register(self.listener.fileno(), POLLIN)

    def serve(self, ready: dict[int, int]) -> list[tuple[Attendee, str, bytes]]:
        """Handle what a poller found. Return (client, kind, payload) of each message.

        The kind is GONE for a client that has gone away.
        """
        messages = []
        for client in list(self.clients):
            events = ready.get(client.channel.fileno(), 0)
            if events & POLLOUT:
                self._try(client, client.send_waiting)
            if events & ~POLLOUT and client in self.clients:
                kind, payload, client.descriptors = client.channel.receive()
                messages.append((client, kind, payload))
                if kind == GONE:
                    self.remove(client)
        if self.listener and self.listener.fileno() in ready:
            self.add(self.listener.accept())
        return messages

    def _try(self, client: Attendee, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            # What --explain tells of a message goes before it. If that has found the client gone, its channel is closed already.
            if client not in self.clients:
                return
            if not isinstance(error, _GONE):
                raise
            self.remove(client)

    def remove(self, client: Attendee) -> None:
        """Forget a client that went away. The container goes on without it."""
        self.clients.remove(client)
        client.close()

    def pass_on(self, kind: str, data: bytes) -> None:
        """Send output, of the kind OUTPUT or ERRORS, to every client that wants it."""
        for client in [client for client in self.clients if kind in client.wanted]:
            self.tell(client, kind, data)

    def tell(self, client: Attendee, kind: str, payload: bytes = b"") -> None:
        """Send a message to one client, if it is still there."""
        if client in self.clients:
            self._try(client, lambda: client.send(kind, payload))

    def tell_all(self, kind: str, value: Value) -> None:
        """Send a message to all clients."""
        for client in list(self.clients):
            self.tell(client, kind, packed(value))

    def stop_listening(self) -> None:
        """Accept the clients that have connected already, and no more after them."""
        if self.listener:
            while (channel := self.listener.accept_waiting()) is not None:
                self.add(channel)
            self.listener.close()
            self.listener = None

    def finish(self) -> None:
        """Wait until every client has read everything, or has gone away."""
        while slow := [client for client in self.clients if client.spool]:
            poller = poll()
            for client in slow:
                poller.register(client.channel.fileno(), POLLOUT)
            for descriptor, _ in poller.poll():
                client = next(each for each in slow if each.channel.fileno() == descriptor)
                self._try(client, client.send_waiting)

    def close(self) -> None:
        """Forget all clients."""
        for client in list(self.clients):
            self.remove(client)
