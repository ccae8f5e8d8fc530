"""What the user asked run or create for, parsed and checked before anything happens."""

from __future__ import annotations

import os
from typing import Any

from mydocker.engine import mountpoints, settings, values
from mydocker.engine.containers import check_name
from mydocker.errors import BadInput

_SMALLEST_MEMORY = 6 << 20

_PARSERS = {
    "memory": values.size,
    "memory_swap": values.swap,
    "memory_reservation": values.size,
    "memory_swappiness": values.integer("swappiness", -1, 100),
    "oom_score_adj": values.integer("oom score adjustment", -1000, 1000),
    "cpus": values.cpus,
    "cpu_shares": values.integer("cpu shares", 0, 262144),
    "cpu_quota": values.integer("cpu quota", -1, 2**62),
    "cpu_period": values.or_zero(values.integer("cpu period", 1000, 1_000_000)),
    "cpuset_cpus": values.id_list,
    "cpuset_mems": values.id_list,
    "pids_limit": values.integer("pids limit", -1, 4194304),
    "blkio_weight": values.or_zero(values.integer("blkio weight", 10, 1000)),
    "shm_size": values.size,
    "stop_signal": values.signal,
    "stop_timeout": values.integer("stop timeout", -1, 2**31),
    "detach_keys": values.detach_keys,
    "ulimit": values.ulimit,
    "blkio_weight_device": values.device_weight,
    "device_read_bps": lambda text: values.device_rate(text, True),
    "device_write_bps": lambda text: values.device_rate(text, True),
    "device_read_iops": lambda text: values.device_rate(text, False),
    "device_write_iops": lambda text: values.device_rate(text, False),
    "device": values.devices,
    "device_cgroup_rule": values.device_rule,
    "volume": mountpoints.from_volume,
    "mount": mountpoints.from_mount,
    "tmpfs": mountpoints.from_tmpfs,
    "sysctl": values.setting,
    "annotation": values.pair,
}
_SYSCTLS = (
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
)


class Options:
    """One attribute for each flag: parsed, None or empty where it was not given."""

    image: str
    command: list[str]
    interactive: bool
    tty: bool
    detach: bool
    attach: tuple[str, ...]
    remove: bool
    detach_keys: bytes
    sig_proxy: bool
    name: str | None
    cidfile: str | None
    init: bool
    stop_signal: int | None
    stop_timeout: int | None
    pull: str
    platform: str | None
    runtime: str | None
    storage_driver: str | None
    env: list[str]
    workdir: str | None
    user: str | None
    group_add: tuple[str, ...]
    hostname: str | None
    domainname: str | None
    entrypoint: str | None
    labels: dict[str, str]
    annotation: list[tuple[str, str]]
    memory: int | None
    memory_swap: int | None
    memory_reservation: int | None
    memory_swappiness: int | None
    oom_kill_disable: bool
    oom_score_adj: int | None
    cpus: float | None
    cpu_shares: int | None
    cpu_quota: int | None
    cpu_period: int | None
    cpuset_cpus: str | None
    cpuset_mems: str | None
    pids_limit: int | None
    blkio_weight: int | None
    blkio_weight_device: list[dict[str, int]]
    device_read_bps: list[dict[str, int]]
    device_write_bps: list[dict[str, int]]
    device_read_iops: list[dict[str, int]]
    device_write_iops: list[dict[str, int]]
    ulimit: list[dict[str, Any]]
    shm_size: int | None
    cgroup_parent: str | None
    cgroupns: str
    mounts: list[dict[str, Any]]
    volumes_from: list[tuple[str, bool]]
    read_only: bool
    device: list[list[tuple[dict[str, Any], dict[str, Any]]]]
    device_cgroup_rule: list[dict[str, Any]]
    network: str
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    seccomp: str
    apparmor: str
    no_new_privileges: bool
    unmask: bool
    privileged: bool
    userns: str
    pid: str
    ipc: str
    uts: str
    sysctl: list[tuple[str, str]]

    def __init__(self, parsed: dict[str, Any]) -> None:
        self.__dict__.update(parsed)


def parse(flags: dict[str, Any]) -> Options:
    """Return the options of click's parameters. Raises BadInput for what is wrong whatever the image."""
    given = {name: _parsed(name, value) for name, value in flags.items()}
    given |= {"detach": given.get("detach", False), "remove": given.get("remove", False), "attach": given.get("attach", ())}
    words = given.pop("words")
    if not words:
        raise BadInput("an IMAGE is required", "mydocker run --help shows how")
    given |= {"image": words[0], "command": list(words[1:])}
    given["attach"] = tuple(stream.lower() for stream in given["attach"])
    given["env"] = settings.environment(given["env"], given.pop("env_file"))
    given["labels"] = settings.labels(given.pop("label"), given.pop("label_file"))
    given["mounts"] = mountpoints.unique([*given.pop("volume"), *given.pop("mount"), *given.pop("tmpfs")])
    given["volumes_from"] = [_volumes_from(text) for text in given["volumes_from"]]
    given["ulimit"] = list({limit["type"]: limit for limit in given["ulimit"]}.values())
    given |= _security(given.pop("security_opt"))
    given |= {name: given[name] or "" for name in ("pid", "ipc", "uts", "userns")}
    given["network"] = given["network"] or "none"
    options = Options(given)
    for check in (_check_life, _check_names, _check_memory, _check_cpu, _check_namespaces, _check_users, _check_sysctls):
        check(options)
    return options


def _parsed(name: str, value: Any) -> Any:
    parser = _PARSERS.get(name)
    if parser is None or value is None:
        return value
    return [parser(text) for text in value] if isinstance(value, tuple) else parser(value)


def _volumes_from(text: str) -> tuple[str, bool]:
    name, _, mode = text.partition(":")
    if not name or mode not in ("", "ro", "rw"):
        raise BadInput(f"invalid volumes-from {text!r}: expected CONTAINER[:ro|rw]")
    return name, mode != "ro"


def _security(texts: tuple[str, ...]) -> dict[str, Any]:
    result: dict[str, Any] = {"seccomp": "", "apparmor": "", "no_new_privileges": False, "unmask": False}
    for text in texts:
        key, _, value = text.replace(":", "=", 1).partition("=") if "=" not in text else text.partition("=")
        if key in ("seccomp", "apparmor") and value:
            result[key] = value
        elif key == "no-new-privileges" and value in ("", "true", "false"):
            result["no_new_privileges"] = value != "false"
        elif key == "systempaths" and value == "unconfined":
            result["unmask"] = True
        else:
            expected = "seccomp=FILE|unconfined, apparmor=PROFILE, no-new-privileges or systempaths=unconfined"
            raise BadInput(f"invalid security option {text!r}: expected {expected}")
    return result


def _check_life(options: Options) -> None:
    if options.name is not None:
        check_name(options.name)
    for stream in options.attach:
        if stream not in ("stdin", "stdout", "stderr"):
            raise BadInput(f"invalid stream {stream!r}: expected stdin, stdout or stderr")
    if options.detach and options.attach:
        raise BadInput("-d and -a exclude each other")
    if options.cidfile is not None and os.path.exists(options.cidfile):
        raise BadInput(f"cidfile {options.cidfile!r} exists already", "remove it, or name another")
    if options.workdir is not None and not options.workdir.startswith("/"):
        raise BadInput(f"invalid working directory {options.workdir!r}: expected an absolute path")
    if options.platform is not None and options.platform not in _platforms():
        raise BadInput(f"platform {options.platform!r} cannot run here: expected {_platforms()[0]}")
    if options.pull == "always":
        raise BadInput("--pull always needs a registry, which this version cannot reach", "mydocker import makes an image from a tar")


def _check_names(options: Options) -> None:
    for what, name in (("hostname", options.hostname), ("domainname", options.domainname)):
        # The kernel's limit; and what /etc/hosts would read as more than one name.
        if name and (len(os.fsencode(name)) > 64 or any(c.isspace() or not c.isprintable() for c in name)):
            raise BadInput(f"invalid {what} {name!r}: expected up to 64 characters without spaces")


def _platforms() -> list[str]:
    machine = os.uname().machine
    names = {"x86_64": ["amd64", "x86_64"], "aarch64": ["arm64/v8", "arm64", "aarch64"]}.get(machine, [machine])
    return ["linux/" + name for name in names]


def _check_memory(options: Options) -> None:
    memory, swap, reservation = options.memory or 0, options.memory_swap, options.memory_reservation
    if memory and memory < _SMALLEST_MEMORY:
        raise BadInput(f"memory limit of {memory} bytes is too small: expected 6m or more")
    if 0 < (reservation or 0) < _SMALLEST_MEMORY:
        raise BadInput(f"memory reservation of {reservation} bytes is too small: expected 6m or more")
    if swap and swap > 0 and not memory:
        raise BadInput("--memory-swap needs a memory limit too (-m)")
    if swap is not None and 0 < swap < memory:
        raise BadInput(f"memory and swap together ({swap} bytes) are less than the memory limit ({memory} bytes)")
    if reservation and memory and reservation > memory:
        raise BadInput(f"memory reservation ({reservation} bytes) is above the memory limit ({memory} bytes)")


def _check_cpu(options: Options) -> None:
    if options.cpus and (options.cpu_quota or options.cpu_period):
        raise BadInput("--cpus excludes --cpu-quota and --cpu-period")
    if options.cpu_quota is not None and 0 < options.cpu_quota < 1000:
        raise BadInput(f"invalid cpu quota '{options.cpu_quota}': expected 1000 microseconds or more, or -1")
    if options.cpuset_cpus is not None:
        _check_online("CPUs", options.cpuset_cpus, "/sys/devices/system/cpu/online")
    if options.cpuset_mems is not None:
        _check_online("memory nodes", options.cpuset_mems, "/sys/devices/system/node/online")


def _check_online(what: str, asked: str, path: str) -> None:
    try:
        with open(path) as file:
            online = file.read().strip()
    except FileNotFoundError:
        return
    if not values.within(asked, online):
        raise BadInput(f"requested {what} are not available: expected some of {online}, not {asked!r}")


def _check_namespaces(options: Options) -> None:
    for flag, value, words in (
        ("pid", options.pid, ("", "host")),
        ("ipc", options.ipc, ("", "private", "shareable", "none", "host")),
        ("uts", options.uts, ("", "host")),
        ("network", options.network, ("none", "host")),
    ):
        if value not in words and not (value.startswith("container:") and len(value) > 10):
            expected = ", ".join(word for word in words if word)
            raise BadInput(f"invalid --{flag} {value!r}: expected {expected} or container:NAME")
    if options.uts and (options.hostname or options.domainname):
        raise BadInput(f"--uts {options.uts} excludes --hostname and --domainname: they are not its own")
    if options.network.startswith("container:") and options.hostname:
        raise BadInput(f"--network {options.network} excludes --hostname: it is that container's")


def _check_users(options: Options) -> None:
    """Check what a user namespace cannot go with: it has no power over namespaces that are the host's."""
    if options.userns in ("", "host"):
        return
    if options.userns != "auto":
        values.id_mapping(options.userns)
    if options.privileged:
        raise BadInput("--privileged and --userns exclude each other")
    for flag, value in (("pid", options.pid), ("network", options.network)):
        if value == "host":
            raise BadInput(f"--{flag} host and --userns {options.userns} exclude each other")


def _check_sysctls(options: Options) -> None:
    for key, _ in options.sysctl:
        if key.startswith("net.") and _stays_inside(key):
            own = options.network != "host"
        elif key in _SYSCTLS or (key.startswith("fs.mqueue.") and _stays_inside(key)):
            own = options.ipc != "host"
        else:
            raise BadInput(f"sysctl {key!r} belongs to no namespace: expected net.*, fs.mqueue.* or one of {', '.join(_SYSCTLS)}")
        if not own:
            raise BadInput(f"sysctl {key!r} would change the host's: its namespace is shared")


def _stays_inside(key: str) -> bool:
    # sysctl(8) writes a dot inside a name as a slash, so that '//' between two dots would be '..'.
    path = key.translate({ord("."): "/", ord("/"): "."})
    return not {"", ".", ".."} & set(path.split("/"))
