"""Work in a child process: for what changes the process itself, its namespaces, root or user."""

from __future__ import annotations

import os

from mydocker.errors import Error, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Child:
    """One child, which begins at once. wait() raises what its work failed with, in one line."""

    __slots__ = ("_errors", "pid")

    def __init__(self, work: Callable[[], None]) -> None:
        self._errors, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _run(work, theirs)
        os.close(theirs)

    def wait(self) -> None:
        """Return when the work is done. Raises StepFailed."""
        with open(self._errors, errors="surrogateescape") as errors:
            failure = errors.read()
        _, status = os.waitpid(self.pid, 0)
        if failure or status:
            raise StepFailed(failure or f"a child process ended with status {status}")


def _run(work: Callable[[], None], errors: int) -> None:
    status = 1
    try:
        work()
        status = 0
    except OSError as error:
        text = f"{error.filename or 'copy'}: {error.strerror or error}"
        os.write(errors, text.encode(errors="surrogateescape"))
    except Exception as error:
        text = error.message if isinstance(error, Error) else f"{type(error).__name__}: {error}"
        os.write(errors, text.encode(errors="surrogateescape"))
    finally:
        os._exit(status)
