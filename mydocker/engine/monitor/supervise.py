"""What a monitor does while its container runs: it copies bytes both ways, passes signals on, and waits for the end.

The messages of clients and monitors are drawn in mydocker/messages.py.
"""

from __future__ import annotations

import marshal
import os
from errno import EAGAIN, EIO, EPIPE
from select import POLLIN, POLLOUT, poll

from mydocker.errors import Error
from mydocker.explaining import said
from mydocker.kernel import terminal
from mydocker.kernel.channel import packed
from mydocker.messages import (
    ATTACH,
    CLOSED,
    ERRORS,
    EXPLAIN,
    FAILURE,
    GONE,
    INPUT,
    NAMES,
    OUTPUT,
    SIGNAL,
    SIZE,
    STARTED,
    TAKEN,
    check,
    failure,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from mydocker.engine.monitor.audience import Attendee, Audience
    from mydocker.engine.monitor.names import Names
    from mydocker.engine.record.log import Log

    class Watch(Protocol):
        """Something else that is to be done while a process runs: health.Health, names.Names."""

        def register(self, poller: poll) -> None:
            """Have a poller look for what this waits for."""

        def patience(self) -> int | None:
            """Return after how many milliseconds tick() has something to do, or None for never."""

        def tick(self, ready: dict[int, int]) -> None:
            """Do what is due.

            ready: what a poller found, {descriptor: events}.
            """

        def stop(self) -> None:
            """End what is under way, because the process has ended."""


_CHUNK = 65536
# The largest pipe that a user may make (pipe(7), pipe-max-size). No pipe held more than this when the container ended.
_MOST_LEFT = 1 << 20
_STREAMS = {OUTPUT: "stdout", ERRORS: "stderr"}


class Supervisor:
    """Serves one running process until its end: its output, its input and its clients."""

    __slots__ = ("pid", "audience", "outputs", "stdin", "is_tty", "input_ends", "log", "names", "watches", "_inputs", "_slave")

    def __init__(
        self,
        pid: int,
        audience: Audience,
        outputs: dict[int, str],
        stdin: int,
        is_tty: bool,
        input_ends: bool,
        log: Log | None = None,
        health: Watch | None = None,
        names: Names | None = None,
    ) -> None:
        self.pid = pid
        self.audience = audience
        self.outputs = outputs  # {descriptor: OUTPUT or ERRORS}
        self.stdin = stdin  # the descriptor to write input to, -1 for none
        self.is_tty = is_tty
        self.input_ends = input_ends  # whether the end of a client's input, or of the client, ends the container's input
        self.log = log
        self.names = names  # the container's resolver, None for a process that has none of its own
        self.watches: list[Watch] = [each for each in (health, names) if each]
        # What clients typed and the container has not taken yet, oldest first.
        self._inputs: list[tuple[Attendee, bytes]] = []
        # Otherwise the terminal would hang up whenever the container closes it, and what is written after that would be lost.
        self._slave = terminal.open_slave(stdin) if is_tty else -1
        for descriptor in (*outputs, stdin):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)

    def run(self) -> int:
        """Serve until the process ends. Return its exit status, or 128+N if signal N ended it."""
        ended = os.pidfd_open(self.pid)
        try:
            while not self._turn(ended):
                pass
        finally:
            os.close(ended)
            for watch in self.watches:
                watch.stop()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._drain()
        return status if status >= 0 else 128 - status

    def _turn(self, ended: int) -> bool:
        """Wait for something and handle it. Return whether the process has ended."""
        poller = poll()
        poller.register(ended, POLLIN)
        for descriptor in self.outputs:
            poller.register(descriptor, POLLIN)
        if self._inputs and self.stdin >= 0:
            poller.register(self.stdin, POLLOUT if self.stdin not in self.outputs else POLLIN | POLLOUT)
        self.audience.register(poller)
        for watch in self.watches:
            watch.register(poller)
        ready = dict(poller.poll(min((left for watch in self.watches if (left := watch.patience()) is not None), default=None)))
        for descriptor in [d for d in self.outputs if d in ready]:
            self._copy_output(descriptor)
        if self._inputs and self.stdin in ready:
            self._write_input()
        for client, kind, payload in self.audience.serve(ready):
            self._obey(client, kind, payload)
        for watch in self.watches:
            watch.tick(ready)
        return ended in ready

    def _copy_output(self, descriptor: int) -> int:
        """Pass on what can be read now. Return how many bytes that were."""
        try:
            data = os.read(descriptor, _CHUNK)
        except OSError as error:
            if error.errno == EAGAIN:
                return 0
            if error.errno != EIO:  # so a pty's master says that the container's session has ended
                raise
            data = b""
        if data:
            self._pass_on(self.outputs[descriptor], data)
        else:
            del self.outputs[descriptor]
            if not self.is_tty:
                os.close(descriptor)
        return len(data)

    def _pass_on(self, kind: str, data: bytes) -> None:
        if self.log:
            self.log.write(_STREAMS[kind], data)
        self.audience.pass_on(kind, data)

    def _obey(self, client: Attendee, kind: str, payload: bytes) -> None:
        """Do what a client's message says. A client that sends what may not come is told so and removed."""
        if kind == ATTACH:
            client.wanted = payload.decode()
            self.audience.tell(client, STARTED, packed(self.pid))
        elif kind == INPUT:
            self._take_input(client, payload)
        elif kind == SIGNAL:
            # The process is our child, and is not reaped before its end is noticed. So the pid is still its own.
            os.kill(self.pid, int(payload))
        elif kind == SIZE:
            if self.is_tty:
                terminal.set_window_size(self.stdin, *marshal.loads(payload))
        elif kind == NAMES and self.names:
            self.names.take(client.descriptors)
        elif kind == GONE:
            if INPUT in client.wanted:
                self._take_input(client, b"")
        else:
            self._refuse(client, kind)

    def _refuse(self, client: Attendee, kind: str) -> None:
        try:
            check("the client", kind, ATTACH + INPUT + SIGNAL + SIZE)
        except Error as error:
            self.audience.tell(client, FAILURE, packed(failure(error)))
            self.audience.remove(client)

    def _take_input(self, client: Attendee, data: bytes) -> None:
        """Queue what a client typed. b'' is the end of its input."""
        if self.stdin < 0:
            self.audience.tell(client, CLOSED)
        elif data or self.input_ends:
            self._inputs.append((client, data))
            self._write_input()

    def _write_input(self) -> None:
        """Write the oldest input as far as the container takes it. Go on with the next when all of it is taken."""
        while self._inputs and self.stdin >= 0:
            client, data = self._inputs[0]
            if not data:
                self._end_input()
                return
            try:
                rest = data[os.write(self.stdin, data) :]
            except OSError as error:
                if error.errno == EAGAIN:
                    return
                if error.errno not in (EPIPE, EIO):
                    raise
                self._refuse_inputs()
                return
            if rest:
                self._inputs[0] = (client, rest)
                return
            del self._inputs[0]
            self.audience.tell(client, TAKEN)

    def _end_input(self) -> None:
        """Let the container see the end of its input. A terminal has no such end: its user types Ctrl-D."""
        del self._inputs[0]
        if not self.is_tty:
            os.close(self.stdin)
            self.stdin = -1
            self._refuse_inputs()

    def _refuse_inputs(self) -> None:
        """Tell the clients whose input nobody reads any more."""
        for client, _ in self._inputs:
            self.audience.tell(client, CLOSED)
        self._inputs.clear()

    def _drain(self) -> None:
        """Pass on what the process wrote before it ended. Do not wait for what other processes may still write."""
        for descriptor in list(self.outputs):
            left = _MOST_LEFT
            while left > 0 and (count := self._copy_output(descriptor)):
                left -= count
        if self._slave >= 0:
            os.close(self._slave)
        if self.log:
            self.log.close()
            if self.log.problem:
                self.audience.tell_all(EXPLAIN, said("monitor", self.log.problem))
