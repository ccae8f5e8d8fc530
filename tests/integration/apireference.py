"""What the Engine API says of a small life of a container, as types and events, from any daemon: dockerd's own is recorded.

`shapes` and `events` ask a daemon through a function ask(method, path, body) that returns a status and a document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parents[1] / "data/reference/api.json"

Ask = Callable[[str, str, Any], tuple[int, Any]]

CONTAINER = {
    "Image": "busybox:latest",
    "Cmd": ["sleep", "1000"],
    "Env": ["A=b"],
    "Labels": {"x": "y"},
    "ExposedPorts": {"80/tcp": {}},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 10**9},
    "HostConfig": {
        "Binds": ["thevolume:/v"],
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        "NetworkMode": "thenet",
    },
    "NetworkingConfig": {"EndpointsConfig": {"thenet": {"Aliases": ["other"]}}},
}
# What is looked at while the container runs.
LOOKS = (
    "/containers/json",
    "/containers/thebox/json",
    "/containers/thebox/top",
    "/containers/thebox/changes",
    "/containers/thebox/stats?stream=0&one-shot=1",
    "/images/json",
    "/images/busybox:latest/json",
    "/images/busybox:latest/history",
    "/networks",
    "/networks/thenet",
    "/volumes",
    "/volumes/thevolume",
    "/version",
)
# Fields whose names are chosen by users, or differ from one machine to the next.
_FREE = ("Labels", "Options", "Containers", "Ports", "Networks", "ExposedPorts", "Volumes", "PortBindings", "Sysctls", "networks")
# Of a certain kernel, storage driver or logging, or of what docker has dropped since.
_LEFT_OUT = (
    "memory_stats.stats",
    "blkio_stats",
    "GraphDriver.Data",
    "percpu_usage",
    "KernelMemory",
    "max_usage",
    "Components",
    "Config.MacAddress",
    "Container",
)


def made(ask: Ask) -> None:
    """Make the container with its network and volume, and start it."""
    for path, body in (("/networks/create", {"Name": "thenet"}), ("/volumes/create", {"Name": "thevolume"})):
        assert ask("POST", path, body)[0] == 201
    status, document = ask("POST", "/containers/create?name=thebox", CONTAINER)
    assert status == 201, document
    assert ask("POST", "/containers/thebox/start", None)[0] == 204


def removed(ask: Ask) -> None:
    """Remove all that made() made."""
    for path in ("/containers/thebox?force=1", "/containers/newname?force=1", "/volumes/thevolume", "/networks/thenet", "/images/its:1"):
        ask("DELETE", path, None)


def shapes(ask: Ask) -> dict[str, dict[str, str]]:
    """Return {path: {field: type}} of what is answered while the container runs."""
    made(ask)
    try:
        return {path: dict(sorted(_types(_answer(ask, path)))) for path in LOOKS}
    finally:
        removed(ask)


def _answer(ask: Ask, path: str) -> Any:
    status, document = ask("GET", path, None)
    assert status == 200, (path, document)
    return document


def _types(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field's path and type. All elements of a list, and all values of a map of users' names, count as one."""
    if any(word in name for word in _LEFT_OUT):
        return
    if isinstance(value, dict) and value:
        is_free = name.rpartition(".")[2].removesuffix("[]") in _FREE
        for key, each in list(value.items())[: 1 if is_free else None]:
            yield from _types(each, f"{name}.{'*' if is_free else key}".lstrip("."))
    elif isinstance(value, list) and value:
        yield from _types(value[0], f"{name}[]")
    else:
        yield name, "null" if value is None else "number" if isinstance(value, float) else _form(value)


# What texts look like that clients read: a name where an id should be is a defect, and so is a time of another form.
FORMS = {
    "digest": "sha256:[0-9a-f]{64}",
    "id": "[0-9a-f]{64}",
    "no time": "0001-01-01T00:00:00Z",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "mac": "([0-9a-f]{2}:){5}[0-9a-f]{2}",
    "address": r"\d+\.\d+\.\d+\.\d+(/\d+)?",
    "digits": r"\d+",
    "path": "/.*",
    "empty": "",
}


def _form(value: Any) -> str:
    """Return the type of a value, of a text with its form where it has one that clients look for."""
    form = next((name for name, pattern in FORMS.items() if re.fullmatch(pattern, value)), "") if isinstance(value, str) else ""
    return f"str, {form}" if form else type(value).__name__


def life(ask: Ask) -> None:
    """Let the container live, and end it."""
    made(ask)
    status, document = ask("POST", "/containers/thebox/exec", {"Cmd": ["true"], "AttachStdout": True})
    assert status == 201
    ask("POST", f"/exec/{document['Id']}/start", {"Detach": False})
    for path in ("pause", "unpause", "restart?t=0", "rename?name=newname"):
        assert ask("POST", f"/containers/thebox/{path}", None)[0] == 204
    assert ask("POST", "/commit?container=newname&repo=its&tag=1", {})[0] == 201
    assert ask("POST", "/containers/newname/kill?signal=KILL", None)[0] == 204
    assert ask("POST", "/containers/newname/wait", None)[0] == 200
    removed(ask)


def events(ask: Ask, since: int, until: int) -> list[list[Any]]:
    """Return [type, action, names of attributes] of what happened, sorted, each once. Health checks come as often as they like."""
    text = ask("GET", f"/events?since={since}&until={until}", None)[1]
    found = [json.loads(line) for line in text.splitlines()] if isinstance(text, str) else [text]
    told = {(each["Type"], each["Action"].partition(":")[0], tuple(sorted(each["Actor"]["Attributes"]))) for each in found}
    return [[kind, action, list(names)] for kind, action, names in sorted(told)]
