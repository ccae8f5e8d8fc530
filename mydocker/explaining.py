"""What a process tells of a step: --explain prints it, and other processes of ours send it as a message EXPLAIN.

Why the step is there is not part of it. That is looked up by the step's origin where it is printed (reasons.py), so that no process
beside a container reads it.
"""

from __future__ import annotations

import os
from time import monotonic

from mydocker import messages
from mydocker.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from mydocker.messages import Explanation, Request

    class Told(Protocol):
        """What is told of a step. It is a Step."""

        @property
        def origin(self) -> str: ...
        def describe(self) -> str: ...
        def shell(self) -> str: ...

    Tell = Callable[[Explanation], None]

# A message has no room for more (kernel/channel.py), and nobody reads more: a command line can have megabytes.
LONGEST = 8000


class Stop:
    """Where a start is to stop (--stop-after).

    words: after each step that has these words
    gate: a pipe, in which the client answers with GO_ON or UNDO. Its end, when the client is gone, means to go on.
    """

    __slots__ = ("words", "gate")

    def __init__(self, words: str, gate: int) -> None:
        self.words = words
        self.gate = gate

    def wait(self) -> None:
        """Wait for the client's answer. Raises Error if all is to be undone."""
        if os.read(self.gate, 1) == UNDO:
            raise Error("interrupted")


GO_ON, UNDO = b"g", b"u"


class ByWorker:
    """A step that a child process does while others go on, and this process waits. What is told of it is the child's."""

    __slots__ = ()

    def worked(self) -> tuple[int, float, float]:
        """Return the child's pid, when it began and how long it took."""
        raise NotImplementedError


def stop_of(request: Request, descriptors: list[int]) -> Stop | None:
    """Return where a start stops, or None. descriptors: those that came with the request; the gate is taken from them"""
    words = request.get("stop")
    return Stop(words, descriptors.pop()) if words else None


def fits(step: Told, words: str) -> bool:
    """Say whether a step is meant by words: part of what it tells, or the name of its class."""
    return words in step.describe() or words == step.origin.rpartition(".")[2]


def observer(tell: Tell, who: str, *received: str, stop: Stop | None = None) -> Callable[[str, Told, float], None]:
    """Return what a Run calls after each step (steps/base.py). It tells the step with its time and with this process's pid.

    Messages are told from now on too, see watch(), which takes the same arguments.

    stop: where the process stops, None for nowhere
    """
    pid = pid_on_host()
    watch(tell, who, *received)

    def done(who: str, step: Told, seconds: float) -> None:
        told = planned(who, step)
        told |= {"at": monotonic() - seconds, "seconds": seconds, "pid": pid}
        if isinstance(step, ByWorker):
            told["pid"], told["at"], told["seconds"] = step.worked()
        tell(told)
        if stop and seconds and fits(step, stop.words):  # what is told before it is done takes no time
            tell({**told, "message": "stop"})
            stop.wait()

    return done


def watch(tell: Tell, who: str, *received: str) -> None:
    """Tell of each message of a start that this process sends or receives, until the program runs. A fork begins anew.

    who: the process
    received: the kinds of messages that it has received already
    """
    pid = pid_on_host()

    def passes(act: str, kind: str) -> None:
        if kind == messages.STARTED:
            messages.watch(None)
        tell({**said(who, messages.name_of(kind)), "message": act, "at": monotonic(), "seconds": 0.0, "pid": pid})

    messages.watch(passes)
    for kind in received:
        passes("receive", kind)


def planned(who: str, step: Told) -> Explanation:
    """Return the explanation of a step that is only told. who: the process that would do it."""
    told, shell = step.describe(), step.shell()
    return {**said("worker" if isinstance(step, ByWorker) else who, _cut(told)), "origin": step.origin, "shell": _cut(shell)}


def said(who: str, text: str) -> Explanation:
    """Return what a process has to say that is no step, such as a warning."""
    return {"who": who, "step": text, "at": None, "seconds": None, "pid": None, "origin": "", "shell": "", "message": ""}


def pid_on_host() -> int:
    """Return this process's pid as the host sees it. As long as the host's /proc is mounted, it knows that in any pid namespace."""
    try:
        return int(os.readlink("/proc/self"))
    except (OSError, ValueError):
        return os.getpid()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
