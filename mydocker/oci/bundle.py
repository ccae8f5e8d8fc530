"""Reading a bundle's config.json. It is checked as a whole before anything happens, and completed with what the runtime adds."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import BadInput, Damaged, NotFound, Unsupported
from mydocker.kernel.mounts import MS_BIND
from mydocker.kernel.namespaces import NAMESPACES
from mydocker.oci.idmapping import with_mappings
from mydocker.oci.shape import check_shape
from mydocker.runtime import plan
from mydocker.runtime.hooks import STATUS
from mydocker.runtime.mounts import bind_flags
from mydocker.runtime.spec import SPEC
from mydocker.steps.confinement import apparmor_enabled, selinux_enabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import DeviceRule, Resources
    from mydocker.runtime.spec import Linux, Mount, Process, Root, Spec

# Every container may use these devices, whatever its rules say. runc appends the same rules, and the specification promises the devices
# (config-linux.md, Default Devices).
_ALLOWED_DEVICES: list[DeviceRule] = [
    {"allow": True, "type": "c", "access": "m"},
    {"allow": True, "type": "b", "access": "m"},
    {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 8, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 7, "access": "rwm"},
    {"allow": True, "type": "c", "major": 5, "minor": 0, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 9, "access": "rwm"},
    {"allow": True, "type": "c", "major": 136, "access": "rwm"},
    {"allow": True, "type": "c", "major": 5, "minor": 2, "access": "rwm"},
]


def read_bundle(directory: str, config: str = "") -> Spec:
    """Return a bundle's config.json, checked and completed, with an absolute root.path.

    config: the path of the file to read instead of the one in the bundle, or ''.

    Raises NotFound if config.json or the root is missing, Damaged if config.json is not a JSON object, and what check() raises.
    """
    path = config or f"{directory}/config.json"
    try:
        spec: Spec = store.read_json(path)
    except FileNotFoundError as error:
        raise NotFound(f"JSON specification file {path} not found") from error
    if not isinstance(spec, dict):
        raise Damaged(f"{path}: expected an object")
    check(spec)
    root = os.path.normpath(os.path.join(directory, spec["root"]["path"]))
    if not os.path.isdir(root):
        raise NotFound(f"root {root!r}: expected a directory")
    return completed(spec, directory, os.path.realpath(root))


def completed(spec: Spec, directory: str, root: str) -> Spec:
    """Return config.json with absolute paths and, if it has rules for devices, with the rules that every container gets.

    directory: the bundle, from which relative paths count.
    root: the absolute path of the root file system.
    """
    resources: Resources = {**spec["linux"]["resources"]}
    if resources.get("devices"):
        resources["devices"] = [*resources["devices"], *_ALLOWED_DEVICES]
    linux: Linux = {**spec["linux"], "resources": resources}
    if not selinux_enabled():
        linux.pop(
            "mountLabel", None
        )  # Engines set it all the same. Without SELinux there are no labels, and the kernel refuses the option.
    mounts = [with_mappings(_absolute(mount, directory), linux) for mount in spec["mounts"]]
    whole_root: Root = {**spec["root"], "path": root}
    return {**spec, "root": whole_root, "mounts": mounts, "linux": linux}


def _absolute(mount: Mount, directory: str) -> Mount:
    """Return a mount. The source of a bind is made absolute, because it may be relative to the bundle (config.md, Mounts)."""
    if not bind_flags(mount) & MS_BIND:
        return mount
    return {**mount, "source": os.path.join(directory, mount["source"])}


def check(spec: Spec) -> None:
    """Check a config.json and fill in the defaults.

    Raises BadInput for a value that the specification forbids, and Unsupported for what this host cannot do.
    """
    check_shape(spec, SPEC)
    _check_version(spec.get("ociVersion"))
    if not spec["root"]["path"]:
        raise BadInput("root.path '': expected a directory")
    if not spec["process"]["args"] and not spec["process"]["cwd"]:
        raise BadInput("process: expected an object, as start needs one")
    check_process(spec["process"])
    _check_hooks(spec)
    if not all(mount["destination"] for mount in spec["mounts"]):
        raise BadInput("mount destination '': expected a path")
    if "" in spec["annotations"]:
        raise BadInput("annotation '': expected a name")
    wanted = plan.namespaces(spec)
    _check_namespaces(spec, wanted)
    _check_names(spec["linux"], wanted)
    for key, name in (("hostname", spec["hostname"]), ("domainname", spec["domainname"])):
        if name and "uts" not in wanted:
            raise BadInput(f"{key} {name!r}: expected a uts namespace, as it would be the host's")
        other = spec["linux"]["sysctl"].get(f"kernel.{key}")
        if other is not None and (key == "hostname" or name not in ("", other)):
            raise BadInput(f"sysctl kernel.{key}: expected the property {key} alone")


def _check_version(version: str | None) -> None:
    parts = version.split("-")[0].split(".") if version else []
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise BadInput(f"ociVersion {version!r}: expected a version such as 1.2.0")
    if parts[0] != "1":
        raise Unsupported(f"ociVersion {version!r}: expected 1.x")


def check_process(process: Process) -> None:
    """Check an object `process`, which is that of config.json or of exec. Raises BadInput and Unsupported."""
    if not process["args"]:
        raise BadInput("process.args []: expected a list with at least one word")
    if not process["cwd"].startswith("/"):
        raise BadInput(f"process.cwd {process['cwd']!r}: expected an absolute path")
    for limit in process["rlimits"]:
        if limit["soft"] > limit["hard"]:
            raise BadInput(f"{limit['type']} {limit['soft']}:{limit['hard']}: expected a soft limit up to the hard one")
    kinds = [limit["type"] for limit in process["rlimits"]]
    if len(set(kinds)) < len(kinds):
        raise BadInput(f"process.rlimits {' '.join(kinds)}: expected each type once")
    if "execCPUAffinity" in process:
        from mydocker.numberlist import numbers

        affinity = process["execCPUAffinity"]  # Only exec uses it, but a wrong value is an error now already.
        numbers(affinity.get("initial", ""), "process.execCPUAffinity.initial")
        numbers(affinity.get("final", ""), "process.execCPUAffinity.final")
    if process.get("apparmorProfile") and not apparmor_enabled():
        raise Unsupported(f"apparmor profile {process['apparmorProfile']!r}: apparmor is not enabled in this kernel")
    if process.get("selinuxLabel") and not selinux_enabled():
        raise Unsupported(f"selinux label {process['selinuxLabel']!r}: selinux is not enabled in this kernel")


def _check_namespaces(spec: Spec, wanted: dict[str, str]) -> None:
    entries = spec["linux"]["namespaces"]
    if len(wanted) < len(entries):
        raise BadInput(f"namespaces {' '.join(entry['type'] for entry in entries)}: expected each type once")
    if "mount" not in wanted:
        raise Unsupported("namespaces: expected one of type mount, as the root cannot be changed without it")
    for kind, path in wanted.items():
        if path and not path.startswith("/"):
            raise BadInput(f"{kind} namespace path {path!r}: expected an absolute path")
        if path:
            _check_exists(kind, path)
        if not os.path.exists(f"/proc/self/ns/{NAMESPACES[kind][0]}"):
            raise Unsupported(f"{kind} namespace: this kernel has none")


def _check_exists(kind: str, path: str) -> None:
    try:
        os.stat(path)
    except OSError as error:
        raise BadInput(f"{kind} namespace path {path!r}: {(error.strerror or '').lower()}: expected one that exists") from error


def _check_names(linux: Linux, wanted: dict[str, str]) -> None:
    """Check the rest of `linux`, above all that what belongs to a namespace has a namespace of the container's own."""
    if (linux.get("uidMappings") or linux.get("gidMappings")) and "user" not in wanted:
        raise BadInput("uidMappings and gidMappings: expected a user namespace")
    if wanted.get("user") == "" and not (linux.get("uidMappings") and linux.get("gidMappings")):
        raise BadInput("a new user namespace: expected uidMappings and gidMappings")
    for key in linux["sysctl"]:
        owner = _owner_of(key)
        if not owner:
            raise BadInput(f"sysctl {key!r} is not in a separate kernel namespace")
        if owner not in wanted:
            raise BadInput(f"sysctl {key!r}: expected a {owner} namespace of the container's own")
    for path in [*linux["maskedPaths"], *linux["readonlyPaths"]]:
        if not path.startswith("/"):
            raise BadInput(f"masked or read-only path {path!r}: expected an absolute path")
    for device in linux["devices"]:
        if device["type"] not in ("c", "b", "u", "p"):
            raise BadInput(f"device {device['path']!r} of type {device['type']!r}: expected c, b, u or p")
    if linux.get("netDevices") and wanted.get("network") != "":
        raise BadInput("netDevices: expected a new network namespace")
    if linux.get("intelRdt"):
        raise Unsupported("intelRdt: mydocker-oci does not manage resctrl")


def _owner_of(key: str) -> str:
    """Return the type of the namespace that a sysctl belongs to, or '' if it belongs to the whole machine."""
    ipc = ("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni")
    key = key.replace("/", ".")
    if key in (*ipc, "kernel.shm_rmid_forced") or key.startswith("fs.mqueue."):
        return "ipc"
    if key in ("kernel.domainname", "kernel.hostname"):
        return "uts"
    return "network" if key.startswith("net.") else ""


def _check_hooks(spec: Spec) -> None:
    """Check all hooks. Raises BadInput for a hook that could never be run."""
    for kind in STATUS:
        for hook in spec.get("hooks", {}).get(kind, []):
            if not hook["path"].startswith("/"):
                raise BadInput(f"{kind} hook {hook['path']!r}: expected an absolute path")
            if "timeout" in hook and hook["timeout"] <= 0:
                raise BadInput(f"{kind} hook timeout {hook['timeout']!r}: expected seconds greater than 0")
