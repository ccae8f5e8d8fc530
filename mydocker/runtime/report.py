"""What init reports when its channel is closed already: the failure of its last step, or of the hooks after the second half of a start.

    an errno, four bytes     then what failed, or nothing if it was execve; kernel/trampoline.py writes this
    0, four bytes            then the error's message and, after a NUL, the traceback if the exception was not foreseen

The end of file means that the program was executed.
"""

from __future__ import annotations

import os
import sys

from mydocker.errors import Error, StepFailed, Unexpected

_MOST = 4096


def failed(error: Error) -> bytes:
    """Return the report of an init that fails while it is still an interpreter."""
    return bytes(4) + f"{error.message}\0{getattr(error, 'story', '')}".encode(errors="replace")[: _MOST - 4]


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
    message, _, story = data[4:].decode(errors="replace").partition("\0")
    if number:
        raise StepFailed(f"{message}: {os.strerror(number)}", number) if message else failed_exec(program, number)
    raise Unexpected(message, story) if story else StepFailed(message)
