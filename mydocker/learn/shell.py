"""A shell in the lab."""

from __future__ import annotations

import os
import shutil
import signal
import sys

from mydocker.learn import lessons
from mydocker.learn.opening import enter
from mydocker.learn.scene import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mydocker.learn.lab import Lab
    from mydocker.learn.process import Process

# The controllers whose mount points the shell knows, as $MEMORY and $CPU: lessons are the same for every layout of cgroups then.
_SHOWN = ("memory", "cpu")
_DESCRIPTORS = 1 << 20  # more than a process has
# Ctrl-C and Ctrl-\ are for the shell, and not for whoever waits for it.
_KEYS = (signal.SIGINT, signal.SIGQUIT)


def run(lab: Lab, keeper: Process, environment: dict[str, str]) -> int:
    """Run a shell in the lab until it ends, and return its exit status. It reads commands from standard input, as any shell."""
    before = [signal.signal(number, signal.SIG_IGN) for number in _KEYS]
    pid = os.fork()
    if pid == 0:
        for number in _KEYS:
            signal.signal(number, signal.SIG_DFL)
        _become_shell(lab, keeper, environment)
    _, status = os.waitpid(pid, 0)
    for number, handler in zip(_KEYS, before, strict=True):
        signal.signal(number, handler)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _become_shell(lab: Lab, keeper: Process, environment: dict[str, str]) -> None:
    shell = shutil.which("bash") or "/bin/sh"
    try:
        enter(lab, keeper)
        os.chdir(lab.work)
        os.closerange(3, _DESCRIPTORS)  # what this process has open is nothing to who types there
        os.execve(shell, [os.path.basename(shell)], environment)
    except Exception as error:
        print(f"mydocker: the lab's shell: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(1)


def environment_of(lab: Lab, given: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the environment of a shell in the lab. What mydocker keeps there is the lab's own."""
    made = {**given, "MYDOCKER_ROOT": lab.root, "MYDOCKER_STATE": "/run/mydocker", "LANGUAGE": language, "LESSONS": lessons.DIRECTORY}
    made |= {name.upper(): found.mount for name in _SHOWN if (found := lab.layout.find(name))}
    made.pop(MARK, None)  # no mark but those that the learner sets
    if made.get("MYDOCKER_STORAGE_DRIVER") == "vfs":
        del made["MYDOCKER_STORAGE_DRIVER"]  # lessons are about layers, if this machine has any
    if not shutil.which("mydocker", path=made.get("PATH")):
        made["PATH"] = f"{os.path.dirname(os.path.abspath(sys.argv[0]))}:{made.get('PATH', os.defpath)}"
    return made
