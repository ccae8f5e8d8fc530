"""From flags to options. First each value is parsed, then all are checked together, before anything happens."""

from __future__ import annotations

import os

from mydocker.engine.request import asgiven, cdi, checks, devices, endpoints, mounts, ports, settings, values
from mydocker.engine.request.options import Options
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mydocker.engine.record.hostconfig import DeviceRequest
    from mydocker.engine.request.options import Flags

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
    "restart": values.restart,
    "ulimit": values.ulimit,
    "blkio_weight_device": devices.device_weight,
    "device_read_bps": lambda text: devices.device_rate(text, True),
    "device_write_bps": lambda text: devices.device_rate(text, True),
    "device_read_iops": lambda text: devices.device_rate(text, False),
    "device_write_iops": lambda text: devices.device_rate(text, False),
    "device": devices.devices,
    "device_cgroup_rule": devices.device_rule,
    "volume": mounts.from_volume,
    "mount": mounts.from_mount,
    "tmpfs": mounts.from_tmpfs,
    "sysctl": values.setting,
    "publish": ports.parse,
    "expose": ports.exposed,
    "add_host": endpoints.extra_host,
    "annotation": values.pair,
}


def parse(flags: Flags) -> Options:
    """Return the options that click's parameters mean. Raises BadInput for what is wrong with any image."""
    requests = [*_described(flags["device"]), *map(cdi.gpus, flags["gpus"])]
    flags = {**flags, "device": tuple(text for text in flags["device"] if not cdi.is_name(text))}
    given = parse_values({name: value for name, value in flags.items() if name != "gpus"})
    given["edits"] = cdi.edits(name for request in requests for name in cdi.names_of(request))
    given |= {"detach": given.get("detach", False), "remove": given.get("remove", False), "attach": given.get("attach", ())}
    words = given.pop("words")
    if not words:
        raise BadInput("an IMAGE is required", "mydocker run --help shows how")
    if words[0].startswith("/"):
        raise BadInput(f"invalid image {words[0]!r}: a path is a command", f"the image comes first: mydocker run busybox {words[0]}")
    given |= {"image": words[0], "command": list(words[1:]), "name": given["name"] or None}
    given["attach"] = tuple(stream.lower() for stream in given["attach"])
    given["env"] = settings.environment(given["env"], given.pop("env_file"))
    given["labels"] = settings.labels(given.pop("label"), given.pop("label_file"))
    given["log_opt"] = settings.log_options(given["log_opt"], given["log_driver"])
    given["healthcheck"] = settings.healthcheck(given)
    given["mounts"] = mounts.unique([*given.pop("volume"), *given.pop("mount"), *given.pop("tmpfs")])
    given["volumes_from"] = [volumes_from(text) for text in given["volumes_from"]]
    given["ulimit"] = list({limit["type"]: limit for limit in given["ulimit"]}.values())
    given |= security(given.pop("security_opt"))
    given |= {name: given[name] or "" for name in ("pid", "ipc", "uts", "userns")}
    given |= endpoints.parse(given)
    given["as_given"] = {**asgiven.from_flags(flags), "DeviceRequests": requests or None}
    given["entrypoint"] = None if given["entrypoint"] is None else [given["entrypoint"]] if given["entrypoint"] else []
    return checked(Options(given))


def _described(texts: tuple[str, ...]) -> list[DeviceRequest]:
    """Return docker's DeviceRequest for the devices that CDI specifications describe."""
    names = list(filter(cdi.is_name, texts))
    return [{"Driver": "cdi", "Count": 0, "DeviceIDs": names, "Capabilities": None, "Options": None}] if names else []


def checked(options: Options) -> Options:
    """Return options that may stand together. Raises BadInput for the first rule that they break."""
    checks.check(options)
    if options.network == "host" and not options.uts:
        options.hostname = options.hostname or os.uname().nodename
    return options


def parse_values(flags: Flags) -> Flags:
    """Return each flag's value, parsed by itself. The value of a flag that was not given is None."""
    return {name: _parsed(name, value) for name, value in flags.items()}


def _parsed(name: str, value: Any) -> Any:
    parser = _PARSERS.get(name)
    if parser is None or value is None:
        return value
    return [parser(text) for text in value] if isinstance(value, tuple) else parser(value)


def volumes_from(text: str) -> tuple[str, bool]:
    """Return the container and whether its volumes are writable that CONTAINER[:ro|rw] means."""
    name, _, mode = text.partition(":")
    if not name or mode not in ("", "ro", "rw"):
        raise BadInput(f"invalid volumes-from {text!r}: expected CONTAINER[:ro|rw]")
    return name, mode != "ro"


def security(texts: Sequence[str]) -> Flags:
    """Return the options that --security-opt sets. Raises BadInput."""
    result: Flags = {"seccomp": "", "apparmor": "", "no_new_privileges": False, "masked": None, "read_only_paths": None}
    for text in texts:
        key, _, value = text.replace(":", "=", 1).partition("=") if "=" not in text else text.partition("=")
        if key in ("seccomp", "apparmor") and value:
            result[key] = value
        elif key == "no-new-privileges" and value in ("", "true", "false"):
            result["no_new_privileges"] = value != "false"
        elif key == "systempaths" and value == "unconfined":
            result["masked"] = result["read_only_paths"] = []
        elif key == "label" and value == "disable":
            continue  # so it is everywhere: SELinux labels are given to no container
        else:
            expected = "seccomp=FILE|unconfined, apparmor=PROFILE, no-new-privileges, systempaths=unconfined or label=disable"
            raise BadInput(f"invalid security option {text!r}: expected {expected}")
    return result
