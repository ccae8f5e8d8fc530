"""Exceptions that nobody foresaw: one line for the user, and the whole story in a file of STATE/errors/.

    STATE/errors/TIME-PID    a traceback, mode 0600; the latest _KEPT

Whoever catches one turns it into errors.Unexpected, which carries the story; that travels from process to process with the failure
until it comes to one that can write it down (`kept`), for a container's process and a child in another root cannot. Nothing is
imported to tell it: what lies at the interpreter's paths may be a container's by then.
"""

from __future__ import annotations

import os
import time

from mydocker.errors import Error, Unexpected

_KEPT = 30


def as_error(error: BaseException, who: str = "") -> Error:
    """Return an error of ours as it is, any other exception as one line that begins with who met it, and its story."""
    if isinstance(error, Error):
        return error
    line = f"{type(error).__name__}: {error}"
    return Unexpected(f"{who}: {line}" if who else line, story(error))


def story(error: BaseException) -> str:
    """Return the traceback of an exception, after those of the exceptions that led to it, without the texts of the lines."""
    before = error.__cause__ or error.__context__
    lines = [f"{type(error).__name__}: {error}"]
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {trace.tb_lineno}, in {code.co_name}')
        trace = trace.tb_next
    return (story(before) + "\nwhich led to\n\n" if before else "") + "\n".join(lines) + "\n"


def kept(error: Error, directory: str) -> Error:
    """Return an error whose message says where its story is, if it has one and that can be written. directory: STATE/errors."""
    if not isinstance(error, Unexpected) or not error.story:
        return error
    try:
        path = _write(error, directory)
    except OSError:
        return Unexpected(error.message)  # a full disk, an ordinary user: the line is all there is
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
            continue  # another one did
