"""What config.json is made of, as far as this runtime reads it: a value of another kind is told by its name, before anything happens.

A shape is the name of a kind, a list with the shape of its members, or an object's {property: shape}; a property that ends in '!' is
required, '*' stands for any. null is what is not there. Resources are read by mydocker.cgroups, filters by kernel.libseccomp.
"""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Shape = str | list["Shape"] | dict[str, "Shape"]

_MAPPINGS: Shape = [{"containerID!": "natural", "hostID!": "natural", "size!": "natural"}]
_HOOKS: Shape = [{"path!": "text", "args": ["text"], "env": ["text"]}]
_SCHEDULER: Shape = {
    "policy!": "text",
    "nice": "number",
    "priority": "number",
    "flags": ["text"],
    "runtime": "natural",
    "deadline": "natural",
    "period": "natural",
}
PROCESS: Shape = {
    "terminal": "truth",
    "consoleSize": {"height": "natural", "width": "natural"},
    "user": {"uid": "natural", "gid": "natural", "additionalGids": ["natural"], "umask": "natural"},
    "args": ["text"],
    "env": ["text"],
    "capabilities": {"*": ["text"]},
    "rlimits": [{"type!": "text", "soft!": "natural", "hard!": "natural"}],
    "noNewPrivileges": "truth",
    "apparmorProfile": "text",
    "selinuxLabel": "text",
    "oomScoreAdj": "number",
    "scheduler": _SCHEDULER,
    "ioPriority": {"class!": "text", "priority": "number"},
    "execCPUAffinity": {"initial": "text", "final": "text"},
}
_LINUX: Shape = {
    "namespaces": [{"type!": "text", "path": "text"}],
    "uidMappings": _MAPPINGS,
    "gidMappings": _MAPPINGS,
    "timeOffsets": {"*": {"secs": "number", "nanosecs": "natural"}},
    "devices": [
        {"path!": "text", "type!": "text", "major": "number", "minor": "number", "fileMode": "natural", "uid": "natural", "gid": "natural"}
    ],
    "netDevices": {"*": {"name": "text"}},
    "cgroupsPath": "text",
    "resources": {},
    "sysctl": {"*": "text"},
    "seccomp": {},
    "rootfsPropagation": "text",
    "maskedPaths": ["text"],
    "readonlyPaths": ["text"],
    "mountLabel": "text",
    "memoryPolicy": {"mode!": "text", "nodes": "text", "flags": ["text"]},
    "personality": {"domain!": "text", "flags": ["text"]},
}
SPEC: Shape = {
    "root": {"path": "text", "readonly": "truth"},
    "process": PROCESS,
    "hostname": "text",
    "domainname": "text",
    "mounts": [
        {
            "destination!": "text",
            "type": "text",
            "source": "text",
            "options": ["text"],
            "uidMappings": _MAPPINGS,
            "gidMappings": _MAPPINGS,
        }
    ],
    "hooks": {"*": _HOOKS},
    "annotations": {"*": "text"},
    "linux": _LINUX,
}


def check_shape(value: Any, shape: Shape, name: str = "") -> None:
    """Raise BadInput for the first part of `value` that is not of its shape. name: what `value` is called."""
    if value is None:
        return
    if isinstance(shape, dict):
        _check_object(value, shape, name)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise BadInput(f"{name} {value!r}: expected a list")
        for number, member in enumerate(value):
            check_shape(member, shape[0], f"{name}[{number}]")
    elif not _is(value, shape):
        raise BadInput(f"{name} {value!r}: expected {_EXPECTED[shape]}")


def _check_object(value: Any, shape: dict[str, Shape], name: str) -> None:
    if not isinstance(value, dict):
        raise BadInput(f"{name or 'config.json'} {value!r}: expected an object")
    prefix = f"{name}." if name else ""
    if "*" in shape:
        shape = dict.fromkeys(value, shape["*"])
    for key, inner in shape.items():
        known = key.removesuffix("!")
        if known != key and value.get(known) is None:
            raise BadInput(f"{prefix}{known} is missing")
        check_shape(value.get(known), inner, prefix + known)


_EXPECTED = {
    "text": "a text",
    "number": "a whole number",
    "natural": "a whole number that is not negative",
    "truth": "true or false",
}


def _is(value: Any, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str) and "\0" not in value
    if kind == "truth":
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and (kind == "number" or value >= 0)
