"""Stages that do not need each other are built side by side: two at a time, each in a child process.

    build ──fork──► a stage        standard output and error: pipes, whose lines are passed on whole, each with the stage's name
      │             │              the third pipe: at its end what has become of the stage, or why it failed
      │             └── RUN's containers, as ever
      └────fork──► another stage

A child is in a process group of its own, so that Ctrl-C at a terminal reaches it once: the parent interrupts it, and waits until it has
removed what it had begun. If the parent is killed, the kernel interrupts the child.
"""

from __future__ import annotations

import marshal
import os
import select
import signal

from mydocker.errors import Error, StepFailed
from mydocker.kernel.process import PR_SET_PDEATHSIG, prctl
from mydocker.messages import error_from, failure
from mydocker.tracebacks import as_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Protocol

    from mydocker.engine.build.progress import Progress
    from mydocker.engine.build.stages import Stage

    class Work(Protocol):
        """What builds stages. begun: those that are built, by number; here, aside: build one; take: takes what aside() has returned."""

        begun: dict[int, Progress]

        def here(self, stage: Stage) -> None: ...
        def aside(self, stage: Stage) -> Any: ...
        def take(self, told: Any) -> None: ...

    # Prints whole lines that a child has written, given which descriptor it has written them to, 1 or 2.
    Show = Callable[[int, bytes], None]


AT_ONCE = 2
# A line that is longer is passed on in pieces.
_LONGEST = 1 << 16


def build_side_by_side(needed: list[Stage], before: Callable[[Stage], list[Stage]], work: Work, show: Show) -> None:
    """Build stages. One that nothing can be built beside is built by this process itself. Raises the first failure.

    before: returns the stages that have to be built before another one
    """
    waiting, running = needed, list[Side]()
    try:
        while waiting or running:
            ready = [stage for stage in waiting if all(other.number in work.begun for other in before(stage))]
            if len(ready) == 1 and not running:
                work.here(ready[0])
            else:
                running += [Side(stage, work.aside, show) for stage in ready[: AT_ONCE - len(running)]]
                _take_one(running, work)
            begun = {*work.begun, *(side.stage.number for side in running)}
            waiting = [stage for stage in waiting if stage.number not in begun]
    finally:
        _end_all(running)


def _take_one(running: list[Side], work: Work) -> None:
    """Wait until one child has ended, and take what it tells. Raises its failure."""
    side = _ended(running)
    running.remove(side)
    work.take(side.end())


class Lines:
    """What comes out of a pipe, shown line by line, with the stage's name before each. target: 1 or 2, see Show"""

    def __init__(self, pipe: int, target: int, name: str, show: Show) -> None:
        self.pipe = pipe
        self.target = target
        self.show = show
        self.name = f"[{name}] ".encode()
        self.rest = b""
        os.set_blocking(pipe, False)

    def pass_on(self) -> bool:
        """Pass on the whole lines that are there. Return whether more can come."""
        try:
            data = os.read(self.pipe, _LONGEST)
        except BlockingIOError:
            return True
        *whole, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > _LONGEST or (not data and self.rest):
            whole, self.rest = [*whole, self.rest], b""
        if whole:
            self.show(self.target, b"".join(self.name + line + b"\n" for line in whole))
        return bool(data)

    def end(self) -> None:
        """Pass on what is there, and close the pipe. A container that has lost its build may still have the other end open."""
        while select.select([self.pipe], [], [], 0)[0] and self.pass_on():
            pass
        if self.rest:
            self.show(self.target, self.name + self.rest + b"\n")
        os.close(self.pipe)


class Side:
    """A stage that a child process builds.

    work: builds it, and returns what the parent has to know, as data
    """

    def __init__(self, stage: Stage, work: Callable[[Stage], Any], show: Show) -> None:
        self.stage = stage
        pipes = [os.pipe() for _ in range(3)]
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        self.pid = os.fork()
        if self.pid == 0:
            for ours, _ in pipes:
                os.close(ours)
            _work(lambda: work(stage), [theirs for _, theirs in pipes], parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for _, theirs in pipes:
            os.close(theirs)
        name = stage.name or str(stage.number)
        self.lines = [Lines(pipe, target, name, show) for target, (pipe, _) in enumerate(pipes[:2], 1)]
        self.told = pipes[2][0]

    def interrupt(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def end(self) -> Any:
        """Wait for the child's end, and return what its work returned. Raises the error that it failed with."""
        with open(self.told, "rb") as file:
            while not select.select([file], [], [], 0)[0]:
                _pass_on([self])
            told = file.read()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        for lines in self.lines:
            lines.end()
        if not told:
            raise StepFailed(f"stage {self.stage.name or self.stage.number}: its process ended with status {status}")
        kind, value = marshal.loads(told)
        if kind == "failed":
            raise error_from(value)
        return value


def _pass_on(sides: list[Side]) -> None:
    """Wait until one of some children says something or ends, and pass on its lines."""
    told = {side.told for side in sides}
    open_pipes = {lines.pipe: lines for side in sides for lines in side.lines}
    for pipe in select.select([*told, *open_pipes], [], [])[0]:
        if pipe in open_pipes:
            open_pipes[pipe].pass_on()


def _ended(sides: list[Side]) -> Side:
    """Pass on lines until one of some children has ended, and return that."""
    while True:
        done = select.select([side.told for side in sides], [], [], 0)[0]
        if done:
            return next(side for side in sides if side.told in done)
        _pass_on(sides)


def _end_all(sides: list[Side]) -> None:
    """Interrupt all children, and wait until they have removed what they had begun. What they say and fail with is the build's no more."""
    for side in sides:
        side.interrupt()
        for lines in side.lines:
            lines.show = _not_shown
    while sides:
        try:
            sides.pop().end()
        except Error:
            continue


def _not_shown(target: int, lines: bytes) -> None:
    """Show nothing: whom lines are shown to may have gone away."""


def _work(work: Callable[[], Any], pipes: list[int], parent: int) -> NoReturn:
    status = 1
    try:
        os.setpgid(0, 0)
        # A shell's background job ignores Ctrl-C, and here it says that the work is to end.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        for target, pipe in enumerate(pipes[:2], 1):
            os.dup2(pipe, target)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        if os.getppid() == parent:  # otherwise the parent died before the call above
            _tell(pipes[2], "done", work())
            status = 0
    except KeyboardInterrupt:
        status = 130
    except Exception as error:
        _tell(pipes[2], "failed", failure(as_error(error)))
    finally:
        os._exit(status)


def _tell(pipe: int, kind: str, value: Any) -> None:
    with open(pipe, "wb") as file:
        file.write(marshal.dumps((kind, value)))
