"""The gate at which a container's process waits between `create` and `start`: two FIFOs in the container's directory.

    start                                   the container's process (the trampoline, or init when there are hooks)
      ├─ exec.fifo: one byte ─────────────►   it goes on
      │ ◄────────── failed.fifo: 4 bytes ─┤   the errno of execve; after a 0 follows a text, see failed()
      └ ◄──────── failed.fifo: end of file┘   the program was executed

The process has opened both FIFOs for reading and writing before its root was changed. So neither side waits until the other one opens
its end. When the process is gone, a start gets ENXIO.
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
    """Make both FIFOs in a container's directory and return their descriptors: (report, gate), as in runtime.plan.How."""
    opened = []
    for name in (FAILED, GATE):
        os.mkfifo(f"{directory}/{name}", 0o600)
        opened.append(os.open(f"{directory}/{name}", os.O_RDWR | os.O_CLOEXEC))
    return opened[0], opened[1]


def wait(gate: int) -> None:
    """Wait for the byte that a start writes, and end this process if anything else comes."""
    if os.read(gate, 1) != b"\0":
        os._exit(1)


def failed(error: Error) -> bytes:
    """Return the report of an init that fails while it is still an interpreter.

    It is an errno of 0, the error's message and, after a NUL, the traceback if the exception was not foreseen.
    """
    return bytes(4) + f"{error.message}\0{getattr(error, 'story', '')}".encode(errors="replace")[: _MOST - 4]


def open_gate(directory: str, program: str) -> None:
    """Let the process go on, and return when its program has been executed.

    directory: the container's directory.
    program: the program's name, for an error message.

    Raises Conflict if no process waits, and otherwise the error that the process reports.
    """
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
    """Wait until the process has executed its program. Raises the error that the process reports.

    report: the descriptor to read the report from.
    program: the program's name, for an error message.
    """
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
    """Return whether a container still waits for its start."""
    return os.path.exists(f"{directory}/{GATE}")
