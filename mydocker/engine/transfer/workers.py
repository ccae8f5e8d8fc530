"""Jobs in child processes, a few at a time. A job reports while it runs, and its error is raised in the parent.

A child that decompresses, hashes and unpacks keeps a processor busy, and threads of one Python process would share one processor. Each
child writes messages to a pipe, marshalled, in hexadecimal digits, one a line: ("report", value) any number of times, then ("done", value)
or ("failed", messages.Failure).
"""

from __future__ import annotations

import marshal
import os
import select
from time import monotonic

from mydocker.errors import StepFailed
from mydocker.kernel.process import PR_SET_PDEATHSIG, prctl
from mydocker.messages import error_from, failure
from mydocker.tracebacks import as_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Report = Callable[[Any], None]
    # What a child does. It is given the function to report with, and returns its result. marshal must know the types of both.
    Job = Callable[[Report], Any]

_SIGKILL = 9


class _Child:
    __slots__ = ("begun", "pending", "pid", "pipe")

    def __init__(self, job: Job) -> None:
        self.begun = monotonic()
        self.pipe, theirs = os.pipe()
        self.pending = b""
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _work(job, theirs, parent)
        os.close(theirs)

    def messages(self) -> list[tuple[Any, ...]] | None:
        """Return the messages that have come, or None after the end."""
        data = os.read(self.pipe, 1 << 16)
        self.pending += data
        *whole, self.pending = self.pending.split(b"\n")
        return [marshal.loads(bytes.fromhex(line.decode())) for line in whole] or (None if not data else [])

    def end(self) -> int:
        os.close(self.pipe)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _work(job: Job, pipe: int, parent: int) -> None:
    def send(*message: Any) -> None:
        os.write(pipe, marshal.dumps(message).hex().encode() + b"\n")

    try:
        prctl(PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() == parent:  # otherwise the parent died before the call above
            send("done", job(lambda value: send("report", value)))
    except OSError as error:
        send("failed", failure(StepFailed(f"{error.filename or 'input/output'}: {error.strerror or error}")))
    except KeyboardInterrupt:
        pass  # the parent gets the signal too
    except BaseException as error:
        send("failed", failure(as_error(error)))
    finally:
        os._exit(0)


class Workers:
    """Jobs that are begun in their order, at most `most` at the same time. `with` kills those that still run.

    observer: is called with the number of a job and None when it begins, and then with each value that the job reports.
    worked: of each job that is done, the pid of its child, when that began and how long it took.
    """

    def __init__(self, jobs: Sequence[Job], most: int, observer: Callable[[int, Any], None]) -> None:
        self.results: dict[int, Any] = {}
        self.worked: dict[int, tuple[int, float, float]] = {}
        self._waiting = list(enumerate(jobs))
        self._most = most
        self._observer = observer
        self._running: dict[int, _Child] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        for child in self._running.values():
            os.kill(child.pid, _SIGKILL)
            child.end()
        self._running.clear()
        self._waiting.clear()

    def wait(self, number: int) -> Any:
        """Return a job's result as soon as it is there, and begin jobs meanwhile. Raises the error of any job that fails meanwhile."""
        while number not in self.results:
            while self._waiting and len(self._running) < self._most:
                key, job = self._waiting.pop(0)
                self._observer(key, None)
                self._running[key] = _Child(job)
            self._listen()
        return self.results[number]

    def _listen(self) -> None:
        pipes = {child.pipe: key for key, child in self._running.items()}
        for pipe in select.select(list(pipes), [], [])[0]:
            key = pipes[pipe]
            messages = self._running[key].messages()
            if messages is None:
                status = self._running.pop(key).end()
                if key not in self.results:
                    raise StepFailed(f"a child process ended with status {status} before its work was done")
            for message in messages or []:
                self._received(key, *message)

    def _received(self, key: int, kind: str, *values: Any) -> None:
        if kind == "report":
            self._observer(key, values[0])
        elif kind == "done":
            self.results[key] = values[0]
            child = self._running[key]
            self.worked[key] = (child.pid, child.begun, monotonic() - child.begun)
        else:
            raise error_from(values[0])
