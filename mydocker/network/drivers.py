"""Kinds of networks (the seed's NetworkDriver): what a network needs on the host, and how a container is plugged in, as steps.

bridge    a switch of the host's own; NAT to the world (bridge.py)
vxlan     the same, with a tunnel to other hosts' as one more port (bridge.py)
macvlan   an interface with a MAC address of its own on one of the host's wires (below)
ipvlan    the same with the host's MAC address
none      no interface at all
cni       whatever a chain of CNI plugins does (cni.py)
"""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.steps.interfaces import AddAddress, AddDefaultRoute, SetLinkSysctl, SetUp
from mydocker.steps.links import AddChild, DeleteLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.network.nft import Published
    from mydocker.paths import Paths
    from mydocker.steps.base import Step

    Network = dict[str, Any]
    # {network, interface: inside, link: the host's end or '', mac, mtu, addresses: [{address, prefix, gateway}], aliases, isDefault}
    Endpoint = dict[str, Any]

NAMES = ("bridge", "vxlan", "macvlan", "ipvlan", "none", "cni")


class NetworkDriver:
    """What all kinds have in common: nothing to be done.

    has_addresses: whether mydocker gives them out. publishes: whether ports of the host can lead to its containers.
    """

    options: tuple[str, ...] = ()
    has_addresses = True
    publishes = False

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def check(self, network: Network) -> None:
        """Raise BadInput unless the options are this driver's and complete; fill in what follows from them."""
        for key in network["options"]:
            if key not in self.options:
                expected = ", ".join(self.options) or "none"
                raise BadInput(f"unknown option {key!r} of a {network['driver']} network: expected {expected}")

    def create(self, network: Network) -> list[Step]:
        """Return the steps that make what the network needs on this host and does not have yet."""
        return []

    def delete(self, network: Network) -> list[Step]:
        """Return the steps that remove all of it."""
        return []

    def connect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        """Return the steps that plug a network namespace in, given as /proc/PID/ns/net."""
        return []

    def disconnect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        """Return the steps that unplug it. namespace: '' when it is gone, and with it whatever was in it."""
        return [DeleteLink(endpoint["interface"], namespace)] if namespace else []

    def publish(self, network: Network, published: list[Published], link: str) -> list[Step]:
        """Return the steps that lead ports of the host to a container, whose end here is `link`."""
        return []

    def check_publishing(self, network: Network) -> None:
        """Raise BadInput where a driver that publishes ports cannot do so on this network."""


def configure(endpoint: Endpoint, namespace: str) -> list[Step]:
    """Return the steps that give an interface inside its addresses and routes."""
    name = endpoint["interface"]
    has_ipv6 = any(":" in each["address"] for each in endpoint["addresses"])
    return [
        # Who still knows the address by another MAC address is told.
        SetLinkSysctl(name, "ipv4", "arp_notify", "1", namespace),
        # Addresses are ours to give out: nobody need be asked, for a second or two, whether they are taken.
        SetLinkSysctl(name, "ipv6", *(("accept_dad", "0") if has_ipv6 else ("disable_ipv6", "1")), namespace),
        *(AddAddress(name, each["address"], each["prefix"], namespace) for each in endpoint["addresses"]),
        SetUp(name, namespace),
        *(AddDefaultRoute(name, each["gateway"], namespace) for each in endpoint["addresses"] if each["gateway"] and endpoint["isDefault"]),
    ]


class ChildDriver(NetworkDriver):
    """macvlan and ipvlan: an interface of the container's own on the wire of one of the host's."""

    options = ("parent", "mode")

    def check(self, network: Network) -> None:
        super().check(network)
        if "parent" not in network["options"]:
            raise BadInput(f"a {network['driver']} network needs --opt parent=INTERFACE, one of the host's")
        mode = "bridge" if network["driver"] == "macvlan" else "l2"
        if network["options"].get("mode", mode) != mode:
            raise BadInput(f"invalid mode {network['options']['mode']!r} of a {network['driver']} network: expected {mode}")
        network["interface"] = network["options"]["parent"]

    def connect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        made = AddChild(endpoint["interface"], network["driver"], network["interface"], namespace, endpoint["mac"])
        return [made, *configure(endpoint, namespace)]


class NoneDriver(NetworkDriver):
    """A network without anything: only lo."""

    has_addresses = False

    def disconnect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        return []


def driver(name: str, paths: Paths) -> NetworkDriver:
    """Return the driver of a name. Raises BadInput."""
    if name in ("bridge", "vxlan"):
        from mydocker.network.bridge import BridgeDriver, VxlanDriver

        return BridgeDriver(paths) if name == "bridge" else VxlanDriver(paths)
    if name == "cni":
        from mydocker.network.cni import CniDriver

        return CniDriver(paths)
    if name in ("macvlan", "ipvlan"):
        return ChildDriver(paths)
    if name in ("none", "null"):
        return NoneDriver(paths)
    raise BadInput(f"unknown network driver {name!r}: expected {', '.join(NAMES)}")
