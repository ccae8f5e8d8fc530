"""Steps on what a network interface has: addresses, routes, settings. What `namespace` is, links.py says."""

from __future__ import annotations

import os
from errno import EEXIST

from mydocker.kernel import netlink
from mydocker.kernel.files import Allowing, Held
from mydocker.kernel.namespaces import Inside
from mydocker.kernel.route import Route
from mydocker.steps.base import Step, quote
from mydocker.steps.links import LinkStep, index_of


class SetUp(LinkStep):
    """Set an interface up."""

    name: str
    namespace: str = ""

    def apply(self) -> None:
        with Inside(self.namespace), Route() as route:
            route.request(netlink.set_up(index_of(route, self.name)))

    def words(self) -> list[str]:
        return ["link", "set", self.name, "up"]


class SetHairpin(LinkStep):
    """Let a bridge send frames back through the port that they came from.

    Where br_netfilter does the NAT, that is the way that a container's call of its own published port goes.
    """

    name: str

    def apply(self) -> None:
        with Route() as route:
            route.request(netlink.set_hairpin(index_of(route, self.name)))

    def words(self) -> list[str]:
        return ["link", "set", self.name, "type", "bridge_slave", "hairpin", "on"]


class AddAddress(LinkStep):
    """Give an interface an address, unless it has that already. The address goes with the interface, so there is no undo."""

    name: str
    address: str
    prefix: int
    namespace: str = ""

    def apply(self) -> None:
        with Inside(self.namespace), Route() as route, Allowing(EEXIST):
            route.request(netlink.add_address(index_of(route, self.name), self.address, self.prefix))

    def words(self) -> list[str]:
        nodad = ["nodad"] if ":" in self.address else []
        return ["address", "add", f"{self.address}/{self.prefix}", "dev", self.name, *nodad]


class AddDefaultRoute(LinkStep):
    """Send everything that has no other route through a gateway, and nothing through another one any more."""

    name: str
    gateway: str
    namespace: str = ""

    def apply(self) -> None:
        with Inside(self.namespace), Route() as route:
            route.request(netlink.add_route(index_of(route, self.name), self.gateway))

    def words(self) -> list[str]:
        return ["route", "replace", "default", "via", self.gateway, "dev", self.name]


class SetLinkSysctl(Step):
    """Set /proc/sys/net/FAMILY/conf/NAME/KEY. The setting goes with the interface, so there is no undo."""

    name: str  # the interface
    family: str  # 'ipv4' or 'ipv6'; a kernel without IPv6 has nothing to set
    key: str
    value: str
    namespace: str = ""

    @property
    def path(self) -> str:
        return f"/proc/sys/net/{self.family}/conf/{self.name}/{self.key}"

    def apply(self) -> None:
        with Inside(self.namespace):
            if self.family == "ipv6" and not os.path.isdir("/proc/sys/net/ipv6"):
                return
            with Held(os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)) as descriptor:
                os.write(descriptor, self.value.encode())

    def describe(self) -> str:
        inside = f"in {self.namespace} " if self.namespace else ""
        return f"{inside}write {quote(self.value)} to {quote(self.path)}"

    def shell(self) -> str:
        line = f"printf %s {quote(self.value)} > {quote(self.path)}"
        return f"nsenter --net={self.namespace} sh -c {quote(line)}" if self.namespace else line
