"""Starting a monitor: a fork of this process, if its interpreter was executed from a read-only view, or else an interpreter that is.

A monitor imports as much as a command. So if a command line looks as if it will need a monitor, the entry point first starts one, and both
go on at the same time. The monitor waits on its channel for a request, and ends silently if none comes.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the signal module takes 4 ms, as it wraps this in enums
import gc
import os
from errno import EINVAL, EMFILE
from fcntl import F_DUPFD_CLOEXEC, fcntl

from mydocker import frozen, program
from mydocker.errors import Error
from mydocker.kernel import process
from mydocker.kernel.channel import Channel
from mydocker.kernel.libc import call
from mydocker.kernel.seal import exec_sealed, sealed_interpreter

_MONITOR = "mydocker.engine.monitor.monitor"
# So many files a monitor, and init before it lets go of them, may have open at once.
_FILES = 32

_waiting: list[Channel] = []


def start_early() -> None:
    """Start a monitor now. monitor() returns it later."""
    _waiting.append(_spawn())


def monitor() -> Channel:
    """Return the channel of a monitor that waits for its request."""
    return _waiting.pop() if _waiting else _spawn()


def _spawn() -> Channel:
    ours, theirs = Channel.pair()
    _check_limit(theirs.fileno())
    if os.fork() == 0:
        try:
            os.setsid()
            _be_monitor(theirs.fileno())
        finally:
            os._exit(127)
    theirs.close()
    return ours


def _check_limit(descriptor: int) -> None:
    """Raise Error unless a monitor may open the files that it needs: it would fail in the middle of everything."""
    try:
        os.close(fcntl(descriptor, F_DUPFD_CLOEXEC, _FILES - 1))
    except OSError as error:
        if error.errno not in (EINVAL, EMFILE):
            raise
        raise Error(f"the limit on open files (ulimit -n) is too low: expected at least {_FILES}") from error


def _be_monitor(descriptor: int) -> None:
    """Be a monitor that reads its request from a channel. descriptor: the channel's."""
    view = sealed_interpreter()
    if view is not None:
        return become_monitor(descriptor, view)
    kept = _let_go_of_the_caller()
    _be_called("mydocker-monitor")
    os.environ.update(kept)
    frozen.load("monitor")
    program.function(_MONITOR)(descriptor)
    os._exit(0)


def _be_called(name: str) -> None:
    """Give a process that was forked, and not executed, its own name and command line, and overwrite its environment.

    Both are its parent's otherwise: everybody may read the command line in /proc/PID, and who may trace the process its environment.
    """
    process.set_name(name)
    os.environ.clear()
    with open("/proc/self/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    arguments, arguments_end, environment, environment_end = map(int, fields[45:49])  # fields 48 to 51, proc(5)
    call("strncpy", arguments, name, arguments_end - arguments - 1)
    call("memset", environment, 0, environment_end - environment)


def become_monitor(descriptor: int, view: int | None = None) -> None:
    """Replace this process by an interpreter that is a monitor and reads its request from an inherited channel.

    descriptor: the channel's.
    view: what sealed_interpreter() returned.
    """
    os.set_inheritable(descriptor, True)
    exec_sealed(view, program.command(_MONITOR, str(descriptor)), _let_go_of_the_caller())


def _let_go_of_the_caller() -> dict[str, str]:
    """Take the caller's streams and settings away from this process. Return what the interpreter needs of the caller's environment."""
    # What is garbage now may hold numbers of descriptors that the monitor uses later: whoever collected it would close those.
    gc.freeze()
    # Our caller may ignore SIGCHLD, and execve keeps that. Then nobody could learn a child's exit status.
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGINT])  # see cli/entry.py
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "MYDOCKER_DELAY") if name in os.environ}
