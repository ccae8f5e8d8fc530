"""How a process ends when it gets a signal. Only its parent is told its exit status, and whoever traces it (ptrace(2))."""

from __future__ import annotations

import os
from errno import EPERM, ESRCH
from time import monotonic, sleep

from mydocker.kernel.files import Allowing
from mydocker.kernel.libc import call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.learn.process import Process

_PTRACE_SEIZE, _PTRACE_CONT, _PTRACE_LISTEN = 0x4206, 7, 0x4208
_WALL = 0x40000000
_EVENT = 16  # above the signal's number, where a stop is one of ptrace's own
_POLL = 0.01


def exit_status_after(process: Process, signal: int, seconds: float) -> int | None:
    """Send a signal to a process, and return the exit status with which it ends in time (-N: by signal N), or None if it goes on.

    Raises OSError if it has ended already, or somebody traces it.
    """
    call("ptrace", _PTRACE_SEIZE, process.pid, 0, 0, subject=process.directory)
    deadline = monotonic() + seconds
    try:
        os.kill(process.pid, signal)
        while monotonic() < deadline:
            pid, status = os.waitpid(process.pid, os.WNOHANG | _WALL)
            if not pid:
                sleep(_POLL)
            elif not os.WIFSTOPPED(status):
                return os.waitstatus_to_exitcode(status)
            else:
                _go_on(process.pid, status)
        return None
    finally:
        _let_go(process.pid)


def _go_on(pid: int, status: int) -> None:
    """Let a process go on that has stopped, and give it the signal for which it did."""
    event, number = status >> _EVENT, os.WSTOPSIG(status)
    with Allowing(ESRCH):
        if event:  # the process was stopped as a whole (SIGSTOP): it stays so
            call("ptrace", _PTRACE_LISTEN, pid, 0, 0)
        else:
            call("ptrace", _PTRACE_CONT, pid, 0, number)


def _let_go(pid: int) -> None:
    """Stop tracing. A process has to be stopped for that, which is why it is interrupted first."""
    with Allowing(ESRCH, EPERM):
        call("ptrace", 0x4207, pid, 0, 0)  # PTRACE_INTERRUPT
        os.waitpid(pid, _WALL)
        call("ptrace", 17, pid, 0, 0)  # PTRACE_DETACH
