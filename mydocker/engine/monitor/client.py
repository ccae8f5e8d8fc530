"""The user's side of a running container: a client connects the terminal, the standard streams and signals with the monitor.

The messages are drawn in mydocker/messages.py.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the signal module takes 4 ms, as it wraps this in enums
import marshal
import os
import sys
import termios
from errno import EAGAIN
from select import POLLHUP, POLLIN, poll

from mydocker import messages
from mydocker.engine.monitor.detaching import DetachKeys
from mydocker.errors import Error
from mydocker.kernel import terminal
from mydocker.messages import CLOSED, END, ERRORS, EXPLAIN, INPUT, OUTPUT, SIGNAL, SIZE, STARTED, TAKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mydocker.kernel.channel import Channel, Value
    from mydocker.messages import Explanation

    Explain = Callable[[Explanation], None]

# These are not the container's business. SIGCHLD is about a child of ours, and SIGPIPE about a pipe of ours. docker does not pass SIGURG
# on either. SIGKILL and SIGSTOP cannot be caught. 32 and 33 are the C library's own.
_NOT_PROXIED = {_signal.SIGCHLD, _signal.SIGPIPE, _signal.SIGURG, _signal.SIGKILL, _signal.SIGSTOP, 32, 33}

_CHUNK = 65536
_MOST_IGNORED = 3
# The messages that may come until the program has ended.
_WHILE_IT_RUNS = OUTPUT + ERRORS + TAKEN + CLOSED + EXPLAIN


class Client:
    """One connection of the user to a monitor."""

    __slots__ = (
        "channel",
        "streams",
        "is_tty",
        "proxy",
        "explain",
        "_inbox",
        "_keys",
        "_ignored",
        "_may_send",
        "_wake",
        "detached",
    )

    def __init__(self, channel: Channel, streams: str, is_tty: bool, detach_keys: bytes, proxy: bool, explain: Explain | None) -> None:
        self.channel = channel
        self.streams = streams  # what to connect, see messages.Request
        self.is_tty = is_tty  # whether the container has a terminal
        self._keys = DetachKeys(detach_keys)
        self.proxy = proxy and not is_tty  # whether signals are passed on
        self.explain = explain  # what prints a step, None to print only warnings
        self.detached = False
        self._may_send = INPUT in streams
        self._wake = -1  # where the numbers of signals are read
        self._ignored = 0  # how many SIGINT and SIGTERM were passed on
        gone = Error("the container's monitor ended unexpectedly", "mydocker system check shows what is left")
        self._inbox = messages.Inbox(channel, "the monitor", gone, self._handlers())

    def _handlers(self) -> dict[str, messages.Handler]:
        return {
            OUTPUT: lambda data, _: _write_all(1, data),
            ERRORS: lambda data, _: _write_all(2, data),
            TAKEN: lambda *_: self._let_send(True),
            CLOSED: lambda *_: self._let_send(False),
            EXPLAIN: lambda payload, _: self._show(marshal.loads(payload)),
        }

    def ask(self, kind: str, value: Value, descriptors: tuple[int, ...] = ()) -> None:
        """Send the monitor its request. If it is gone, the wait for its answer says so."""
        try:
            self.channel.put(kind, value, descriptors)
        except BrokenPipeError:
            return

    def wait_started(self) -> None:
        """Wait until the program runs, or has ended before the monitor noticed this client.

        Raises the error with which the start failed.
        """
        message = self._inbox.wait(STARTED + END, before=EXPLAIN)
        if message[0] == END:
            self._inbox.keep(message)

    def wait_end(self) -> int:
        """Wait until the container ends, and return its exit status."""
        return int(marshal.loads(self._inbox.wait(END, before=_WHILE_IT_RUNS)[1]))

    def hear(self, told: Callable[[str, bytes], None], wait: Callable[[int], None]) -> int:
        """Wait until the container ends, and return its exit status.

        told: is called with all that it writes, each time with the stream, OUTPUT or ERRORS
        wait: is called before each message with the descriptor to wait at
        """
        self._inbox.handlers |= {OUTPUT: lambda data, _: told(OUTPUT, data), ERRORS: lambda data, _: told(ERRORS, data)}
        while True:
            if not self._inbox.kept:
                wait(self.channel.fileno())
            if end := self._inbox.take(END, before=_WHILE_IT_RUNS):
                return int(marshal.loads(end[1]))

    def run(self) -> int:
        """Serve the user until the container ends. Return its exit status, or 0 if the user detached."""
        self._wake, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(write, False)
        previous = _signal.set_wakeup_fd(write)
        try:
            self._catch_signals()
            raw = self._make_raw() if self.is_tty else None
            try:
                return self._serve()
            finally:
                if raw:
                    termios.tcsetattr(0, termios.TCSADRAIN, raw)
        finally:
            _signal.set_wakeup_fd(previous)
            os.close(self._wake)
            os.close(write)

    def _catch_signals(self) -> None:
        caught = {_signal.SIGWINCH} if self.is_tty else set()
        if self.proxy:
            caught |= set(_signal.valid_signals()) - _NOT_PROXIED
        for number in caught:
            _signal.signal(number, lambda *_: None)

    def _make_raw(self) -> list[Any] | None:
        """Put the user's terminal into raw mode. Return its attributes from before, or None if it was left as it is."""
        if not os.isatty(0) or INPUT not in self.streams:
            return None
        before = termios.tcgetattr(0)
        raw = termios.tcgetattr(0)
        raw[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON)
        raw[1] &= ~termios.OPOST
        raw[2] = raw[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        raw[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
        termios.tcsetattr(0, termios.TCSADRAIN, raw)  # TCSADRAIN: what was typed already stays
        return before

    def _serve(self) -> int:
        if self.is_tty:
            self._send_size()
        while True:
            ready = self._wait()
            if self._wake in ready:
                self._pass_signals()
            if 0 in ready and self._may_send:
                self._read_input()
                if self.detached:
                    return 0
            if self.channel.fileno() in ready and (end := self._inbox.take(END, before=_WHILE_IT_RUNS)):
                return int(marshal.loads(end[1]))

    def _wait(self) -> dict[int, int]:
        poller = poll()
        poller.register(self._wake, POLLIN)
        poller.register(self.channel.fileno(), POLLIN)
        if self._may_send:
            poller.register(0, POLLIN | POLLHUP)
        return dict(poller.poll())

    def _let_send(self, may: bool) -> None:
        self._may_send = may

    def _show(self, told: Explanation) -> None:
        if self.explain:
            self.explain(told)
        else:
            print(f"mydocker: {told['who']}: {told['step']}", file=sys.stderr)

    def _read_input(self) -> None:
        try:
            data = os.read(0, _CHUNK)
        except OSError as error:
            if error.errno == EAGAIN:
                return
            data = b""
        if self.is_tty and data:
            data = self._keys.without(data)
            self.detached = self._keys.matched
            if not data:
                return
        self._may_send = False
        self._send(INPUT, data)

    def _pass_signals(self) -> None:
        for number in os.read(self._wake, 128):
            if number == _signal.SIGWINCH and self.is_tty:
                self._send_size()
            elif self.proxy and number not in _NOT_PROXIED:
                self._send(SIGNAL, str(number).encode())
                self._count(number)

    def _count(self, number: int) -> None:
        """Leave a program alone that ignores all signals. The third one ends the client, as docker's, and the container runs on."""
        self._ignored += number in (_signal.SIGINT, _signal.SIGTERM)
        if self._ignored == _MOST_IGNORED:
            given_up = Error(f"the container did not end at {_MOST_IGNORED} signals", "it runs on: mydocker kill ends it")
            given_up.exit_status = 1
            raise given_up

    def _send_size(self) -> None:
        if os.isatty(1) or os.isatty(0):
            self._send(SIZE, marshal.dumps(terminal.window_size(0 if os.isatty(0) else 1)))

    def _send(self, kind: str, payload: bytes) -> None:
        try:
            self.channel.send(kind, payload)
        except (BrokenPipeError, ConnectionResetError):
            self._may_send = False  # the monitor ends, and its last messages are still to be read


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            # Another process made our standard output non-blocking, as a terminal is shared. Wait for room.
            poller = poll()
            poller.register(descriptor, 4)
            poller.poll()
        except BrokenPipeError:
            raise
        except OSError as error:
            # The container runs on, as it does for docker, whose client also ends with 1.
            name = "standard output" if descriptor == 1 else "standard error"
            failure = Error(f"{name}: {error.strerror}")
            failure.exit_status = 1
            raise failure from error
