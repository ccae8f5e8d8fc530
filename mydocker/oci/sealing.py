"""Protecting the interpreter from a container that it makes or enters (CVE-2019-5736). The means is in kernel/seal.py.

A container finds the trampoline (kernel/trampoline.py) behind its own /proc/self/exe, and not the interpreter. init is not dumpable, so
another process needs CAP_SYS_PTRACE over the host to look into it. Two cases are left: processes that have this capability and share a pid
namespace with init, and hooks that are looked up in the container. In these cases the interpreter is executed anew.
"""

from __future__ import annotations

import os
import sys

from mydocker import program
from mydocker.kernel.seal import exec_sealed, sealed_interpreter
from mydocker.runtime import plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Spec


def restart_sealed_if_exposed(settings: Settings, spec: Spec, joins: bool = False) -> None:
    """Execute this whole command again from a read-only view of the interpreter, if that is needed.

    joins: whether the command enters a container that runs already.
    """
    if settings.sealed or not is_exposed(spec, joins):
        return
    interpreter = sealed_interpreter()
    if interpreter is not None:
        exec_sealed(interpreter, [*program.command("mydocker.oci.entry", "sealed=True"), *sys.argv[1:]], os.environ)


def is_exposed(spec: Spec, joins: bool) -> bool:
    """Return whether a process of the container could open the /proc/PID/exe of a process of ours that is about to enter the container.

    joins: whether the command enters a container that runs already.
    """
    wanted = plan.namespaces(spec)
    if spec.get("hooks", {}).get("startContainer"):
        return True
    shares_pids = joins or wanted.get("pid") != ""
    bounding = spec["process"]["capabilities"].get("bounding", [])
    return shares_pids and "user" not in wanted and "CAP_SYS_PTRACE" in bounding
