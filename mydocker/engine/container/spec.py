"""Make an OCI config.json (runtime-spec 1.2) of options and an image's configuration, as docker would. All functions are pure."""

from __future__ import annotations

from mydocker.engine.container import described
from mydocker.engine.record.bundle import ETC_FILES
from mydocker.engine.record.state import CGROUP_PARENT
from mydocker.engine.request.options import Options
from mydocker.engine.request.resources import device_rules, resources
from mydocker.engine.request.values import id_mapping
from mydocker.engine.volume import options as volume_options
from mydocker.errors import BadInput
from mydocker.images.config import PATH
from mydocker.runtime.destinations import normalised
from mydocker.runtime.users import GROUPS_ANNOTATION, USER_ANNOTATION
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import MountPoint
    from mydocker.images.config import ImageConfig
    from mydocker.runtime.spec import Device, IdMapping, Linux, Mount, Namespace, Process, Seccomp, Spec

_SHM_SIZE = 64 << 20
_USERNS_SIZE = 65536

_MASKED = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/fs/aufs",
    "/sys/devices/virtual/powercap",
]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_KERNEL = ["nosuid", "noexec", "nodev"]


class Facts(Value):
    """What make_spec has to know besides the options and the image."""

    id: str  # of the container
    directory: str  # ROOT/containers/ID
    capabilities: list[str]  # names, 'CAP_CHOWN'
    seccomp: Seccomp | None  # the linux.seccomp object, None for no filter
    host_devices: list[Device]  # all devices of the host for --privileged, otherwise none
    mounts: list[MountPoint]  # with their sources known
    subuid: int = 0  # the first id on the host for --userns auto
    init: str = ""  # the path of the host's init program for --init
    has_swap: bool = True  # whether the host can limit swap
    runtime: str = ""  # the path of another OCI runtime, '' for our own
    thermal: tuple[str, ...] = ()  # the directories of the processors' thermal events, which tell of other tenants (GHSA-6fw5-f8r9-fgfm)


def make_spec(options: Options, image: ImageConfig, facts: Facts) -> Spec:
    """Return the config.json of a new container. image: the `config` object of an OCI image configuration."""
    user = options.user if options.user is not None else image.get("User", "")
    spec: Spec = {
        "ociVersion": "1.2.0",
        "process": _process(options, image, facts),
        "root": {"path": "rootfs", "readonly": options.read_only},
        "hostname": hostname(options, facts.id) if not options.uts else "",
        "domainname": options.domainname or "",
        "mounts": _mounts(options, facts),
        "linux": _linux(options, facts),
        "annotations": {**dict(options.annotation), USER_ANNOTATION: user, GROUPS_ANNOTATION: ",".join(options.group_add)},
    }
    described.add(spec, options.edits)
    return spec


def hostname(options: Options, container_id: str) -> str:
    """Return the container's host name."""
    return options.hostname or container_id[:12]


def command(options: Options, image: ImageConfig) -> list[str]:
    """Return the entrypoint and its arguments by docker's rules. An entrypoint of the user's drops the image's command.

    Raises BadInput if there is no command at all.
    """
    if options.entrypoint is not None:
        words = [*options.entrypoint, *options.command]
    else:
        words = [*(image.get("Entrypoint") or []), *(options.command or image.get("Cmd") or [])]
    if not words:
        raise BadInput(f"no command specified: image {options.image!r} has none of its own")
    return words


def _process(options: Options, image: ImageConfig, facts: Facts) -> Process:
    names = facts.capabilities
    process: Process = {
        "terminal": options.tty,
        "user": {"uid": 0, "gid": 0},
        "args": [*(["/sbin/docker-init", "--"] if options.init else []), *command(options, image)],
        "env": environment(options, image, facts.id),
        "cwd": options.workdir or image.get("WorkingDir") or "/",
        "capabilities": {"bounding": names, "effective": names, "permitted": names},
        "rlimits": options.ulimit,
        "noNewPrivileges": options.no_new_privileges,
    }
    if options.oom_score_adj is not None:
        process["oomScoreAdj"] = options.oom_score_adj
    if options.apparmor and options.apparmor != "unconfined":
        process["apparmorProfile"] = options.apparmor
    return process


def environment(options: Options, image: ImageConfig, container_id: str) -> list[str]:
    """Return NAME=VALUE lines, each name once. The user's values win over the image's, and these over the defaults.

    If the user gives a NAME without a value, that variable is removed, as docker does.
    """
    merged = {"PATH": PATH}
    if not options.uts:
        merged["HOSTNAME"] = hostname(options, container_id)
    if options.tty:
        merged["TERM"] = "xterm"
    return merged_environment(merged, [*(image.get("Env") or []), *options.env])


def merged_environment(variables: dict[str, str], pairs: list[str]) -> list[str]:
    """Return NAME=VALUE lines, each name once: the variables with some changes.

    pairs: NAME=VALUE sets a variable, NAME alone removes it
    """
    merged = dict(variables)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if equals:
            merged[name] = value
        else:
            merged.pop(name, None)
    return [f"{name}={value}" for name, value in merged.items()]


def _mounts(options: Options, facts: Facts) -> list[Mount]:
    """Return the kernel's file systems, then what comes from the host. A parent comes before what lies below it."""
    taken = {point["destination"] for point in facts.mounts}
    kernel = [mount for mount in _kernel_mounts(options) if not _is_covered(mount["destination"], taken)]
    files = [
        _mount(f"/etc/{name}", "bind", f"{facts.directory}/{name}", ["rbind", "rprivate", *(["ro"] if options.read_only else [])])
        for name in ETC_FILES
        if f"/etc/{name}" not in taken
    ]
    if options.init:
        files.append(_mount("/sbin/docker-init", "bind", facts.init, ["bind", "ro"]))
    return kernel + sorted([*files, *map(from_point, facts.mounts)], key=lambda mount: mount["destination"].count("/"))


def _is_covered(destination: str, taken: set[str]) -> bool:
    # A /dev that the user mounts brings its own pts, shm and mqueue.
    return destination in taken or ("/dev" in taken and destination.startswith("/dev/"))


def _kernel_mounts(options: Options) -> list[Mount]:
    writable = ["rw"] if options.privileged else ["ro"]
    mounts = [
        _mount("/proc", "proc", "proc", _KERNEL),
        _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        _mount("/sys", "sysfs", "sysfs", [*_KERNEL, *writable]),
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", [*writable, *_KERNEL]),
        _mount("/dev/mqueue", "mqueue", "mqueue", _KERNEL),
    ]
    if options.ipc == "host":
        mounts.append(_mount("/dev/shm", "bind", "/dev/shm", ["rbind", *_KERNEL]))
    elif options.ipc != "none":
        mounts.append(_mount("/dev/shm", "tmpfs", "shm", [*_KERNEL, "mode=1777", f"size={options.shm_size or _SHM_SIZE}"]))
    return mounts


def _mount(destination: str, fstype: str, source: str, options: list[str]) -> Mount:
    return {"destination": destination, "type": fstype, "source": source, "options": options}


def from_point(point: MountPoint) -> Mount:
    """Return the OCI mount of a mount point."""
    if point["type"] == "tmpfs":
        plain = ["nosuid", "nodev", *([] if "exec" in point["options"] else ["noexec"])]
        return _mount(point["destination"], "tmpfs", "tmpfs", [*plain, *(o for o in point["options"] if o != "exec")])
    if point.get("driverOptions"):
        return volume_options.mount(point)
    words = ["rbind" if point["recursive"] else "bind", "rw" if point["rw"] else "ro", point["propagation"] or "rprivate"]
    return _mount(point["destination"], "bind", point.get("staged") or point["source"], [*words, *point["options"]])


def _system_paths(options: Options, given: list[str] | None, usual: list[str]) -> list[str]:
    return [] if options.privileged else usual if given is None else given


def _linux(options: Options, facts: Facts) -> Linux:
    nodes = [node for pairs in options.device for node, _ in pairs] + facts.host_devices
    linux: Linux = {
        "namespaces": _namespaces(options),
        "devices": nodes,
        "cgroupsPath": normalised(f"{options.cgroup_parent or CGROUP_PARENT}/{facts.id}"),
        "resources": {"devices": device_rules(options), **resources(options, facts.has_swap)},
        "sysctl": _sysctls(options),
        "maskedPaths": _system_paths(options, options.masked, [*_MASKED, *facts.thermal]),
        "readonlyPaths": _system_paths(options, options.read_only_paths, _READ_ONLY),
    }
    if facts.seccomp:
        linux["seccomp"] = facts.seccomp
    if options.userns not in ("", "host"):
        linux["uidMappings"] = linux["gidMappings"] = [_mapping(options.userns, facts.subuid)]
    if any("shared" in point["propagation"] for point in facts.mounts):
        linux["rootfsPropagation"] = "slave"
    return linux


def _namespaces(options: Options) -> list[Namespace]:
    """Return the namespaces that are new, and those that are joined.

    The path of a joined one is 'container:NAME' for now. joined.with_paths() replaces it when that container is known to run.
    """
    modes = {"pid": options.pid, "ipc": options.ipc, "uts": options.uts, "network": options.network, "cgroup": options.cgroupns}
    entries: list[Namespace] = [{"type": "mount"}]
    if options.userns not in ("", "host"):
        entries.insert(0, {"type": "user"})
    for kind, mode in modes.items():
        if mode.startswith("container:"):
            entries.append({"type": kind, "path": mode})
        elif mode != "host":
            entries.append({"type": kind})
    return entries


def _mapping(text: str, subuid: int) -> IdMapping:
    return {"containerID": 0, "hostID": subuid, "size": _USERNS_SIZE} if text == "auto" else id_mapping(text)


def _sysctls(options: Options) -> dict[str, str]:
    """Return the user's sysctls and docker's two, with which any user may ping and use low ports.

    docker's two are only for a container with a network namespace of its own and without a user namespace.
    """
    own = {} if options.network == "host" or options.userns not in ("", "host") else {"net.ipv4.ip_unprivileged_port_start": "0"}
    if own:
        own["net.ipv4.ping_group_range"] = "0 2147483647"
    return {**(own if not options.network.startswith("container:") else {}), **dict(options.sysctl)}
