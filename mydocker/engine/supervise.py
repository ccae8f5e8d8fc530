"""What a monitor does while its container runs: copy bytes both ways, pass signals on, wait for the end.

Messages between a client (client.py) and a monitor; each is one kind letter and a payload:

    client → monitor                          monitor → client
      R  the request, see monitor.py            S  the program was executed
      I  input; empty: end of input             O, E  output, error output
      K  signal number                          A  the last input was taken: send more;  C: input is closed
      W  rows, columns                          X  explain record;  F  failure;  Z  exit status, the last message

Only one I is under way at a time, so that signals never queue behind input that the container does not read. Output
that the client does not read stays in the container's pipe, as it would in a shell's.
"""

from __future__ import annotations

import marshal
import os
from errno import EAGAIN, EIO, EPIPE
from select import POLLIN, POLLOUT, poll

from mydocker.kernel import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.log import Log
    from mydocker.kernel.channel import Channel

_CHUNK = 65536
# The largest pipe that a user may make (pipe(7), pipe-max-size): more than that was not there when the container ended.
_MOST_LEFT = 1 << 20
_STREAMS = {"O": "stdout", "E": "stderr"}


class Supervisor:
    """One running container's bytes. outputs: {descriptor: 'O' or 'E'}; stdin: descriptor or -1; wanted: which the client wants.

    problem: why output is missing in the log, '' if none is.
    """

    __slots__ = ("pid", "client", "outputs", "stdin", "is_tty", "wanted", "log", "_input", "_backlog", "_slave", "problem")

    def __init__(
        self, pid: int, client: Channel | None, outputs: dict[int, str], stdin: int, is_tty: bool, wanted: str, log: Log | None
    ) -> None:
        self.pid = pid
        self.client = client
        self.outputs = outputs
        self.stdin = stdin
        self.is_tty = is_tty
        self.wanted = wanted
        self.log = log
        self._input = b""
        self._backlog: list[tuple[str, bytes]] = []
        self.problem = ""
        # Else the terminal would hang up whenever the container closes it, and what is written after that be lost.
        self._slave = terminal.open_slave(stdin) if is_tty else -1
        for descriptor in (*outputs, stdin):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)

    def run(self) -> int:
        """Serve until the container's process ends; return its exit status, 128+N when signal N ended it."""
        ended = os.pidfd_open(self.pid)
        try:
            while not self._turn(ended):
                pass
        finally:
            os.close(ended)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._drain()
        return status if status >= 0 else 128 - status

    def _turn(self, ended: int) -> bool:
        """Wait for something and handle it; return whether the container's process has ended."""
        poller = poll()
        poller.register(ended, POLLIN)
        if not self._backlog:
            for descriptor in self.outputs:
                poller.register(descriptor, POLLIN)
        if self.client:
            poller.register(self.client.fileno(), POLLIN | (POLLOUT if self._backlog else 0))
        if self._input and self.stdin >= 0:
            poller.register(self.stdin, POLLOUT if self.stdin not in self.outputs or self._backlog else POLLIN | POLLOUT)
        ready = dict(poller.poll())
        for descriptor in [d for d in self.outputs if d in ready]:
            self._copy_output(descriptor)
        if self._input and self.stdin in ready:
            self._write_input()
        if self.client and self.client.fileno() in ready:
            self._serve_client(ready[self.client.fileno()])
        return ended in ready

    def _copy_output(self, descriptor: int) -> int:
        """Pass on what can be read now; return how many bytes that were."""
        try:
            data = os.read(descriptor, _CHUNK)
        except OSError as error:
            if error.errno == EAGAIN:
                return 0
            if error.errno != EIO:  # how a pty's master says that the container's session ended
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
            self._write_log(self.log, kind, data)
        if self.client and kind in self.wanted:
            self._backlog.append((kind, data))
            self._flush()

    def _write_log(self, log: Log, kind: str, data: bytes) -> None:
        """Log output; a disk that is full ends the log, not the container."""
        try:
            log.write(_STREAMS[kind], data)
        except OSError as error:
            self.log = None
            self._warn(f"the log ends here: {error.strerror}")

    def _warn(self, problem: str) -> None:
        self.problem = problem
        self._tell("X", marshal.dumps(("monitor", problem, 0.0)))

    def _flush(self, wait: bool = False) -> None:
        while self._backlog and self.client:
            try:
                self.client.send(*self._backlog[0], wait=wait)
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                self._lose_client()
                return
            del self._backlog[0]

    def _serve_client(self, events: int) -> None:
        if events & POLLOUT:
            self._flush()
        if not self.client or not events & ~POLLOUT:
            return
        kind, payload, _ = self.client.receive()
        if kind == "I":
            self._take_input(payload)
        elif kind == "K":
            self._signal(int(payload))
        elif kind == "W" and self.is_tty:
            rows, columns = marshal.loads(payload)
            terminal.set_window_size(self.stdin, rows, columns)
        elif kind == "":
            self._lose_client()

    def _signal(self, number: int) -> None:
        # The process is our child and not reaped before its end is noticed: the pid is still its own.
        os.kill(self.pid, number)

    def _take_input(self, data: bytes) -> None:
        if self.stdin < 0:
            self._tell("C")
        elif data:
            self._input = data
            self._write_input()
        else:
            self._end_input()

    def _end_input(self) -> None:
        """Let the container see the end of its input; a terminal has none, its user types Ctrl-D."""
        if not self.is_tty:
            os.close(self.stdin)
            self.stdin = -1

    def _write_input(self) -> None:
        try:
            self._input = self._input[os.write(self.stdin, self._input) :]
        except OSError as error:
            if error.errno == EAGAIN:
                return
            if error.errno not in (EPIPE, EIO):
                raise
            self._input = b""
            self._tell("C")
            return
        if not self._input:
            self._tell("A")

    def _tell(self, kind: str, payload: bytes = b"") -> None:
        if self.client:
            self._backlog.append((kind, payload))
            self._flush()

    def _lose_client(self) -> None:
        """The client went away: the container goes on without."""
        assert self.client
        self.client.close()
        self.client = None
        self._backlog.clear()
        self._input = b""

    def _drain(self) -> None:
        """Pass on what the container wrote before it ended, without waiting for what others may still write."""
        self._flush(wait=True)
        for descriptor in list(self.outputs):
            left = _MOST_LEFT
            while left > 0 and (count := self._copy_output(descriptor)):
                left -= count
                self._flush(wait=True)
        if self._slave >= 0:
            os.close(self._slave)
        self._close_log()
        self._flush(wait=True)

    def _close_log(self) -> None:
        try:
            if self.log:
                self.log.close()
        except OSError as error:
            self._warn(f"the log ends here: {error.strerror}")
