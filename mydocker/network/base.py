"""What a kind of network does (the seed's NetworkDriver): what a network needs on the host, and how a container is plugged in, as steps."""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.steps.interfaces import AddAddress, AddDefaultRoute, SetLinkSysctl, SetUp
from mydocker.steps.links import DeleteLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Endpoint, Published
    from mydocker.network.records import Network
    from mydocker.paths import Paths
    from mydocker.steps.base import Step


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
