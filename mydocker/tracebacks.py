"""Exceptions that nobody foresaw: the user is told one line, and the traceback is written to a file in STATE/errors/.

    STATE/errors/TIME-PID    a traceback, mode 0600; the latest _KEPT of them stay

Whoever catches such an exception turns it into errors.Unexpected, which carries the traceback as its `story`. The story travels with the
failure from process to process, until a process can write it down (`kept`). A container's process and a child in another root cannot.
Nothing is imported to make the story, because what lies at the interpreter's paths may be a container's files by then.
"""

from __future__ import annotations

import os
import time
from errno import EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, EROFS

from mydocker.errors import Error, StepFailed, Unexpected

_KEPT = 30
# What can go wrong at every file. It says that the host has no more, or that a disk fails, and nothing of our code.
_FORESEEN = (EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, EROFS)


def as_error(error: BaseException, who: str = "") -> Error:
    """Return an error of ours as it is, what can go wrong at every file as StepFailed, any other exception as Unexpected with its story.

    who: the process that met it. The message begins with that.
    """
    if isinstance(error, Error):
        return error
    before = f"{who}: " if who else ""
    if isinstance(error, OSError) and error.errno in _FORESEEN:
        return StepFailed(f"{before}{error.filename or 'mydocker'}: {error.strerror}", error.errno)
    return Unexpected(f"{before}{type(error).__name__}: {error}", story(error))


def story(error: BaseException) -> str:
    """Return the traceback of an exception, after those of the exceptions that led to it. The texts of the lines are left out."""
    before = error.__cause__ or error.__context__
    lines = [f"{type(error).__name__}: {error}"]
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {trace.tb_lineno}, in {code.co_name}')
        trace = trace.tb_next
    return (story(before) + "\nwhich led to\n\n" if before else "") + "\n".join(lines) + "\n"


def kept(error: Error, directory: str) -> Error:
    """Write the story of an error to a file, and return an error whose message names the file.

    An error without a story is returned as it is. If the story cannot be written, the error is returned without it.

    directory: STATE/errors.
    """
    if not isinstance(error, Unexpected) or not error.story:
        return error
    try:
        path = _write(error, directory)
    except OSError:
        return Unexpected(error.message)  # The disk is full, or this is an ordinary user. Then the line is all that there is.
    return Unexpected(f"{error.message} (the full story: {path})")


def _write(error: Unexpected, directory: str) -> str:
    os.makedirs(directory, 0o700, exist_ok=True)
    moment = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(moment // 10**9))
    path = f"{directory}/{seconds}.{moment % 10**9:09d}-{os.getpid()}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{error.message}\n\n{error.story}".encode(errors="backslashreplace"))
    finally:
        os.close(descriptor)
    _forget_the_oldest(directory)
    return path


def _forget_the_oldest(directory: str) -> None:
    for name in sorted(os.listdir(directory))[:-_KEPT]:
        try:
            os.unlink(f"{directory}/{name}")
        except FileNotFoundError:
            continue  # Another process removed it.
