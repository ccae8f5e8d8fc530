"""The choice of a subnet for a network that names none: the first subnet of docker's pool that the host does not use."""

from __future__ import annotations

import os

from mydocker.errors import BadInput, Conflict
from mydocker.kernel.route import Route
from mydocker.network.addresses import Subnet, parse, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mydocker.network.records import SubnetEntry


def host_subnets() -> list[Subnet]:
    """Return the subnets to which the host has routes, and those of its own addresses."""
    with Route() as route:
        found = [*route.routes(), *((address, prefix) for _, address, prefix in route.addresses())]
    return [_around(address, prefix) for address, prefix in found]


def _around(address: str, prefix: int) -> Subnet:
    number, bits = parse(address)
    return Subnet(first=number >> (bits - prefix) << (bits - prefix), prefix=prefix, bits=bits)


def _pool() -> Iterator[Subnet]:
    """Yield the subnets of docker's pool: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20."""
    for second in range(17, 32):
        yield Subnet.parse(f"172.{second}.0.0/16")
    for third in range(0, 256, 16):
        yield Subnet.parse(f"192.168.{third}.0/20")


def choose(taken: list[Subnet]) -> Subnet:
    """Return the first subnet of the pool that overlaps none of `taken`. Raises Conflict if there is none."""
    for subnet in _pool():
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise Conflict(
        "no subnet is free for a new network: all of 172.16.0.0/12 and 192.168.0.0/16 overlaps a route", "choose one with --subnet"
    )


def choose_ipv6() -> Subnet:
    """Return a random unique local /64 (RFC 4193)."""
    return Subnet(first=int.from_bytes(b"\xfd" + os.urandom(5) + bytes(10), "big"), prefix=64, bits=128)


def entry(subnet: Subnet, gateway: str, part: str, kind: str = "bridge", reserved: dict[str, str] | None = None) -> SubnetEntry:
    """Return a subnet as a network's record has it. Raises BadInput if the subnet is too small, or a gateway or part is not in it.

    gateway: an address, or '' for the lowest one. With vxlan each host has a gateway, so it is then the lowest of this host's part.
    part: the subnet from which containers get addresses (--ip-range), or '' for all of it.
    kind: the name of the network's driver.
    reserved: addresses that no container gets, by any names.
    """
    low, high = subnet.hosts()
    if high - low < 1:
        raise BadInput(f"subnet {subnet} is too small: expected room for a gateway and a container, /30 or /126 at least")
    if gateway:
        number, bits = parse(gateway)
        if bits != subnet.bits or not low <= number <= high:
            raise BadInput(f"invalid gateway {gateway!r}: expected an address in {subnet}")
    if part and not subnet.holds(Subnet.parse(part)):
        raise BadInput(f"invalid --ip-range {part!r}: expected a part of {subnet}")
    for name, address in (reserved or {}).items():
        number, bits = parse(address)
        if bits != subnet.bits or not low <= number <= high:
            raise BadInput(f"invalid --aux-address {name}={address}: expected an address in {subnet}")
    lowest = max(low, Subnet.parse(part).first) if part and kind == "vxlan" else low
    made: SubnetEntry = {"subnet": str(subnet), "gateway": gateway or text(lowest, subnet.bits), "range": part}
    return {**made, "reserved": reserved} if reserved else made
