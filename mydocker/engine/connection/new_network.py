"""Decide about a network that is to be made: its name, its driver, its addresses. Nothing is changed; networks.create() does that."""

from __future__ import annotations

from mydocker.engine.record import containers
from mydocker.engine.record.moments import timestamp
from mydocker.engine.record.names import is_name
from mydocker.errors import BadInput, Conflict, Overlap
from mydocker.network import pools, records
from mydocker.network.addresses import Subnet
from mydocker.network.drivers import driver
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.records import Network, SubnetEntry
    from mydocker.paths import Paths

PREDEFINED = (records.DEFAULT, *records.MODES)


class Asked(Value):
    """The addresses that are asked for."""

    subnets: list[str]
    gateways: list[str]
    ranges: list[str]
    reserved: dict[str, str]  # addresses that no container gets, by any names
    ipv4: bool
    ipv6: bool


def new(paths: Paths, name: str, kind: str, asked: Asked, internal: bool, labels: dict[str, str], options: dict[str, str]) -> Network:
    """Return the record of a network that is to be made. kind: the name of its driver.

    Raises BadInput if a value is invalid, Conflict if the name, a subnet or the interface is taken.
    """
    _check_name(name)
    if name in PREDEFINED or name.startswith("container:"):
        raise Conflict(f"network {name} is pre-defined", "use another name")
    identity = containers.new_id()
    network: Network = {
        "id": identity,
        "name": name,
        "driver": "none" if kind == "null" else kind,
        "createdAt": timestamp(),
        "subnets": [],
        "internal": internal,
        "ipv6": asked.ipv6 or any(":" in each for each in asked.subnets),
        "options": options,
        "labels": labels,
        "interface": f"mb{identity[:12]}",
    }
    made = driver(kind, paths)
    made.check(network)
    if made.has_addresses:
        network["subnets"] = _subnets(paths, network, asked)
    elif asked.subnets or asked.gateways or asked.ranges or asked.reserved:
        raise BadInput(f"a {kind} network takes no --subnet, --gateway, --ip-range or --aux-address")
    # Whether a chosen subnet is still free is seen under the lock, see create().
    check_new(paths, {**network, "subnets": network["subnets"][1:]} if is_chosen(network, asked) else network)
    return network


def _check_name(name: str) -> None:
    """Raise BadInput unless a network may have this name: one that a container could have, but with blanks inside, as docker's."""
    if name != " ".join(name.split()) or not is_name(name.replace(" ", "")):
        raise BadInput(f"invalid name {name!r}: expected [a-zA-Z0-9][a-zA-Z0-9_.-]+, with single blanks inside if need be")


def is_chosen(network: Network, asked: Asked) -> bool:
    """Say whether a network's IPv4 subnet, the first, was chosen here."""
    return asked.ipv4 and bool(network["subnets"]) and not any("." in each for each in asked.subnets)


def _subnets(paths: Paths, network: Network, asked: Asked) -> list[SubnetEntry]:
    parsed = [Subnet.parse(each) for each in asked.subnets]
    for bits, family in ((32, "IPv4"), (128, "IPv6")):
        if sum(subnet.bits == bits for subnet in parsed) > 1:
            raise BadInput(f"more than one {family} subnet: expected at most one of each family")
    if not asked.ipv4 and not network["ipv6"]:
        raise BadInput("a network without IPv4 needs --ipv6")
    if not asked.ipv4 and any(subnet.bits == 32 for subnet in parsed):
        raise BadInput("--ipv4=false excludes a --subnet of IPv4")
    if asked.ipv4 and not any(subnet.bits == 32 for subnet in parsed):
        parsed.insert(0, free(paths))
    if network["ipv6"] and not any(subnet.bits == 128 for subnet in parsed):
        parsed.append(pools.choose_ipv6())
    marks = {32: ".", 128: ":"}
    for flag, given in (("--gateway", asked.gateways), ("--ip-range", asked.ranges), ("--aux-address", asked.reserved.values())):
        for each in given:
            if not asked.subnets or not any(marks[subnet.bits] in each for subnet in parsed):
                raise BadInput(f"{flag} {each} needs a --subnet that it is in")
    return [
        pools.entry(
            subnet,
            next((each for each in asked.gateways if marks[subnet.bits] in each), ""),
            next((each for each in asked.ranges if marks[subnet.bits] in each), ""),
            network["driver"],
            {key: each for key, each in asked.reserved.items() if marks[subnet.bits] in each},
        )
        for subnet in parsed
    ]


def free(paths: Paths) -> Subnet:
    """Return a subnet that neither the host nor another network uses."""
    return pools.choose([*pools.host_subnets(), *records.subnets(records.every(paths))])


def check_new(paths: Paths, network: Network) -> None:
    """Raise Conflict if a network's name, one of its subnets or its bridge is taken."""
    if network["name"] in records.names(paths):
        raise Conflict(f"network with name {network['name']} already exists")
    own = records.subnets([network])
    for other in records.every(paths):
        for theirs in records.subnets([other]):
            if any(subnet.overlaps(theirs) for subnet in own):
                raise Overlap(f"subnet {own[0] if own[0].overlaps(theirs) else own[-1]} overlaps {theirs} of network {other['name']}")
        if network["driver"] in ("bridge", "vxlan") and other["interface"] == network["interface"]:
            raise Conflict(f"interface {network['interface']} is network {other['name']}'s")
    if network["driver"] in ("bridge", "vxlan"):
        for theirs in pools.host_subnets():
            if any(subnet.overlaps(theirs) for subnet in own):
                raise Overlap(f"subnet {own[0] if own[0].overlaps(theirs) else own[-1]} overlaps {theirs}, to which this host has a route")
