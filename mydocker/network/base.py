"""What a network driver does (the seed's NetworkDriver).

A driver returns the steps that make a network on the host, and the steps that plug a container into the network.
"""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.steps.interfaces import AddAddress, AddDefaultRoute, SetLinkSysctl, SetUp
from mydocker.steps.links import DeleteLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Address, Endpoint, Published
    from mydocker.network.records import Network
    from mydocker.paths import Paths
    from mydocker.steps.base import Step


class NetworkDriver:
    """A driver with nothing to do. Each driver overrides what it needs."""

    options: tuple[str, ...] = ()  # the keys of --opt that the driver takes
    has_addresses = True  # whether mydocker gives out the addresses on such a network
    publishes = False  # whether ports of the host can lead to containers on such a network

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def check(self, network: Network) -> None:
        """Fill in what follows from the network's options. Raises BadInput if one is unknown, invalid or missing."""
        for key in network["options"]:
            if key not in self.options:
                expected = ", ".join(self.options) or "none"
                raise BadInput(f"unknown option {key!r} of a {network['driver']} network: expected {expected}")

    def create(self, network: Network) -> list[Step]:
        """Return the steps that make what the network needs on this host and what is not there yet."""
        return []

    def delete(self, network: Network) -> list[Step]:
        """Return the steps that remove what the network has on this host."""
        return []

    def connect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        """Return the steps that plug a network namespace into the network. namespace: its path, /proc/PID/ns/net."""
        return []

    def disconnect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        """Return the steps that unplug a network namespace from the network.

        namespace: its path, or '' if it is gone with all that was in it.
        """
        return [DeleteLink(endpoint["interface"], namespace)] if namespace else []

    def publish(self, network: Network, published: list[Published], link: str) -> list[Step]:
        """Return the steps that lead ports of the host to a container. link: the name of the container's link on the host."""
        return []

    def check_publishing(self, network: Network) -> None:
        """Raise BadInput if a driver that publishes ports cannot do so on this network."""


def configure(endpoint: Endpoint, namespace: str, up: type[SetUp] = SetUp) -> list[Step]:
    """Return the steps that give the interface inside a container its addresses and routes. up: the step that sets it up"""
    name = endpoint["interface"]
    has_ipv6 = any(":" in each["address"] for each in endpoint["addresses"])
    return [
        # With arp_notify the kernel tells everybody who still knows the address by another MAC address.
        SetLinkSysctl(name, "ipv4", "arp_notify", "1", namespace),
        # We give out the addresses. So the kernel need not ask on the wire whether they are taken, which takes a second or two.
        SetLinkSysctl(name, "ipv6", *(("accept_dad", "0") if has_ipv6 else ("disable_ipv6", "1")), namespace),
        *(AddAddress(name, each["address"], each["prefix"], namespace) for each in endpoint["addresses"]),
        *(AddAddress(name, each, 64 if ":" in each else 16, namespace) for each in endpoint.get("linkLocal", [])),
        up(name, namespace),
        *(AddDefaultRoute(name, each["gateway"], namespace) for each in endpoint["addresses"] if _leads_out(endpoint, each)),
    ]


def _leads_out(endpoint: Endpoint, address: Address) -> bool:
    """Say whether an address's gateway is the container's default route."""
    families = endpoint.get("leads", [".", ":"])
    return bool(address["gateway"]) and endpoint["isDefault"] and any(mark in address["address"] for mark in families)
