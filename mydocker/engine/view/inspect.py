"""Show a container as docker's inspect does (Engine API, ContainerInspect)."""

from __future__ import annotations

from mydocker.engine.connection import view
from mydocker.engine.monitor import health
from mydocker.engine.record import state
from mydocker.engine.record.sizes import WRITABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NotRequired, TypedDict

    from mydocker.engine.record.config import Config
    from mydocker.engine.record.containers import MountPoint, Record
    from mydocker.engine.record.hostconfig import HostConfig
    from mydocker.paths import Paths

    class ShownState(TypedDict):
        """What is true of a container now, and how its last run ended. Times are RFC 3339 in UTC."""

        Status: str
        Running: bool
        Paused: bool
        Restarting: bool
        OOMKilled: bool
        Dead: bool
        Pid: int
        ExitCode: int
        Error: str
        StartedAt: str
        FinishedAt: str
        Health: health.Report | None

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

    class ShownHostConfig(HostConfig):
        """A record's hostConfig, and the mount points that docker calls binds."""

        Binds: list[str] | None  # 'SOURCE:DESTINATION', with ':ro' if read-only

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
        State: ShownState
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
        ExecIDs: None
        HostConfig: ShownHostConfig
        GraphDriver: GraphDriver
        Mounts: list[ShownMount]
        Config: Config
        NetworkSettings: Mapping[str, object]  # see connection/view.py
        SizeRw: NotRequired[int]  # bytes that the container has written


_NEVER = "0001-01-01T00:00:00Z"


def inspect(paths: Paths, record: Record) -> ContainerDocument:
    """Return docker's document about a container. It says what is true now, and what the container was created with."""
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
        "ExecIDs": None,
        "HostConfig": {**record["hostConfig"], "Binds": _binds(record)},
        "GraphDriver": {"Name": record["storageDriver"], "Data": _graph(paths, record)},
        "Mounts": [shown_mount(mount) for mount in record["mounts"]],
        "Config": record["config"],
        "NetworkSettings": view.settings(paths, record),
    }


def _state(paths: Paths, record: Record) -> ShownState:
    status = state.status(paths, record)
    if status == "exited" and record["status"] == "running":
        record = state.without_end(record)
    pid = state.running_pid(paths, record["id"])
    return {
        "Status": status,
        "Running": bool(pid),
        "Paused": status == "paused",
        "Restarting": status == "restarting",
        "OOMKilled": record["oomKilled"],
        "Dead": status == "dead",
        "Pid": pid,
        "ExitCode": 0 if pid else record["exitCode"],
        "Error": record["error"],
        "StartedAt": record["startedAt"] or _NEVER,
        "FinishedAt": record["finishedAt"] or _NEVER,
        "Health": health.load(paths, record),
    }


def _binds(record: Record) -> list[str] | None:
    binds = [mount for mount in record["mounts"] if mount["type"] in ("bind", "volume") and not mount["anonymous"]]
    return [f"{mount['name'] or mount['source']}:{mount['destination']}{'' if mount['rw'] else ':ro'}" for mount in binds] or None


def _graph(paths: Paths, record: Record) -> dict[str, str]:
    directory = paths.container(record["id"])
    layers = ":".join(f"{paths.layers}/{record['storageDriver']}/{layer}" for layer in record["layers"])
    upper = WRITABLE[record["storageDriver"]]
    data = {"LowerDir": layers, "UpperDir": f"{directory}/{upper}", "MergedDir": f"{directory}/bundle/rootfs"}
    return {**data, "WorkDir": f"{directory}/work"} if record["storageDriver"] == "overlay" else data


def shown_mount(mount: MountPoint) -> ShownMount:
    """Return a mount point as docker shows it."""
    shown: ShownMount = {
        "Type": mount["type"],
        "Source": mount["source"],
        "Destination": mount["destination"],
        "Mode": "",
        "RW": mount["rw"],
        "Propagation": mount["propagation"] or ("rprivate" if mount["type"] == "bind" else ""),
    }
    return {**shown, "Name": mount["name"], "Driver": "local"} if mount["type"] == "volume" else shown
