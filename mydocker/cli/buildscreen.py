"""A build on a terminal. A child process draws it; whoever builds writes to the child's pipe what happens.

    build ──fork──► a stage beside another one
      │               │
      └───────┬───────┘ events: (process, method of Display, its other arguments), marshalled, each after its length
              ▼
            drawer ───► standard error, ten times a second and at the end

The drawer ends when it is told to, or when the build is gone. It lets Ctrl-C pass, and the build says what came of that.
"""

from __future__ import annotations

import io
import marshal
import os
import select
import signal
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from struct import calcsize, pack, unpack_from
from time import monotonic

from mydocker.cli.builddisplay import CANCELED, ERROR, FINISHED, Display
from mydocker.cli.redrawn import Redrawn, size
from mydocker.engine.build.telling import LineByLine
from mydocker.messages import ERRORS, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    from mydocker.engine.build.orders import Building
    from mydocker.engine.record.containers import Record

_LENGTH = "H"
# Several processes write to one pipe. What is no longer than PIPE_BUF, 4096 bytes, arrives whole.
_LONGEST, _LONGEST_TEXT = 2048, 500
_EVERY = 0.1  # seconds between two drawings
_END = "end"


class ToTerminal(LineByLine):
    """Tells of a build by a pipe to the drawer. pipe: its end for writing"""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def send(self, method: str, *arguments: Any) -> None:
        """Tell the drawer of an event. If somebody has killed it, nothing is shown, and the build goes on."""
        event = marshal.dumps((os.getpid(), method, arguments))
        with suppress(BrokenPipeError):
            os.write(self._pipe, pack(_LENGTH, len(event)) + event)

    def line(self, text: str) -> None:
        self.send("line", text[:_LONGEST_TEXT])

    def begins(self, stage: str, number: int, count: int, source: str) -> None:
        self.send("begins", stage[:_LONGEST_TEXT], number, count, source[:_LONGEST_TEXT])

    def triggers(self, source: str) -> None:
        self.begins("", 0, 0, source)

    def is_cached(self) -> None:
        self.send("is_cached")

    def runs(self, container: str) -> None:
        """A terminal shows no container's id."""

    def has_run(self, container: str) -> None:
        """A terminal shows that the instruction is done."""

    def is_done(self, image: str) -> None:
        self.send("is_done")

    def has_failed(self, line: int) -> None:
        self.send("has_failed", line)

    def writes(self, data: bytes) -> None:
        """Tell what the instruction's command writes."""
        for start in range(0, len(data), _LONGEST):
            self.send("writes", data[start : start + _LONGEST])


class _Written(io.TextIOBase):
    """What stands for standard output and error meanwhile: what is printed belongs to the step that runs."""

    def __init__(self, teller: ToTerminal) -> None:
        self._teller = teller

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._teller.writes(text.encode(errors="surrogateescape"))
        return len(text)


@contextmanager
def on_terminal(how: Building, text: str) -> Iterator[None]:
    """Show a build on standard error meanwhile. text: the Dockerfile"""
    pipe, theirs = os.pipe()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    drawer = os.fork()
    if drawer == 0:
        _draw(pipe, theirs, parent, how.name, text)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(pipe)
    teller = ToTerminal(theirs)
    how.tell = teller
    how.start = _starter(how, teller)
    if how.show_side:
        how.show_side = lambda _, lines: teller.writes(lines)
    word = FINISHED
    try:
        with redirect_stdout(_Written(teller)), redirect_stderr(_Written(teller)):
            yield
    except BaseException as error:
        word = CANCELED if isinstance(error, KeyboardInterrupt) else ERROR
        raise
    finally:
        # Another Ctrl-C meanwhile waits until the terminal is in order.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        teller.send(_END, word)
        os.waitpid(drawer, 0)
        os.close(theirs)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _starter(how: Building, teller: ToTerminal) -> Callable[[Record, int, list[str]], int]:
    def start(record: Record, lock: int, secrets: list[str]) -> int:
        from mydocker.engine.container.start import start as start_container  # imported here, because what is cached needs no container

        client = start_container(how.paths, record, lock, OUTPUT + ERRORS, secrets=secrets)
        status = client.hear(lambda _, data: teller.writes(data), lambda descriptor: _wait(descriptor))
        client.channel.close()
        return status

    return start


def _wait(descriptor: int) -> None:
    select.select([descriptor], [], [])


def _draw(pipe: int, theirs: int, parent: int, name: str, text: str) -> NoReturn:
    """Draw what comes by a pipe, until the end is told or the parent is gone."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.close(theirs)
        drawer = _Drawer(Display(name, text, monotonic()), Redrawn(sys.stderr))
        while not drawer.has_ended:
            drawer.take_for(_EVERY, pipe)
            if os.getppid() != parent:
                drawer.end(CANCELED)
            drawer.draw()
        status = 0
    finally:
        os._exit(status)


class _Drawer:
    """What the child draws, and where."""

    def __init__(self, display: Display, terminal: Redrawn) -> None:
        self.display = display
        self.terminal = terminal
        self.has_ended = False
        self._rest = b""

    def take_for(self, seconds: float, pipe: int) -> None:
        """Take what comes by a pipe for so long, or until the end."""
        until = monotonic() + seconds
        while not self.has_ended and (left := until - monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
            self.take(os.read(pipe, 1 << 16))

    def take(self, data: bytes) -> None:
        """Take what has come of events."""
        self._rest += data
        head = calcsize(_LENGTH)
        while len(self._rest) >= head and len(self._rest) >= (end := head + unpack_from(_LENGTH, self._rest)[0]):
            process, method, arguments = marshal.loads(self._rest[head:end])
            self._rest = self._rest[end:]
            if method == _END:
                self.end(*arguments)
            else:
                getattr(self.display, method)(process, monotonic(), *arguments)

    def draw(self) -> None:
        columns, rows = size(sys.stderr)
        lines = [] if self.has_ended else self.display.lines(monotonic(), columns, rows)
        self.terminal.draw(lines, self.display.gone(columns))

    def end(self, word: str) -> None:
        """Take the end of the build. word: what it is called"""
        self.display.end(monotonic(), word)
        self.has_ended = True
