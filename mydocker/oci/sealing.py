"""Which containers could get at the interpreter that makes or enters them, and the remedy: see kernel/seal.py.

The trampoline (kernel/trampoline.py) is what a container finds behind its own /proc/self/exe, and init is not dumpable, so
that others need CAP_SYS_PTRACE over the host to look into it. What is left are processes that have that and share a pid
namespace with init, and hooks that are looked up in the container: for those the interpreter is executed anew.
"""

from __future__ import annotations

import os
import sys

from mydocker.kernel.seal import exec_sealed, sealed_interpreter
from mydocker.runtime import plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Spec

_PROGRAM = "import sys; sys.path[:0] = {!r}; from mydocker.oci.entry import main; main(sealed=True)"


def restart_sealed_if_exposed(settings: Settings, spec: Spec, joins: bool = False) -> None:
    """Execute this whole command again from a read-only view of the interpreter, where that is needed. joins: it enters a container."""
    if settings.sealed or not is_exposed(spec, joins):
        return
    interpreter = sealed_interpreter()
    if interpreter is not None:
        arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM.format(sys.path), *sys.argv[1:]]
        exec_sealed(interpreter, arguments, os.environ)


def is_exposed(spec: Spec, joins: bool) -> bool:
    """Say whether a process of the container's could read the /proc/PID/exe of one that is about to be in it."""
    wanted = plan.namespaces(spec)
    if spec.get("hooks", {}).get("startContainer"):
        return True
    shares_pids = joins or wanted.get("pid") != ""
    bounding = spec["process"]["capabilities"].get("bounding", [])
    return shares_pids and "user" not in wanted and "CAP_SYS_PTRACE" in bounding
