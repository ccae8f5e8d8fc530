"""Work in a child process. It is for work that changes the process itself: its namespaces, its root or its user."""

from __future__ import annotations

import marshal
import os
from errno import EPIPE

from mydocker.errors import Error, StepFailed, Unexpected
from mydocker.kernel.channel import packed
from mydocker.messages import error_from, failure
from mydocker.steps.base import Action
from mydocker.tracebacks import as_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Child:
    """A child process that begins its work at once. wait() raises the error that the work failed with."""

    __slots__ = ("_errors", "pid")

    def __init__(self, work: Callable[[], None]) -> None:
        self._errors, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _run(work, theirs)
        os.close(theirs)

    def wait(self) -> None:
        """Wait until the work is done. Raises StepFailed or Unexpected if it failed."""
        with open(self._errors, "rb") as errors:
            told = errors.read()
        _, status = os.waitpid(self.pid, 0)
        raise_failure(told, status, "a child process")


def _run(work: Callable[[], None], errors: int) -> None:
    status = 1
    try:
        work()
        status = 0
    except Exception as error:
        os.write(errors, as_failure(error))
    finally:
        os._exit(status)


def as_failure(error: Exception) -> bytes:
    """Return the bytes in which a child tells its parent of the exception that ends it."""
    if isinstance(error, OSError):
        error = StepFailed(f"{error.filename or 'copy'}: {error.strerror or error}")
    elif isinstance(error, Error) and not isinstance(error, Unexpected):
        error = StepFailed(error.message)
    return packed(failure(as_error(error)))


def raise_failure(told: bytes, status: int, who: str) -> None:
    """Raise the error that a child told before its end. Raises StepFailed if it failed without telling one.

    told: the bytes that as_failure() made, b'' for none
    status: how the child ended, as os.waitpid() returns it
    who: the child's name in an error message
    """
    if told:
        raise error_from(marshal.loads(told))
    if status:
        raise StepFailed(f"{who} ended with status {status}")


def forking(children: list[Child], work: Callable[[], None], text: str) -> Action:
    """Return the step that forks a child. children: gets it"""
    return Action(lambda: children.append(Child(work)), text)


def awaiting(children: list[Child]) -> Action:
    """Return the step that waits for the children: the sender, the receiver or both."""

    def wait() -> None:
        if len(children) == 2:
            wait_for(*children)
        else:
            children[0].wait()

    return Action(wait, "wait until the children have ended, and raise the error of the one that failed first")


def wait_for(sender: Child, receiver: Child) -> None:
    """Wait for both children. If both failed, raise the error that caused the other one.

    What it caused is a broken pipe at the sender, or half a tar at the receiver.
    """
    problems = []
    for child in (receiver, sender):
        try:
            child.wait()
        except StepFailed as error:
            problems.append(error)
    causes = [problem for problem in reversed(problems) if os.strerror(EPIPE) not in problem.message]
    if problems:
        raise (causes or problems)[0]
