"""A container as docker's inspect shows it (Engine API, ContainerInspect)."""

from __future__ import annotations

from typing import Any

from mydocker.engine.connection import view
from mydocker.engine.monitor import health
from mydocker.engine.record import state
from mydocker.engine.record.sizes import WRITABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

_NEVER = "0001-01-01T00:00:00Z"


def inspect(paths: Paths, record: Record) -> dict[str, Any]:
    """Return docker's document about a container: what is true now, and what it was created with."""
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
        "RestartCount": record.get("restartCount", 0),
        "Driver": record["storageDriver"],
        "Platform": "linux",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": {**record["hostConfig"], "Binds": _binds(record)},
        "GraphDriver": {"Name": record["storageDriver"], "Data": _graph(paths, record)},
        "Mounts": [_mount(mount) for mount in record["mounts"]],
        "Config": record["config"],
        "NetworkSettings": view.settings(paths, record),
    }


def _state(paths: Paths, record: Record) -> dict[str, Any]:
    status = state.status(paths, record)
    pid = state.running_pid(paths, record["id"])
    return {
        "Status": status,
        "Running": bool(pid),
        "Paused": status == "paused",
        "Restarting": status == "restarting",
        "OOMKilled": record["oomKilled"],
        "Dead": False,
        "Pid": pid,
        "ExitCode": 0 if pid else record["exitCode"],
        "Error": record["error"],
        "StartedAt": record["startedAt"] or _NEVER,
        "FinishedAt": record["finishedAt"] or _NEVER,
        "Health": health.load(paths, record),
    }


def _binds(record: Record) -> list[str] | None:
    binds = [mount for mount in record["mounts"] if mount["type"] in ("bind", "volume") and not mount["anonymous"]]
    return [f"{mount.get('name') or mount['source']}:{mount['destination']}{'' if mount['rw'] else ':ro'}" for mount in binds] or None


def _graph(paths: Paths, record: Record) -> dict[str, str]:
    directory = paths.container(record["id"])
    layers = ":".join(f"{paths.layers}/{record['storageDriver']}/{layer}" for layer in record["layers"])
    upper = WRITABLE[record["storageDriver"]]
    data = {"LowerDir": layers, "UpperDir": f"{directory}/{upper}", "MergedDir": f"{directory}/bundle/rootfs"}
    return {**data, "WorkDir": f"{directory}/work"} if record["storageDriver"] == "overlay" else data


def _mount(mount: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": mount["type"],
        **({"Name": mount["name"], "Driver": "local"} if mount["type"] == "volume" else {}),
        "Source": mount["source"],
        "Destination": mount["destination"],
        "Mode": mount.get("mode", ""),
        "RW": mount["rw"],
        "Propagation": mount["propagation"] or ("rprivate" if mount["type"] == "bind" else ""),
    }
