"""From options to a container record's `hostConfig`, which is drawn in engine/record/hostconfig.py."""

from __future__ import annotations

from mydocker.engine.request.options import Options
from mydocker.engine.request.ports import as_docker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.hostconfig import Confinement, HostConfig, Limits, Namespaces, RestartPolicy, Ulimit
    from mydocker.runtime.spec import Rlimit, Spec


def host_config(options: Options, spec: Spec, runtime: str) -> HostConfig:
    """Return the hostConfig of a new container.

    runtime: the path of another OCI runtime, '' for our own.
    """
    return {
        **_namespaces(options),
        **_limits(options),
        "MemorySwap": spec["linux"]["resources"].get("memory", {}).get("swap", 0),  # given, or twice the memory
        **_confinement(options, spec),
        "RestartPolicy": _restart(options),
        "LogConfig": {"Type": options.log_driver, "Config": options.log_opt},
        "Init": options.init,
        "Runtime": runtime,
        "CgroupParent": options.cgroup_parent or "",
        "CgroupPath": spec["linux"]["cgroupsPath"],
        "AutoRemove": options.remove,
        "ContainerIDFile": options.cidfile or "",
        "Ulimits": [_ulimit(limit) for limit in options.ulimit] or None,
        "ShmSize": _shm_size(spec),
        "ConsoleSize": [0, 0],
        **options.as_given,
        "VolumesFrom": [name if writable else f"{name}:ro" for name, writable in options.volumes_from] or None,
    }


def update(config: HostConfig, options: Options) -> None:
    """Change a container's hostConfig as the options of `update` say."""
    for name, value in _limits(options).items():
        if value:
            config[name] = value  # type: ignore[literal-required]  # every limit is a field of hostConfig
    if options.pids_limit is not None:
        config["PidsLimit"] = max(options.pids_limit, 0)
    if options.restart:
        config["RestartPolicy"] = _restart(options)


def _restart(options: Options) -> RestartPolicy:
    return {"Name": options.restart[0], "MaximumRetryCount": options.restart[1]}


def _namespaces(options: Options) -> Namespaces:
    return {
        "NetworkMode": options.network,
        "PortBindings": as_docker(options.publish),
        "PublishAllPorts": options.publish_all,
        "Dns": list(options.dns),
        "DnsSearch": list(options.dns_search),
        "DnsOptions": list(options.dns_option),
        "ExtraHosts": options.add_host or None,
        "PidMode": options.pid,
        "IpcMode": options.ipc or "private",
        "UTSMode": options.uts,
        "UsernsMode": options.userns,
        "CgroupnsMode": options.cgroupns,
    }


def _limits(options: Options) -> Limits:
    return {
        "Memory": options.memory or 0,
        "MemorySwap": options.memory_swap or 0,
        "MemoryReservation": options.memory_reservation or 0,
        "MemorySwappiness": options.memory_swappiness,
        "OomKillDisable": options.oom_kill_disable,
        "OomScoreAdj": options.oom_score_adj or 0,
        "NanoCpus": round((options.cpus or 0) * 10**9),
        "CpuShares": options.cpu_shares or 0,
        "CpuQuota": options.cpu_quota or 0,
        "CpuPeriod": options.cpu_period or 0,
        "CpusetCpus": options.cpuset_cpus or "",
        "CpusetMems": options.cpuset_mems or "",
        "PidsLimit": options.pids_limit if (options.pids_limit or 0) > 0 else None,
        "BlkioWeight": options.blkio_weight or 0,
    }


def _confinement(options: Options, spec: Spec) -> Confinement:
    security = {"seccomp": options.seccomp, "apparmor": options.apparmor}
    return {
        "Privileged": options.privileged,
        "ReadonlyRootfs": options.read_only,
        "CapAdd": list(options.cap_add) or None,
        "CapDrop": list(options.cap_drop) or None,
        "GroupAdd": list(options.group_add) or None,
        "SecurityOpt": [f"{key}={value}" for key, value in security.items() if value]
        + (["no-new-privileges"] if options.no_new_privileges else [])
        or None,
        "Sysctls": dict(options.sysctl) or None,
        "MaskedPaths": spec["linux"]["maskedPaths"],
        "ReadonlyPaths": spec["linux"]["readonlyPaths"],
    }


def _ulimit(limit: Rlimit) -> Ulimit:
    # For no limit, docker has -1, and OCI has the largest number.
    soft, hard = (-1 if value == 2**64 - 1 else value for value in (limit["soft"], limit["hard"]))
    return {"Name": limit["type"].removeprefix("RLIMIT_").lower(), "Soft": soft, "Hard": hard}


def _shm_size(spec: Spec) -> int:
    """Return the size of the container's /dev/shm in bytes, or 0 if it has none of its own."""
    words = [word for mount in spec["mounts"] if mount["source"] == "shm" for word in mount["options"]]
    return next((int(word.removeprefix("size=")) for word in words if word.startswith("size=")), 0)
