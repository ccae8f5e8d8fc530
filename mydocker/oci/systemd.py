"""Scopes: cgroups that systemd makes around a process and keeps for us (systemd.scope(5), cgroupsPath 'SLICE:PREFIX:NAME').

They are asked for by busctl(1), which comes with systemd. A D-Bus library is not needed for one call.
"""

from __future__ import annotations

import os
from time import monotonic, sleep

from mydocker.errors import BadInput, StepFailed, Unsupported
from mydocker.kernel.programs import call, find

_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
_DEADLINE = 10.0


def is_running(run: str = "/run") -> bool:
    """Return whether systemd is the init of this machine (sd_booted(3))."""
    return os.path.isdir(f"{run}/systemd/system")


def scope_path(wanted: str, container_id: str, run: str = "/run") -> str:
    """Return the path of the cgroup that is a container's scope.

    wanted: the cgroupsPath, SLICE:PREFIX:NAME, or ''.

    Raises BadInput for a path of another form, and Unsupported if systemd is not running.
    """
    parts = (wanted or f":mydocker:{container_id}").split(":")
    if len(parts) != 3 or not parts[2]:
        raise BadInput(f"cgroupsPath {wanted!r}: expected SLICE:PREFIX:NAME, as systemd makes the cgroups")
    if not is_running(run):
        raise Unsupported("systemd-cgroup: systemd is not running on this host", "leave out --systemd-cgroup")
    slice_name, prefix, name = parts[0] or "system.slice", parts[1], parts[2]
    scope = f"{prefix}-{name}.scope" if prefix else f"{name}.scope"
    return f"{slice_path(slice_name)}/{scope}"


def slice_path(name: str) -> str:
    """Return the path of the cgroup that is a slice. The slice's name says its parents: 'a-b.slice' is /a.slice/a-b.slice.

    Raises BadInput for a name that is not a slice's.
    """
    stem, dot, kind = name.rpartition(".")
    if not dot or kind != "slice" or "/" in name or (stem != "-" and "" in stem.split("-")):
        raise BadInput(f"slice {name!r}: expected a name such as system.slice")
    if stem == "-":
        return ""
    parts = stem.split("-")
    return "".join(f"/{'-'.join(parts[: depth + 1])}.slice" for depth in range(len(parts)))


def start_scope(path: str, pid: int, container_id: str) -> None:
    """Have systemd make a delegated scope around a process, and wait until the process is in it.

    path: the path of the scope's cgroup.

    Raises StepFailed if systemd refuses, or has not done it within 10 seconds, and Unsupported without busctl.
    """
    scope, slice_name = os.path.basename(path), os.path.basename(os.path.dirname(path)) or "-.slice"
    properties = ["PIDs", "au", "1", str(pid), "Delegate", "b", "true", "Slice", "s", slice_name, "DefaultDependencies", "b", "false"]
    words = ["Description", "s", f"mydocker-oci container {container_id}", *properties]
    _call("StartTransientUnit", "ssa(sv)a(sa(sv))", scope, "replace", "5", *words, "0")
    deadline = monotonic() + _DEADLINE
    while scope not in _text(f"/proc/{pid}/cgroup"):
        if monotonic() > deadline:
            raise StepFailed(f"systemd did not make {scope} within {_DEADLINE:g} seconds")
        sleep(0.005)


def stop_scope(path: str) -> None:
    """Have systemd forget a scope. A scope that it does not know is not an error, because an empty scope goes away by itself."""
    call([_busctl(), "--quiet", "call", *_MANAGER, "StopUnit", "ss", os.path.basename(path), "replace"])


def _call(method: str, *words: str) -> None:
    status, _, problem = call([_busctl(), "--quiet", "call", *_MANAGER, method, *words])
    if status:
        raise StepFailed(f"systemd refuses {method}: {problem.strip()}")


def _busctl() -> str:
    program = find("busctl")
    if not program:
        raise Unsupported("systemd-cgroup: busctl(1) is not installed")
    return program


def _text(path: str) -> str:
    with open(path) as file:
        return file.read()
