"""Every error that mydocker raises on purpose.

    Error                      what the user is told in one line, sometimes with a hint on a line of its own
    ├── BadInput               a value is not what was expected; nothing has happened
    ├── NotFound               the container, image, volume or other object that was named does not exist
    │   └── NoImage            an image does not exist here, but a registry may have it
    ├── Conflict               an object exists already, is in use, or is in the wrong state
    │   ├── Connected          a running container is on a network already
    │   └── Overlap            a subnet has addresses that another network, or the host, uses
    ├── Unsupported            this host cannot do it; the message names what is missing
    ├── Denied                 the registry refuses
    ├── Unreachable            nobody answers at an address, or the answer is not of the expected protocol
    ├── Damaged                what is on disk is not what its record or its digest says
    ├── NoCache                a build's cache that lies elsewhere is not what it says; without it the build goes on
    ├── Unexpected             an exception that nobody foresaw; it carries its traceback (tracebacks.py)
    ├── StepFailed             the kernel refused a step; it carries the errno
    ├── CommandNotExecutable   the exit status is 126
    └── CommandNotFound        the exit status is 127

A message is in lower case, has no full stop, and quotes its object. Only `cli` turns an error into an exit status.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Error(Exception):
    """A failure that the user is told in one line."""

    # What the command exits with. None leaves that to the verb: 125 for run, create, start and exec, 1 elsewhere.
    exit_status: int | None = None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(Error):
    """A value from the user that is not what was expected."""


class NotFound(Error):
    """A named object does not exist."""


class NoImage(NotFound):
    """A named image is not here."""


class Conflict(Error):
    """An object exists already, is in use, or is in a state that forbids the verb."""


class Connected(Conflict):
    """A running container is on the network already."""


class Overlap(Conflict):
    """Addresses that were asked for are in use."""


class Unsupported(Error):
    """The host lacks an ability, which the message names."""


class Denied(Error):
    """The registry refuses. There may be nothing there: a registry can hide that."""


class Unreachable(Error):
    """Nobody answers at an address, or the answer is not of the expected protocol. Another address of the registry may do better."""


class Damaged(Error):
    """Stored data does not match its record, digest or size."""


class NoCache(Error):
    """What a build has taken from a cache elsewhere cannot be had. The build begins again without such caches."""


class Unexpected(Error):
    """A defect of ours, or damage that nobody looks for.

    story: the traceback, as long as it is not written to a file yet.
    """

    def __init__(self, message: str, story: str = "") -> None:
        super().__init__(message)
        self.story = story


class StepFailed(Error):
    """A step of a plan failed.

    errno: a number of the module errno, or 0 if it was not the kernel that refused.
    """

    def __init__(self, message: str, errno: int = 0, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.errno = errno


class CommandNotExecutable(Error):
    """The container's command exists and cannot be executed."""

    exit_status = 126


class CommandNotFound(Error):
    """The container's command does not exist in the container."""

    exit_status = 127


def attempt(problems: list[Error], action: Callable[..., object], *arguments: object) -> None:
    """Do one part of a teardown. If it fails, add the error to `problems`, so that the rest can go on."""
    try:
        action(*arguments)
    except OSError as error:
        problems.append(StepFailed(f"{error.filename or 'cleaning up'}: {error.strerror or error}", error.errno or 0))
    except Error as error:
        problems.append(error)
