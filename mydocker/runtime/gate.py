"""Between `create` and `start`: two FIFOs in the container's directory, and what is said through them.

    start                                   the container's process (the trampoline, or init when there are hooks)
      ├─ exec.fifo: one byte ─────────────►   it goes on
      │ ◄────────── failed.fifo: 4 bytes ─┤   errno of execve, and after a 0 there a text, see failed()
      └ ◄──────── failed.fifo: end of file┘   the program was executed

The process holds both open for reading and writing since before its root was changed, so nothing waits for the other side
to open its end, and a start finds out by ENXIO that nobody is there any more.
"""

from __future__ import annotations

import os
import sys
from errno import ENXIO

from mydocker.errors import Conflict, Error, StepFailed, Unexpected

GATE = "exec.fifo"
FAILED = "failed.fifo"
_MOST = 4096


def make(directory: str) -> tuple[int, int]:
    """Make both; return (report, gate) as runtime.plan.How has them."""
    opened = []
    for name in (FAILED, GATE):
        os.mkfifo(f"{directory}/{name}", 0o600)
        opened.append(os.open(f"{directory}/{name}", os.O_RDWR | os.O_CLOEXEC))
    return opened[0], opened[1]


def wait(gate: int) -> None:
    """Wait for a start's byte."""
    if os.read(gate, 1) != b"\0":
        os._exit(1)


def failed(error: Error) -> bytes:
    """Return what init, still an interpreter, reports: its line and, behind a 0, what it knows of an exception that nobody foresaw."""
    return bytes(4) + f"{error.message}\0{getattr(error, 'story', '')}".encode(errors="replace")[: _MOST - 4]


def open_gate(directory: str, program: str) -> None:
    """Let the process go on; return once its program was executed. Raises what that failed with, Conflict when nobody waits."""
    report = os.open(f"{directory}/{FAILED}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.set_blocking(report, True)
        _write(f"{directory}/{GATE}")
        os.unlink(f"{directory}/{GATE}")
        raise_if_failed(report, program)
    finally:
        os.close(report)
    os.unlink(f"{directory}/{FAILED}")


def _write(path: str) -> None:
    try:
        gate = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != ENXIO:
            raise
        raise Conflict("cannot start a container that has stopped") from error
    try:
        os.write(gate, b"\0")
    finally:
        os.close(gate)


def raise_if_failed(report: int, program: str) -> None:
    """Wait until the process has executed its program; raise what that failed with."""
    data = os.read(report, _MOST)
    if not data:
        return
    from mydocker.steps.process import failed_exec

    number = int.from_bytes(data[:4], sys.byteorder)
    if number:
        raise failed_exec(program, number)
    message, _, story = data[4:].decode(errors="replace").partition("\0")
    raise Unexpected(message, story) if story else StepFailed(message)


def is_closed(directory: str) -> bool:
    """Say whether a container still waits to be started."""
    return os.path.exists(f"{directory}/{GATE}")
