"""From an error of ours to docker's answer: a status and a message, in docker's words where clients look for them.

A client decides by the status, and by a few words: `docker run` pulls an image on "No such image", and exits with 127 or 126 on what a
start says of its program.
"""

from __future__ import annotations

from errno import ENAMETOOLONG

from mydocker import errors
from mydocker.api.protocol import Refused

_STATUSES = (
    (errors.BadInput, 400),
    (errors.NotFound, 404),
    (errors.Connected, 403),
    (errors.Overlap, 403),
    (errors.Conflict, 409),
    (errors.Unsupported, 501),
    (errors.CommandNotFound, 400),
    (errors.CommandNotExecutable, 400),
)
# What a message has to begin with: kind then tries the next subnet.
_BEGINNINGS = ((errors.Overlap, "Pool overlaps with other one on this address space: "),)
# What has to be in a message, and is not in ours.
_WORDS = (
    (errors.CommandNotFound, "executable file not found in $PATH", ("no such file or directory",)),
    (errors.CommandNotExecutable, "permission denied", ()),
)


def status_of(error: errors.Error) -> int:
    """Return the status of the answer that tells an error."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, errors.StepFailed) and error.errno == ENAMETOOLONG:
        return 400  # no file can have the name that the client gave to something
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def message_of(error: errors.Error) -> str:
    """Return the message of the answer that tells an error."""
    message = "".join(words for kind, words in _BEGINNINGS if isinstance(error, kind)) + error.message
    for kind, words, same in _WORDS:
        if isinstance(error, kind) and not any(each in message for each in (words, *same)):
            message += f": {words}"
    return "N" + message[1:] if message.startswith("no such ") else message
