"""Decisions about endpoints: what a container gets on one network, and where its published ports lead. plug.py carries them out."""

from __future__ import annotations

import os

from mydocker.errors import BadInput
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
    """Return the next endpoint of a container. The first endpoint that has a gateway becomes the default route.

    attachment: what the container has already.
    wanted: what the user asks for on this network.
    addresses: what was claimed for the container on this network.
    """
    used = {each["interface"] for each in attachment["endpoints"]}
    number = next(n for n in range(len(used) + 1) if f"eth{n}" not in used)
    is_first = not any(each["isDefault"] for each in attachment["endpoints"])
    return {
        "network": network["name"],
        "networkId": network["id"],
        "driver": network["driver"],
        "owner": container_id,
        "interface": f"eth{number}",
        "link": f"md{container_id[:9]}.{number}",
        "mac": wanted["mac"] or _mac(addresses),
        "addresses": addresses,
        "aliases": wanted["aliases"],
        "links": wanted.get("links", []),
        "isDefault": is_first and any(each["gateway"] for each in addresses),
        "published": [],
    }


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
