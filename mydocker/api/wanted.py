"""From the body of `create` to the options of a container (engine/request/options.py): docker's ContainerConfig and HostConfig.

Each value is parsed by the parser of its flag, where the two write it alike. What mydocker cannot do is refused, unless nothing is asked.
"""

from __future__ import annotations

from mydocker.api import attachments, limits
from mydocker.api.call import field, mapping, texts
from mydocker.engine.request import asgiven, cdi, devices, flags, mounts, values
from mydocker.engine.request.endpoints import extra_host
from mydocker.engine.request.options import Options
from mydocker.engine.request.settings import LOG_DRIVERS, log_options
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mydocker.engine.record.config import Healthcheck
    from mydocker.engine.record.containers import MountPoint
    from mydocker.engine.request.options import Flags

# What is refused if it asks for anything: {field: what may stand there}.
_NOTHING_ELSE: dict[str, tuple[Any, ...]] = {
    "Cgroup": ("",),
    "Isolation": ("", "default"),
    "CpuRealtimePeriod": (0,),
    "CpuRealtimeRuntime": (0,),
    "CpuCount": (0,),
    "CpuPercent": (0,),
    "IOMaximumIOps": (0,),
    "IOMaximumBandwidth": (0,),
    "StorageOpt": ({},),
}
# Runtimes that docker's clients name, and that mean the usual one.
_USUAL_RUNTIMES = ("", "mydocker", "runc", "io.containerd.runc.v2")


def options(config: dict[str, Any], name: str, platform: str) -> Options:
    """Return the options of a container. Raises BadInput for what is wrong with any image.

    config: the body of the request, with its HostConfig and NetworkingConfig
    """
    host = field(config, "HostConfig", dict, {})
    for key, allowed in _NOTHING_ELSE.items():
        if host.get(key) is not None and host[key] not in allowed:
            raise BadInput(f"{key} is not supported: {host[key]!r}")
    image = field(config, "Image", str, "")
    if not image:
        raise BadInput("invalid Image '': expected the name of an image")
    given: Flags = {
        "name": name or None,
        "image": image,
        "platform": platform or None,
        **_usual(),
        **_process(config),
        **limits.limits(host),
        **_life(config, host),
        **_files(config, host),
        **_confinement(config, host),
        **attachments.attached(config, host),
    }
    given["restart"] = given["restart"] or ("no", 0)
    return flags.checked(Options(given))


def _usual() -> Flags:
    """Return what only a command line asks for."""
    asked = {"attach": (), "detach_keys": b"", "sig_proxy": False, "cidfile": None, "pull": "never", "quiet": True, "storage_driver": None}
    return asked


def _process(config: dict[str, Any]) -> Flags:
    return {
        "command": _words(config, "Cmd"),
        "entrypoint": _words(config, "Entrypoint") if config.get("Entrypoint") is not None else None,
        "tty": field(config, "Tty", bool, False),
        "interactive": field(config, "OpenStdin", bool, False),
        "detach": not any(field(config, f"Attach{stream}", bool, False) for stream in ("Stdin", "Stdout", "Stderr")),
        "env": [_variable(text) for text in texts(config, "Env")],
        "workdir": field(config, "WorkingDir", str, "") or None,
        "user": field(config, "User", str, "") or None,
        "hostname": field(config, "Hostname", str, "") or None,
        "domainname": field(config, "Domainname", str, "") or None,
        "labels": mapping(config, "Labels"),
        "healthcheck": _healthcheck(field(config, "Healthcheck", dict, {})),
        "stop_signal": values.signal(config["StopSignal"]) if field(config, "StopSignal", str, "") else None,
        "stop_timeout": field(config, "StopTimeout", int, None),
    }


def _words(config: dict[str, Any], name: str) -> list[str]:
    """Return a command, which may also be one text. An entrypoint [''] is none."""
    if isinstance(config.get(name), str):
        return [config[name]] if config[name] else []
    found = texts(config, name)
    return [] if found == [""] else found


def _variable(text: str) -> str:
    if not text.partition("=")[0] or "\0" in text:
        raise BadInput(f"invalid environment variable: {text}")
    return text


def _healthcheck(given: dict[str, Any]) -> Healthcheck:
    """Return docker's Healthcheck, without what is not set. Raises BadInput."""
    test = texts(given, "Test")
    if test and test[0] not in ("NONE", "CMD", "CMD-SHELL"):
        raise BadInput(f"invalid Healthcheck test {test[0]!r}: expected NONE, CMD or CMD-SHELL first")
    found: Healthcheck = {"Test": test} if test else {}
    for key in ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"):
        value = field(given, key, int, 0)
        if key == "Retries" and value < 0:
            raise BadInput(f"Retries in Healthcheck cannot be negative: {value}")
        if value < 0 or (key != "Retries" and 0 < value < 10**6):
            raise BadInput(f"{key} in Healthcheck cannot be less than 1ms: {value} ns")
        if value:
            found[key] = value
    return found


def _life(config: dict[str, Any], host: dict[str, Any]) -> Flags:
    log = field(host, "LogConfig", dict, {})
    driver, runtime = field(log, "Type", str, "") or "json-file", asked_runtime(config)
    if driver not in LOG_DRIVERS:
        raise BadInput(f"logger: no log driver named '{driver}' is registered")
    settings = tuple(f"{key}={value}" for key, value in mapping(log, "Config").items())
    return {
        "remove": field(host, "AutoRemove", bool, False),
        "init": field(host, "Init", bool, False),
        "runtime": None if runtime in _USUAL_RUNTIMES else runtime,
        "log_driver": driver,
        "log_opt": log_options(settings, driver),
        "cgroup_parent": field(host, "CgroupParent", str, "") or None,
        "cgroupns": _one_of(host, "CgroupnsMode", ("private", "host")),
        "annotation": list(mapping(host, "Annotations").items()),
    }


def asked_runtime(config: dict[str, Any]) -> str:
    """Return the name of the runtime that is asked for. docker-py has it outside of HostConfig."""
    name: str = field(field(config, "HostConfig", dict, {}), "Runtime", str, "") or field(config, "Runtime", str, "")
    return name


def _one_of(host: dict[str, Any], name: str, words: tuple[str, ...]) -> str:
    """Return a word, the first one where none is given. Raises BadInput for another."""
    found: str = field(host, name, str, "") or words[0]
    if found not in words:
        raise BadInput(f"invalid {name} {found!r}: expected {' or '.join(words)}")
    return found


def _files(config: dict[str, Any], host: dict[str, Any]) -> Flags:
    binds = [_bind(text) for text in texts(host, "Binds")]
    asked = [attachments.mount_point(each) for each in _objects(host, "Mounts")]
    tmpfs = [mounts.from_tmpfs(f"{path}:{words}" if words else path) for path, words in mapping(host, "Tmpfs").items()]
    known = {point["destination"] for point in (*binds, *asked, *tmpfs)}
    given = asgiven.from_document({name: field(host, name, (list, dict, str), None) for name in asgiven.NOTHING}, asked_runtime(config))
    anonymous = [point for path in field(config, "Volumes", dict, {}) if (point := mounts.from_volume(path))["destination"] not in known]
    return {
        "mounts": mounts.unique([*binds, *asked, *tmpfs, *anonymous]),
        "volumes_from": [flags.volumes_from(text) for text in texts(host, "VolumesFrom")],
        "read_only": field(host, "ReadonlyRootfs", bool, False),
        "device": [_device(each) for each in _objects(host, "Devices")],
        "device_cgroup_rule": [devices.device_rule(text) for text in texts(host, "DeviceCgroupRules")],
        "edits": cdi.edits(name for request in given["DeviceRequests"] or [] for name in cdi.names_of(request)),
        "as_given": given,
        "blkio_weight_device": [devices.device_weight(_pair(each, "Weight")) for each in _objects(host, "BlkioWeightDevice")],
        **{option: _rates(host, name, "bps" in option) for name, option in _RATES.items()},
    }


_RATES = {
    "BlkioDeviceReadBps": "device_read_bps",
    "BlkioDeviceWriteBps": "device_write_bps",
    "BlkioDeviceReadIOps": "device_read_iops",
    "BlkioDeviceWriteIOps": "device_write_iops",
}


def _rates(host: dict[str, Any], name: str, is_size: bool) -> list[Any]:
    return [devices.device_rate(_pair(each, "Rate"), is_size) for each in _objects(host, name)]


def _pair(each: dict[str, Any], name: str) -> str:
    return f"{field(each, 'Path', str, '')}:{field(each, name, int, 0)}"


def _objects(host: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = field(host, name, list, [])
    if not all(isinstance(each, dict) for each in found):
        raise BadInput(f"invalid {name}: expected a list of objects")
    return found


def _bind(text: str) -> MountPoint:
    if text.startswith("."):  # the client's directory is not ours
        raise BadInput(f"invalid volume specification {text!r}: a host path has to be absolute")
    return mounts.from_volume(text)


def _device(each: dict[str, Any]) -> Any:
    host, inside, access = (field(each, key, str, "") for key in ("PathOnHost", "PathInContainer", "CgroupPermissions"))
    return devices.devices(":".join((host, inside or host, access or "rwm")))


def _system_path(path: str) -> str:
    if not path.startswith("/"):
        raise BadInput(f"invalid path {path!r} in MaskedPaths or ReadonlyPaths: expected an absolute path")
    return path


def _confinement(config: dict[str, Any], host: dict[str, Any]) -> Flags:
    parts = {name: _each(texts(host, key), check) for name, (key, check) in _TEXTS.items()}
    ulimits = [values.ulimit(f"{u['Name']}={u['Soft']}:{u['Hard']}") for u in map(_ulimit, _objects(host, "Ulimits"))]
    security = flags.security(texts(host, "SecurityOpt"))
    # The client of `--security-opt systempaths=unconfined` sends two empty lists.
    for option, key in (("masked", "MaskedPaths"), ("read_only_paths", "ReadonlyPaths")):
        if field(host, key, list, None) is not None:
            security[option] = list(_each(texts(host, key), _system_path))
    return {
        **security,
        **parts,
        "ulimit": list({limit["type"]: limit for limit in ulimits}.values()),
        "privileged": field(host, "Privileged", bool, False),
        "sysctl": list(mapping(host, "Sysctls").items()),
        **{key: field(host, name, str, "") for key, name in _MODES.items()},
    }


_MODES = {"pid": "PidMode", "ipc": "IpcMode", "uts": "UTSMode", "userns": "UsernsMode"}
_TEXTS: dict[str, tuple[str, Callable[[str], str] | None]] = {
    "cap_add": ("CapAdd", None),
    "cap_drop": ("CapDrop", None),
    "group_add": ("GroupAdd", None),
    "dns": ("Dns", None),
    "dns_search": ("DnsSearch", None),
    "dns_option": ("DnsOptions", None),
    "add_host": ("ExtraHosts", extra_host),
}


def _each(found: list[str], check: Callable[[str], str] | None) -> Any:
    return [check(text) for text in found] if check else tuple(found)


def _ulimit(each: dict[str, Any]) -> dict[str, Any]:
    return {"Name": field(each, "Name", str, ""), "Soft": field(each, "Soft", int, 0), "Hard": field(each, "Hard", int, 0)}
