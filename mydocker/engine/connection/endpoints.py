"""Decisions about endpoints: what a container gets on one network, and where its published ports lead. plug.py carries them out."""

from __future__ import annotations

import os

from mydocker.errors import BadInput, Conflict
from mydocker.network.addresses import parse
from mydocker.network.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Binding, Record, WantedEndpoint
    from mydocker.network.attachments import Address, Attachment, Endpoint, Published
    from mydocker.network.ipam import Pool
    from mydocker.network.records import Network
    from mydocker.paths import Paths


def address_on(network: Network, pool: Pool, address: str) -> Address:
    """Return an address in the form that an endpoint has, with its gateway."""
    gateway = "" if network["internal"] else pool.gateway_text
    return {"address": address, "prefix": pool.subnet.prefix, "gateway": gateway}


def make_endpoint(
    container_id: str, attachment: Attachment, network: Network, wanted: WantedEndpoint, addresses: list[Address]
) -> Endpoint:
    """Return the next endpoint of a container, see choose_way_out() for the default route. Raises Conflict for a name that is taken.

    attachment: what the container has already.
    wanted: what the user asks for on this network.
    addresses: what was claimed for the container on this network.
    """
    used = {name for each in attachment["endpoints"] for name in (each["interface"], each["link"])}
    number = next(n for n in range(len(used) + 1) if not {f"eth{n}", _link(container_id, n)} & used)
    interface = wanted.get("interface") or f"eth{number}"
    if interface in used:
        raise Conflict(f"interface {interface} is that of another network of the container already")
    return {
        "network": network["name"],
        "networkId": network["id"],
        "driver": network["driver"],
        "owner": container_id,
        "interface": interface,
        "link": _link(container_id, number),
        "mac": wanted["mac"] or _mac(addresses),
        "addresses": addresses,
        "linkLocal": wanted.get("linkLocal", []),
        "aliases": wanted["aliases"],
        "links": wanted.get("links", []),
        "gwPriority": wanted.get("gwPriority", 0),
        "isDefault": False,
        "published": [],
    }


def _link(container_id: str, number: int) -> str:
    """Return the name of the host's end of a container's link."""
    return f"md{container_id[:9]}.{number}"


def choose_way_out(endpoints: list[Endpoint]) -> list[tuple[Endpoint, str]]:
    """Mark the endpoints whose gateways are the default routes, and return each with its gateway.

    For each family that is, of the endpoints with a gateway of it, the first with the highest priority.
    """
    for each in endpoints:
        each |= {"isDefault": False, "leads": []}
    found = []
    for mark in (".", ":"):
        gateways = {i: _gateway(each, mark) for i, each in enumerate(endpoints) if _gateway(each, mark)}
        if gateways:
            best = max(gateways, key=lambda i: endpoints[i].get("gwPriority", 0))
            endpoints[best]["isDefault"] = True
            endpoints[best]["leads"] = [*endpoints[best].get("leads", []), mark]
            found.append((endpoints[best], gateways[best]))
    return found


def _gateway(endpoint: Endpoint, mark: str) -> str:
    return next((each["gateway"] for each in endpoint["addresses"] if mark in each["address"]), "")


def _mac(addresses: list[Address]) -> str:
    """Return a MAC address as docker makes it: 02:42 and the IPv4 address, so that one always goes with the other.

    Without an IPv4 address the last four bytes are random.
    """
    numbers = [parse(each["address"]) for each in addresses]
    tail = next((number.to_bytes(4, "big") for number, bits in numbers if bits == 32), None) or os.urandom(4)
    return "02:42:" + ":".join(f"{byte:02x}" for byte in tail)


def publishing(paths: Paths, attachment: Attachment, networks: dict[str, Network]) -> Endpoint | None:
    """Return the endpoint to which published ports lead, or None.

    It is the first one on a network that can publish ports and is not internal. networks: the container's, by name.
    """
    for endpoint in attachment["endpoints"]:
        network = networks.get(endpoint["network"])
        kind = driver(network["driver"], paths) if network else None
        if network and kind and kind.publishes and not network["internal"]:
            return endpoint
    return None


def leading_to(record: Record, binding: Binding | Published, port: int, endpoint: Endpoint) -> list[Published]:
    """Return the published ports of a binding: one for each address of the endpoint whose family the binding allows.

    binding: what -p asked for, or a published port that is to lead elsewhere.
    port: the port of the host that was claimed for it.

    Raises BadInput if the endpoint has no address of the family.
    """
    targets = [each["address"] for each in endpoint["addresses"] if not binding["ip"] or (":" in each["address"]) == (":" in binding["ip"])]
    if endpoint["addresses"] and not targets:
        raise BadInput(f"cannot publish on {binding['ip']}: network {endpoint['network']} has no address of that family")
    return [published_as(record, binding, port, target) for target in targets or [""]]


def published_as(record: Record, binding: Binding | Published, port: int, address: str) -> Published:
    """Return one published port. address: the container's, '' where a CNI chain leads the port."""
    return {
        "owner": record["id"],
        "ip": binding["ip"],
        "port": port,
        "protocol": binding["protocol"],
        "address": address,
        "container": binding["container"],
    }
