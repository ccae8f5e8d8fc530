"""The namespaces of other containers that a container joins (the modes 'container:NAME'): from their names to their paths.

A path names a process, /proc/PID/ns/KIND. When that process has ended, its pid may soon be another's. So who has entered such a
namespace asks afterwards whether the process is still the other container's: then it was all the time.
"""

from __future__ import annotations

from mydocker.engine.record import containers, state
from mydocker.errors import Conflict, NotFound
from mydocker.kernel.namespaces import NAMESPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.errors import Error
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Mount, Namespace, Spec


def others(record: Record) -> dict[str, str]:
    """Return the namespaces that are joined: {kind of namespace: the name of the container that has it}."""
    host = record["hostConfig"]
    modes = {"pid": host["PidMode"], "ipc": host["IpcMode"], "uts": host["UTSMode"], "network": host["NetworkMode"]}
    return {kind: mode.removeprefix("container:") for kind, mode in modes.items() if mode.startswith("container:")}


def with_paths(paths: Paths, record: Record, spec: Spec) -> Spec:
    """Return the spec with the present paths of the other containers' namespaces.

    Raises NotFound if such a container does not exist, and Conflict if it does not run.
    """
    donors = {kind: f"/proc/{_donor(paths, name, kind)}" for kind, name in others(record).items()}
    if not donors:
        return spec
    entries = [_at(entry, donors.get(entry["type"], "")) for entry in spec["linux"]["namespaces"]]
    mounts = spec["mounts"]
    if "ipc" in donors and not record["hostConfig"]["Runtime"]:
        mounts = [_with_shm(mount, donors["ipc"] + "/root/dev/shm") for mount in mounts]
    return {**spec, "mounts": mounts, "linux": {**spec["linux"], "namespaces": entries}}


def lost(paths: Paths, record: Record, spec: Spec) -> Error | None:
    """Return why a namespace that the spec has the path of is no longer the other container's, or None if all of them are."""
    entries = {entry["type"]: entry.get("path", "") for entry in spec["linux"]["namespaces"]}
    for kind, name in others(record).items():
        if not entries[kind].startswith("/proc/"):
            continue  # it has only the name: with_paths() has said why
        try:
            if state.has_ended(paths, containers.resolve(paths, name), int(entries[kind].split("/")[2])):
                return Conflict(f"cannot join the {kind} namespace of container {name}: it ended meanwhile", f"mydocker start {name}")
        except NotFound as error:
            return error
    return None


def check(paths: Paths, record: Record, spec: Spec) -> None:
    """Raise what lost() returns."""
    if error := lost(paths, record, spec):
        raise error


def _donor(paths: Paths, name: str, kind: str) -> int:
    """Return the pid of the container whose namespace is joined. Raises NotFound if there is none, Conflict if it does not run."""
    pid = state.running_pid(paths, containers.resolve(paths, name))
    if not pid:
        raise Conflict(f"cannot join the {kind} namespace of container {name}: it is not running", f"mydocker start {name}")
    return pid


def _at(entry: Namespace, process: str) -> Namespace:
    return {**entry, "path": f"{process}/ns/{NAMESPACES[entry['type']][0]}"} if process else entry


def _with_shm(mount: Mount, source: str) -> Mount:
    """Return a mount, with another container's /dev/shm in place of a new one.

    POSIX shared memory is made of files there. It does not belong to the ipc namespace.
    """
    was_joined = mount["source"].startswith("/proc/")  # an earlier version wrote that into the bundle
    if mount["destination"] == "/dev/shm" and (mount["source"] == "shm" or was_joined):
        return {**mount, "type": "bind", "source": source, "options": ["rbind", "nosuid", "noexec", "nodev"]}
    return mount
