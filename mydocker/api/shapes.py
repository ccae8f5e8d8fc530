"""Containers in docker's shapes: what differs between the command line's documents and the API's, by version."""

from __future__ import annotations

from mydocker.engine.connection import view
from mydocker.engine.record.moments import nanoseconds
from mydocker.engine.view import inspect, listing
from mydocker.errors import Damaged
from mydocker.network import attachments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.record.containers import Record
    from mydocker.engine.view.listing import Listed
    from mydocker.network.attachments import Attachment
    from mydocker.paths import Paths


def summary(paths: Paths, each: Listed, size: bool, version: tuple[int, int]) -> dict[str, Any]:
    """Return a container as the list shows it. size: whether to measure what it has written"""
    record = each.record
    attachment = _attachment(paths, each)
    networks = {name: _endpoint(shown, version) for name, shown in view.networks(paths, record, attachment).items()}
    shown = {
        "Id": record["id"],
        "Names": [f"/{record['name']}"],
        "Image": record["image"],
        "ImageID": f"sha256:{record['imageId']}",
        "Command": " ".join(f"'{word}'" if " " in word else word for word in record["command"]),
        "Created": nanoseconds(record["createTime"]) // 10**9 if record["createTime"] else 0,
        "Ports": _ports(view.ports(record, attachment["published"]) if attachment else {}),
        "Labels": record["config"]["Labels"],
        "State": each.status,
        "Status": listing.status_text(each),
        "HostConfig": {"NetworkMode": _mode(record, version)},
        "NetworkSettings": {"Networks": networks},
        "Mounts": inspect.shown_mounts(record),
    }
    return {**shown, **_sizes(paths, record)} if size else shown


def _attachment(paths: Paths, each: Listed) -> Attachment | None:
    """Return what a container that runs is attached to. It is read once for a line of the list."""
    try:
        return attachments.load(paths, each.record["id"]) if each.status in ("running", "paused") else None
    except Damaged:
        return None


def _mode(record: Record, version: tuple[int, int]) -> str:
    """Return the network mode as docker names it: before API 1.45 the default one had a name of its own."""
    mode = record["hostConfig"]["NetworkMode"]
    return "default" if mode == "bridge" and version < (1, 45) else mode


def _ports(ports: view.Ports) -> list[dict[str, Any]]:
    """Return docker's list of ports: each published address, and each port that is only exposed."""
    found: list[dict[str, Any]] = []
    for name, bindings in ports.items():
        port, _, kind = name.partition("/")
        each = {"PrivatePort": int(port), "Type": kind}
        found += [{"IP": b["HostIp"], **each, "PublicPort": int(b["HostPort"])} for b in bindings or []] or [each]
    return found


def _sizes(paths: Paths, record: Record) -> dict[str, int]:
    own, whole = listing.sizes(paths, record)
    return {"SizeRw": own, "SizeRootFs": own if whole is None else whole}


def container(paths: Paths, record: Record, size: bool, version: tuple[int, int]) -> dict[str, Any]:
    """Return all about a container. size: whether to measure what it has written"""
    document: dict[str, Any] = {**inspect.inspect(paths, record, size)}
    document["HostConfig"]["NetworkMode"] = _mode(record, version)
    if version >= (1, 44):
        document["Config"].pop("MacAddress", None)
    networks = document["NetworkSettings"]["Networks"]
    document["NetworkSettings"]["Networks"] = {name: _endpoint(endpoint, version) for name, endpoint in networks.items()}
    return document


def _endpoint(shown: dict[str, Any], version: tuple[int, int]) -> dict[str, Any]:
    return {**shown, "DNSNames": shown["Aliases"]} if version >= (1, 44) else shown
