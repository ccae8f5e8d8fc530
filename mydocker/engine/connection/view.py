"""A container's networks and ports, as `docker inspect` and `docker ps` show them."""

from __future__ import annotations

from mydocker.engine.record import state
from mydocker.engine.request.endpoints import IFNAME
from mydocker.errors import Damaged, NotFound
from mydocker.network import attachments, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.record.containers import Record, WantedEndpoint
    from mydocker.network.attachments import Address, Attachment, Endpoint, Published
    from mydocker.paths import Paths

    # A part of what `docker inspect` prints. The Engine API says what is in it. We only make it, for JSON and for templates.
    DockerDocument = dict[str, Any]

# What docker's NetworkSettings has besides, and what always stands there here.
_NOT_HERE: DockerDocument = {
    "HairpinMode": False,
    "LinkLocalIPv6Address": "",
    "LinkLocalIPv6PrefixLen": 0,
    "SecondaryIPAddresses": None,
    "SecondaryIPv6Addresses": None,
}

# Docker's NetworkSettings.Ports (Engine API, PortMap): {'80/tcp': [{HostIp, HostPort}]}. A port that is only exposed has None.
Ports = dict[str, list[dict[str, str]] | None]


def settings(paths: Paths, record: Record) -> DockerDocument:
    """Return docker's NetworkSettings (Engine API, ContainerInspect)."""
    pid = state.running_pid(paths, record["id"])
    attachment = attachments.load(paths, record["id"]) if pid else None
    found = networks(paths, record, attachment)
    default = found.get(records.DEFAULT, {})
    return {
        "Bridge": "",
        **_NOT_HERE,
        "SandboxID": record["id"] if pid else "",
        "SandboxKey": f"/proc/{pid}/ns/net" if pid else "",
        "Ports": ports(record, attachment["published"]) if attachment else {},
        **{key: default.get(key, "") for key in ("EndpointID", "Gateway", "IPAddress", "IPv6Gateway", "GlobalIPv6Address", "MacAddress")},
        **{key: default.get(key, 0) for key in ("IPPrefixLen", "GlobalIPv6PrefixLen")},
        "Networks": found,
    }


def networks(paths: Paths, record: Record, attachment: Attachment | None) -> dict[str, DockerDocument]:
    """Return docker's EndpointSettings of each network of a container. attachment: None if the container does not run."""
    plugged = {each["network"]: each for each in attachment["endpoints"]} if attachment else {}
    mode = record["hostConfig"]["NetworkMode"]
    wanted = record["endpoints"] or ({mode: _NOTHING} if mode in records.MODES else {})
    return {name: _endpoint(paths, name, wanted[name], plugged.get(name)) for name in wanted}


_NOTHING: WantedEndpoint = {"ip": "", "ip6": "", "mac": "", "aliases": []}


def _endpoint(paths: Paths, name: str, wanted: WantedEndpoint, endpoint: Endpoint | None) -> DockerDocument:
    """Return docker's EndpointSettings. endpoint: None if the container does not run."""
    asked: DockerDocument = {"IPv4Address": wanted["ip"], "IPv6Address": wanted["ip6"], "LinkLocalIPs": wanted.get("linkLocal")}
    asked = {key: value for key, value in asked.items() if value}
    addresses = endpoint["addresses"] if endpoint else []
    empty: Address = {"address": "", "prefix": 0, "gateway": ""}
    four = next((each for each in addresses if "." in each["address"]), empty)
    six = next((each for each in addresses if ":" in each["address"]), empty)
    return {
        "IPAMConfig": asked or None,
        "Links": (wanted.get("links") or None) if name != records.DEFAULT else None,  # there they are HostConfig's
        "Aliases": wanted["aliases"] or None,
        "NetworkID": _network_id(paths, name),
        "EndpointID": attachments.endpoint_id(endpoint) if endpoint else "",
        "Gateway": four["gateway"],
        "IPAddress": four["address"],
        "IPPrefixLen": four["prefix"],
        "IPv6Gateway": six["gateway"],
        "GlobalIPv6Address": six["address"],
        "GlobalIPv6PrefixLen": six["prefix"],
        "MacAddress": endpoint["mac"] if endpoint else wanted["mac"],
        "DriverOpts": {**_interface(wanted), **wanted.get("driverOptions", {})} or None,
        "GwPriority": wanted.get("gwPriority", 0),
    }


def _interface(wanted: WantedEndpoint) -> dict[str, str]:
    return {IFNAME: wanted["interface"]} if wanted.get("interface") else {}


def _network_id(paths: Paths, name: str) -> str:
    if name in records.MODES:
        from mydocker.network.default import fixed_id

        return fixed_id(paths, name)
    try:
        return records.load(paths, name)["id"]
    except (NotFound, Damaged):
        return ""


def ports(record: Record, published: list[Published]) -> Ports:
    """Return where each port of a running container is published. A port that is only exposed has None."""
    found: Ports = dict.fromkeys(record["config"]["ExposedPorts"] or {})
    for each in published:
        key = f"{each['container']}/{each['protocol']}"
        family = "::" if ":" in each["address"] else "0.0.0.0"
        found[key] = [*(found.get(key) or []), {"HostIp": each["ip"] or family, "HostPort": str(each["port"])}]
    return found


def current(paths: Paths, record: Record) -> Ports:
    """Return the ports of a container as they are now. There are none unless it runs."""
    return of_running(paths, record) if state.running_pid(paths, record["id"]) else {}


def of_running(paths: Paths, record: Record) -> Ports:
    """Return the ports of a container that runs."""
    if record["endpoints"] and not record["ports"]:
        return ports(record, [])  # A list of many containers need not read where none is published.
    attachment = attachments.load(paths, record["id"])
    return ports(record, attachment["published"]) if attachment else {}


def published(ports: Ports) -> list[str]:
    """Return the ports of the host that lead to a container, as docker names ports: '8080/tcp'."""
    return [f"{binding['HostPort']}/{name.partition('/')[2]}" for name, bindings in ports.items() for binding in bindings or []]


def column(ports: Ports) -> str:
    """Return what ps shows, such as '0.0.0.0:8080->80/tcp, 443/tcp'. Consecutive ports are shown as one range."""
    lines = []
    for (ip, protocol, _), group in _rows(ports).items():
        for first, last, outside in _ranges(sorted(group)):
            inside = str(first) if first == last else f"{first}-{last}"
            host = f"{_bracketed(ip)}:{outside}{'' if first == last else f'-{outside + last - first}'}->" if outside else ""
            lines.append((first, f"{host}{inside}/{protocol}"))
    return ", ".join(line for _, line in sorted(lines, key=lambda each: each[0]))


def _rows(ports: Ports) -> dict[tuple[str, str, int], list[tuple[int, int]]]:
    """Return {(host address, protocol, host port - port): [(port, host port or 0)]}."""
    rows: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    for key, bindings in ports.items():
        text, _, protocol = key.partition("/")
        for ip, outside in [(each["HostIp"], int(each["HostPort"])) for each in bindings or []] or [("", 0)]:
            distance = outside - int(text) if outside else 0
            rows.setdefault((ip, protocol, distance), []).append((int(text), outside))
    return rows


def _ranges(group: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return (first, last, host port of the first) for each range of consecutive ports."""
    found: list[tuple[int, int, int]] = []
    for port, outside in group:
        if found and found[-1][1] == port - 1:
            found[-1] = (found[-1][0], port, found[-1][2])
        else:
            found.append((port, port, outside))
    return found


def _bracketed(ip: str) -> str:
    return f"[{ip}]" if ":" in ip and ip != "::" else ip
