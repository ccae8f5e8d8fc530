"""Starting a monitor: a lean interpreter of its own, executed from a read-only view of this one.

It takes as long to start as click does, so the entry point starts it first, in parallel, when the command line is one
that will need it; it waits on its channel for a request, and ends silently when there is none.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what the signal module wraps in enums, at 4 ms
import os
from errno import EINVAL, EMFILE
from fcntl import F_DUPFD_CLOEXEC, fcntl

from mydocker import program
from mydocker.errors import Error
from mydocker.kernel.channel import Channel
from mydocker.kernel.seal import exec_sealed, sealed_interpreter

_VERBS = ("run", "start", "exec")
# So many files a monitor, and init before it lets go of them, may have open at once.
_FILES = 32

_waiting: list[Channel] = []


def needs_monitor(args: list[str]) -> bool:
    """Say whether a command line looks like one that starts a container or enters one; to be wrong costs a process, nothing else."""
    words: list[str] = []
    rest = iter(args)
    for word in rest:
        if word in ("--root", "--state"):
            next(rest, None)
        elif not word.startswith("-"):
            words.append(word)
        if len(words) == 2:
            break
    return bool(words) and (words[0] in _VERBS or words in [["container", verb] for verb in _VERBS])


def start_early() -> None:
    """Start a monitor now, for monitor() to return later."""
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
            become_monitor(theirs.fileno())
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


def become_monitor(descriptor: int) -> None:
    """Replace this process by a monitor that reads its request from an inherited channel."""
    os.set_inheritable(descriptor, True)
    # Whoever called us may ignore it, which execve keeps: then nobody could learn a child's exit status.
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    exec_sealed(sealed_interpreter(), program.command("mydocker.engine.monitor.monitor", str(descriptor)), kept)
