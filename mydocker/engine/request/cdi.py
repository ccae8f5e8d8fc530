"""Devices by CDI specifications (Container Device Interface): VENDOR/CLASS=NAME, as --device and --gpus name them.

A specification is a file NAME.json or NAME.yaml of the directories below, which the vendor of the device writes: what a container needs to
use it. Of two that describe the same device, that of the later directory counts. YAML is read where PyYAML is installed.

https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import BadInput, Damaged
from mydocker.shape import WrongShape, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NotRequired, TypedDict

    from mydocker.engine.record.hostconfig import DeviceRequest
    from mydocker.shape import Shape

    class DeviceNode(TypedDict):
        """A device node that the container gets. What is missing is as on the host."""

        path: str
        hostPath: NotRequired[str]
        permissions: NotRequired[str]
        fileMode: NotRequired[int]
        uid: NotRequired[int]
        gid: NotRequired[int]

    class CdiMount(TypedDict):
        """A file or a directory that the container sees."""

        hostPath: str
        containerPath: str
        type: NotRequired[str]
        options: list[str]

    class CdiHook(TypedDict):
        """A program that is run when the container is made."""

        hookName: str
        path: str
        args: list[str]
        env: list[str]
        timeout: NotRequired[int]

    class ContainerEdits(TypedDict):
        """What a device adds to a container."""

        env: list[str]
        deviceNodes: list[DeviceNode]
        mounts: list[CdiMount]
        hooks: list[CdiHook]
        additionalGids: list[int]
        intelRdt: NotRequired[Any]
        netDevices: NotRequired[Any]

    class CdiDevice(TypedDict):
        """A device by its name."""

        name: str
        containerEdits: ContainerEdits

    class Specification(TypedDict):
        """A file of a vendor's: the devices of a class, and what each of them needs besides."""

        cdiVersion: str
        kind: str
        devices: list[CdiDevice]
        containerEdits: ContainerEdits


CDI_DIRECTORIES = ("/etc/cdi", "/var/run/cdi")
# The hooks that are run with our own runtime.
_HOOKS = ("createContainer", "startContainer")
_GPUS = "nvidia.com/gpu"

DEVICE_NODE: Shape = {
    "path!": "text",
    "hostPath": "text",
    "permissions": "text",  # some of the letters rwm
    "fileMode": "natural",
    "uid": "natural",
    "gid": "natural",
}
CDI_MOUNT: Shape = {"hostPath!": "text", "containerPath!": "text", "type": "text", "options": (["text"], [])}
CDI_HOOK: Shape = {
    "hookName!": "text",  # the moment, as in config.json
    "path!": "text",
    "args": (["text"], []),
    "env": (["text"], []),
    "timeout": "natural",  # seconds
}
CONTAINER_EDITS: Shape = {
    "env": (["text"], []),
    "deviceNodes": ([DEVICE_NODE], []),
    "mounts": ([CDI_MOUNT], []),
    "hooks": ([CDI_HOOK], []),
    "additionalGids": (["natural"], []),
    "intelRdt": "any",
    "netDevices": "any",
}
CDI_DEVICE: Shape = {"name!": "text", "containerEdits": (CONTAINER_EDITS, {})}
SPECIFICATION: Shape = {
    "cdiVersion": ("text", ""),
    "kind!": "text",  # VENDOR/CLASS
    "devices": ([CDI_DEVICE], []),
    "containerEdits": (CONTAINER_EDITS, {}),
}


def is_name(text: str) -> bool:
    """Say whether the value of --device is VENDOR/CLASS=NAME, and not a path."""
    kind, equals, _ = text.partition("=")
    return bool(equals) and "/" in kind and text[0] not in "/."


def edits(names: Iterable[str], directories: Iterable[str] = CDI_DIRECTORIES) -> list[ContainerEdits]:
    """Return what these devices add to a container, each class's common part once. Raises BadInput for one that is unknown."""
    found: list[ContainerEdits] = []
    classes: list[str] = []
    known = _known(directories) if (wanted := list(dict.fromkeys(names))) else {}
    for name in wanted:
        if name not in known:
            there = f": there are {', '.join(sorted(known))}" if known else ""
            raise BadInput(f"no CDI specification in {' or '.join(directories)} describes the device {name!r}{there}")
        path, specification, device = known[name]
        if path not in classes:
            classes.append(path)
            found.append(_checked(path, specification["containerEdits"]))
        found.append(_checked(path, device["containerEdits"]))
    return found


def _known(directories: Iterable[str]) -> dict[str, tuple[str, Specification, CdiDevice]]:
    """Return every device that is described: {name: (the file, the specification, the device)}."""
    found = {}
    for directory in directories:
        for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            if name.endswith((".json", ".yaml")):
                specification = _read(f"{directory}/{name}")
                for device in specification["devices"]:
                    found[f"{specification['kind']}={device['name']}"] = (f"{directory}/{name}", specification, device)
    return found


def _read(path: str) -> Specification:
    document = store.read_json(path) if path.endswith(".json") else _read_yaml(path)
    try:
        fit(document, SPECIFICATION)
    except WrongShape as error:
        raise Damaged(f"{path}: {error}") from error
    found: Specification = document
    return found


def _read_yaml(path: str) -> Any:
    from importlib import import_module

    try:
        yaml = import_module("yaml")
    except ImportError as error:
        raise Damaged(f"{path}: PyYAML is not installed, and without it only JSON is read") from error
    try:
        return yaml.safe_load(store.read_whole(path))
    except yaml.YAMLError as error:
        raise Damaged(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error


def _checked(path: str, edits: ContainerEdits) -> ContainerEdits:
    for hook in edits["hooks"]:
        if hook["hookName"] not in _HOOKS:
            raise BadInput(f"{path}: a hook {hook['hookName']} is not run here: expected {' or '.join(_HOOKS)}")
    for key in ("intelRdt", "netDevices"):
        if edits.get(key):
            raise BadInput(f"{path}: {key} is not supported")
    return edits


def gpus(text: str) -> DeviceRequest:
    """Return docker's DeviceRequest that a value of --gpus means: all, a number, or 'device=0,capabilities=…'. Raises BadInput."""
    import csv

    request: DeviceRequest = {"Driver": "", "Count": 0, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": {}}
    for word in next(csv.reader([text]), []):
        key, equals, value = word.partition("=")
        if key == "device" and value:
            request["DeviceIDs"] = value.split(",")
        elif key == "capabilities" and value:
            request["Capabilities"] = [list(dict.fromkeys([*value.split(","), "gpu"]))]
        elif key == "driver" and value:
            request["Driver"] = value
        elif key == "count" or not equals:
            request["Count"] = _count(text, value if equals else key)
        else:
            raise BadInput(f"invalid --gpus {text!r}: expected all, a number, device=…, capabilities=… or driver=nvidia")
    if not request["Count"] and request["DeviceIDs"] is None:
        request["Count"] = 1
    return request


def _count(text: str, value: str) -> int:
    if value == "all":
        return -1
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 1000:
        raise BadInput(f"invalid --gpus {text!r}: expected all, or how many")
    return int(value)


def names_of(request: DeviceRequest) -> list[str]:
    """Return the names of the devices that a DeviceRequest asks for. Raises BadInput for one that no CDI specification can answer."""
    driver, ids, count = request.get("Driver") or "", request.get("DeviceIDs") or [], request.get("Count") or 0
    if driver == "cdi":
        return list(ids)
    if driver not in ("", "nvidia") or not any("gpu" in each for each in request.get("Capabilities") or [[]]):
        raise BadInput(f"invalid device request {request!r}: expected driver cdi, or the capability gpu")
    return [f"{_GPUS}={each}" for each in ids or (["all"] if count < 0 else range(count))]
