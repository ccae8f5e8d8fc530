"""The gate at which a container's process waits between `create` and `start`: two FIFOs in the container's directory.

    start                                   the container's process (the trampoline, or init when there are hooks)
      ├─ exec.fifo: one byte ─────────────►   it goes on
      │ ◄───────────── failed.fifo: report┤   what has failed, see runtime/report.py
      └ ◄──────── failed.fifo: end of file┘   the program was executed

The process has opened both FIFOs for reading and writing before its root was changed. So neither side waits until the other one opens
its end. When the process is gone, a start gets ENXIO.
"""

from __future__ import annotations

import os
from errno import ENXIO

from mydocker.errors import Conflict
from mydocker.runtime.report import raise_if_failed

GATE = "exec.fifo"
FAILED = "failed.fifo"


def make(directory: str) -> tuple[int, int]:
    """Make both FIFOs in a container's directory and return their descriptors: (report, gate), as in runtime.plan.How."""
    opened = []
    for name in (FAILED, GATE):
        os.mkfifo(f"{directory}/{name}", 0o600)
        opened.append(os.open(f"{directory}/{name}", os.O_RDWR | os.O_CLOEXEC))
    return opened[0], opened[1]


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


def is_closed(directory: str) -> bool:
    """Return whether a container still waits for its start."""
    return os.path.exists(f"{directory}/{GATE}")
