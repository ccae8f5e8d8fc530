"""A bundle's config.json: read, checked as a whole before anything happens, and completed with what the runtime adds."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import BadInput, Damaged, NotFound, Unsupported
from mydocker.kernel.mounts import MS_BIND
from mydocker.kernel.namespaces import NAMESPACES
from mydocker.oci.shape import PROCESS, SPEC, check_shape
from mydocker.runtime import plan
from mydocker.runtime.hooks import check_hooks
from mydocker.runtime.mounts import bind_flags
from mydocker.steps.confinement import apparmor_enabled, selinux_enabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Spec = dict[str, Any]

# What every container may use, whatever its rules say: runc appends the same, and the specification promises the devices
# (config-linux.md, Default Devices). Number, access; a missing number means all.
_ALLOWED_DEVICES = (
    ("c", None, None, "m"),
    ("b", None, None, "m"),
    ("c", 1, 3, "rwm"),
    ("c", 1, 8, "rwm"),
    ("c", 1, 7, "rwm"),
    ("c", 5, 0, "rwm"),
    ("c", 1, 5, "rwm"),
    ("c", 1, 9, "rwm"),
    ("c", 136, None, "rwm"),
    ("c", 5, 2, "rwm"),
)


def read_bundle(directory: str) -> Spec:
    """Return a bundle's config.json, checked and completed; root.path is absolute. Raises NotFound, Damaged, BadInput, Unsupported."""
    path = f"{directory}/config.json"
    try:
        spec = store.read_json(path)
    except FileNotFoundError as error:
        raise NotFound(f"JSON specification file {path} not found") from error
    if not isinstance(spec, dict):
        raise Damaged(f"{path}: expected an object")
    spec = _without_nulls(spec)
    check(spec)
    root = os.path.normpath(os.path.join(directory, spec["root"]["path"]))
    if not os.path.isdir(root):
        raise NotFound(f"root {root!r}: expected a directory")
    return completed(spec, directory, os.path.realpath(root))


def _without_nulls(spec: Spec) -> Spec:
    """Return config.json without properties that are null, as some of its writers spell what is not there."""
    present = {key: value for key, value in spec.items() if value is not None}
    for part in ("process", "linux"):
        if isinstance(present.get(part), dict):
            present[part] = {key: value for key, value in present[part].items() if value is not None}
    return present


def completed(spec: Spec, directory: str, root: str) -> Spec:
    """Return config.json with absolute paths instead of the bundle's, and devices that are always allowed added to rules that deny all."""
    linux = {**(spec.get("linux") or {})}
    resources = {**(linux.get("resources") or {})}
    rules = resources.get("devices") or []
    if rules:
        resources["devices"] = [*rules, *(_allowed(*device) for device in _ALLOWED_DEVICES)]
    mounts = [_absolute(mount, directory) for mount in spec.get("mounts") or []]
    return {**spec, "root": {**spec["root"], "path": root}, "mounts": mounts, "linux": {**linux, "resources": resources}}


def _absolute(mount: dict[str, Any], directory: str) -> dict[str, Any]:
    """Return a mount whose source, where it is a bind's, is no longer relative to the bundle (config.md, Mounts)."""
    if not bind_flags(mount) & MS_BIND:
        return mount
    return {**mount, "source": os.path.join(directory, mount.get("source") or "")}


def _allowed(kind: str, major: int | None, minor: int | None, access: str) -> dict[str, Any]:
    numbers = {name: number for name, number in (("major", major), ("minor", minor)) if number is not None}
    return {"allow": True, "type": kind, **numbers, "access": access}


def check(spec: Spec) -> None:
    """Raise BadInput for a value that the specification forbids, Unsupported for what this host cannot do."""
    check_shape(spec, SPEC)
    _check_version(spec.get("ociVersion"))
    if not (spec.get("root") or {}).get("path"):
        raise BadInput("root.path '': expected a directory")
    if not spec.get("process"):
        raise BadInput("process: expected an object, as start needs one")
    check_process(spec["process"])
    check_hooks(spec)
    if not all(mount["destination"] for mount in spec.get("mounts") or []):
        raise BadInput("mount destination '': expected a path")
    if "" in (spec.get("annotations") or {}):
        raise BadInput("annotation '': expected a name")
    linux = spec.get("linux") or {}
    _check_namespaces(spec, plan.namespaces(spec))
    _check_names(linux, plan.namespaces(spec))
    for key in ("hostname", "domainname"):
        if spec.get(key) and "uts" not in plan.namespaces(spec):
            raise BadInput(f"{key} {spec[key]!r}: expected a uts namespace, as it would be the host's")


def _check_version(version: object) -> None:
    parts = version.split("-")[0].split(".") if isinstance(version, str) else []
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise BadInput(f"ociVersion {version!r}: expected a version such as 1.2.0")
    if parts[0] != "1":
        raise Unsupported(f"ociVersion {version!r}: expected 1.x")


def check_process(process: dict[str, Any]) -> None:
    """Check an object `process`, that of config.json or of exec."""
    check_shape(process, PROCESS, "process")
    if not process.get("args"):
        raise BadInput(f"process.args {process.get('args')!r}: expected a list with at least one word")
    if not (process.get("cwd") or "").startswith("/"):
        raise BadInput(f"process.cwd {process.get('cwd')!r}: expected an absolute path")
    for limit in process.get("rlimits") or []:
        if limit["soft"] > limit["hard"]:
            raise BadInput(f"{limit['type']} {limit['soft']}:{limit['hard']}: expected a soft limit up to the hard one")
    kinds = [limit["type"] for limit in process.get("rlimits") or []]
    if len(set(kinds)) < len(kinds):
        raise BadInput(f"process.rlimits {' '.join(kinds)}: expected each type once")
    if process.get("execCPUAffinity"):
        from mydocker.steps.scheduling import members

        for key, cpus in process["execCPUAffinity"].items():
            members(cpus or "", f"process.execCPUAffinity.{key}")  # used by exec only, but the time to say that it is wrong is now
    if process.get("apparmorProfile") and not apparmor_enabled():
        raise Unsupported(f"apparmor profile {process['apparmorProfile']!r}: apparmor is not enabled in this kernel")
    if process.get("selinuxLabel") and not selinux_enabled():
        raise Unsupported(f"selinux label {process['selinuxLabel']!r}: selinux is not enabled in this kernel")


def _check_namespaces(spec: Spec, wanted: dict[str, str]) -> None:
    entries = (spec.get("linux") or {}).get("namespaces") or []
    if len(wanted) < len(entries):
        raise BadInput(f"namespaces {' '.join(entry['type'] for entry in entries)}: expected each type once")
    if "mount" not in wanted:
        raise Unsupported("namespaces: expected one of type mount, as the root cannot be changed without it")
    for kind, path in wanted.items():
        if path and not (path.startswith("/") and os.path.exists(path)):
            raise BadInput(f"{kind} namespace path {path!r}: expected an absolute path that exists")
        if not os.path.exists(f"/proc/self/ns/{NAMESPACES[kind][0]}"):
            raise Unsupported(f"{kind} namespace: this kernel has none")


def _check_names(linux: dict[str, Any], wanted: dict[str, str]) -> None:
    """Check what belongs to a namespace: it must be the container's own."""
    if (linux.get("uidMappings") or linux.get("gidMappings")) and "user" not in wanted:
        raise BadInput("uidMappings and gidMappings: expected a user namespace")
    if wanted.get("user") == "" and not (linux.get("uidMappings") and linux.get("gidMappings")):
        raise BadInput("a new user namespace: expected uidMappings and gidMappings")
    for key in linux.get("sysctl") or {}:
        owner = _owner_of(key)
        if not owner:
            raise BadInput(f"sysctl {key!r} is not in a separate kernel namespace")
        if owner not in wanted:
            raise BadInput(f"sysctl {key!r}: expected a {owner} namespace of the container's own")
    for path in [*(linux.get("maskedPaths") or []), *(linux.get("readonlyPaths") or [])]:
        if not path.startswith("/"):
            raise BadInput(f"masked or read-only path {path!r}: expected an absolute path")
    for device in linux.get("devices") or []:
        if device["type"] not in ("c", "b", "u", "p"):
            raise BadInput(f"device {device['path']!r} of type {device['type']!r}: expected c, b, u or p")
    if linux.get("netDevices") and wanted.get("network") != "":
        raise BadInput("netDevices: expected a new network namespace")
    if linux.get("mountLabel") and not selinux_enabled():
        raise Unsupported(f"mountLabel {linux['mountLabel']!r}: selinux is not enabled in this kernel")
    if linux.get("intelRdt"):
        raise Unsupported("intelRdt: mydocker-oci does not manage resctrl")


def _owner_of(key: str) -> str:
    """Return the kind of namespace that a sysctl belongs to, '' for one of the whole machine."""
    ipc = ("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni")
    key = key.replace("/", ".")
    if key in (*ipc, "kernel.shm_rmid_forced") or key.startswith("fs.mqueue."):
        return "ipc"
    if key in ("kernel.domainname", "kernel.hostname"):
        return "uts"
    return "network" if key.startswith("net.") else ""
