"""Show a container as docker's inspect does (Engine API, ContainerInspect)."""

from __future__ import annotations

import os

from mydocker.engine.connection import links, view
from mydocker.engine.record import execs, health, state
from mydocker.engine.record.sizes import WRITABLE
from mydocker.engine.view.listing import sizes
from mydocker.engine.view.omitting import Omitting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NotRequired, TypedDict

    from mydocker.engine.record.containers import MountPoint, Record
    from mydocker.paths import Paths

    class ShownMount(TypedDict):
        """A mount point of a container. Only a volume has a Name and a Driver."""

        Type: str
        Name: NotRequired[str]
        Driver: NotRequired[str]
        Source: str
        Destination: str
        Mode: str
        RW: bool
        Propagation: str

    class GraphDriver(TypedDict):
        """Where a container's files are."""

        Name: str  # of the storage driver
        Data: dict[str, str]  # the directories, by docker's names

    class ContainerDocument(TypedDict):
        """What docker's inspect shows of a container."""

        Id: str
        Created: str
        Path: str
        Args: list[str]
        State: Omitting
        Image: str
        ResolvConfPath: str
        HostnamePath: str
        HostsPath: str
        LogPath: str
        Name: str
        RestartCount: int
        Driver: str
        Platform: str
        AppArmorProfile: str
        MountLabel: str
        ProcessLabel: str
        ExecIDs: list[str] | None
        HostConfig: Omitting  # a record's hostConfig, and what docker's has besides
        GraphDriver: GraphDriver
        Mounts: list[ShownMount]
        Config: Omitting
        NetworkSettings: Mapping[str, object]  # see connection/view.py
        SizeRw: NotRequired[int]  # bytes that the container has written
        SizeRootFs: NotRequired[int]  # and those with its image's layers


_NEVER = "0001-01-01T00:00:00Z"
# What docker's HostConfig has besides, with what stands there where nothing is asked for. All of it is for other systems, or refused here.
_NOT_HERE: dict[str, Any] = {
    "Cgroup": "",
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
}


def inspect(paths: Paths, record: Record, size: bool = False) -> ContainerDocument:
    """Return docker's document about a container. It says what is true now, and what the container was created with.

    size: whether to measure what it has written
    """
    document = _document(paths, record)
    if size:
        own, whole = sizes(paths, record)
        document |= {"SizeRw": own, "SizeRootFs": own if whole is None else whole}
    return document


def _document(paths: Paths, record: Record) -> ContainerDocument:
    directory = paths.container(record["id"])
    command = record["command"]
    return {
        "Id": record["id"],
        "Created": record["createTime"],
        "Path": command[0],
        "Args": command[1:],
        "State": _state(paths, record),
        "Image": f"sha256:{record['imageId']}",
        "ResolvConfPath": f"{directory}/resolv.conf",
        "HostnamePath": f"{directory}/hostname",
        "HostsPath": f"{directory}/hosts",
        "LogPath": f"{directory}/log.json" if record["hostConfig"]["LogConfig"]["Type"] == "json-file" else "",
        "Name": f"/{record['name']}",
        "RestartCount": record["restartCount"],
        "Driver": record["storageDriver"],
        "Platform": "linux",
        "AppArmorProfile": "",
        "MountLabel": "",
        "ProcessLabel": "",
        "ExecIDs": execs.of_container(paths, record["id"]) or None,
        "HostConfig": _host_config(paths, record),
        "GraphDriver": {"Name": record["storageDriver"], "Data": _graph(paths, record)},
        "Mounts": shown_mounts(record),
        "Config": _config(record),
        "NetworkSettings": view.settings(paths, record),
    }


def _state(paths: Paths, record: Record) -> Omitting:
    status = state.status(paths, record)
    if status == "exited" and record["status"] == "running":
        record = state.without_end(record)
    pid = state.running_pid(paths, record["id"])
    report = health.load(paths, record)
    shown = {
        "Status": status,
        # Whoever sees that it is over finds its exit status and all of its log, which its monitor writes after the last process.
        "Running": status in ("running", "paused", "restarting"),
        "Paused": status == "paused",
        "Restarting": status == "restarting",
        "OOMKilled": record["oomKilled"],
        "Dead": status == "dead",
        "Pid": pid,
        "ExitCode": 0 if pid else record["exitCode"],
        "Error": record["error"],
        "StartedAt": record["startedAt"] or _NEVER,
        "FinishedAt": record["finishedAt"] or _NEVER,
    }
    return Omitting({**shown, "Health": report}, "Health")


def _host_config(paths: Paths, record: Record) -> Omitting:
    config: dict[str, Any] = {**_NOT_HERE, **record["hostConfig"], "Binds": _binds(record), "Links": links.shown(paths, record)}
    config["Runtime"] = config.pop("RuntimeName") or config["Runtime"] or "mydocker"
    del config["CgroupPath"]  # not docker's
    return Omitting(config, "Init", "Sysctls", "Tmpfs")


def _config(record: Record) -> Omitting:
    config: dict[str, Any] = {**record["config"], "Env": record["config"]["Env"] or None, "OnBuild": None}
    config["Labels"] = dict(sorted(record["config"]["Labels"].items()))  # as Go writes a map
    return Omitting(config, "ExposedPorts", "StopSignal", "StopTimeout", "Healthcheck", "MacAddress")


def _binds(record: Record) -> list[str] | None:
    binds = [mount for mount in record["mounts"] if mount["type"] in ("bind", "volume") and not mount["anonymous"]]
    return [f"{mount['name'] or mount['source']}:{mount['destination']}{'' if mount['rw'] else ':ro'}" for mount in binds] or None


def _graph(paths: Paths, record: Record) -> dict[str, str]:
    directory = paths.container(record["id"])
    layers = ":".join(f"{paths.layers}/{record['storageDriver']}/{layer}" for layer in record["layers"])
    upper = WRITABLE[record["storageDriver"]]
    data = {"LowerDir": layers, "UpperDir": f"{directory}/{upper}", "MergedDir": f"{directory}/bundle/rootfs"}
    return {**data, "WorkDir": f"{directory}/work"} if record["storageDriver"] == "overlay" else data


def shown_mounts(record: Record) -> list[ShownMount]:
    """Return a container's mount points as docker shows them: those of --tmpfs stand in HostConfig alone."""
    elsewhere = {os.path.normpath(path) for path in record["hostConfig"]["Tmpfs"] or {}}
    return [_shown_mount(mount) for mount in record["mounts"] if mount["type"] != "tmpfs" or mount["destination"] not in elsewhere]


def _shown_mount(mount: MountPoint) -> ShownMount:
    shown: ShownMount = {
        "Type": mount["type"],
        "Source": mount["name"] if mount["type"] == "image" else mount["source"],
        "Destination": mount["destination"],
        "Mode": mount.get("mode", ""),
        "RW": mount["rw"],
        "Propagation": mount["propagation"] or ("rprivate" if mount["type"] == "bind" else ""),
    }
    return {**shown, "Name": mount["name"], "Driver": "local"} if mount["type"] == "volume" else shown
