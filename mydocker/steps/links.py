"""Steps that make and remove network interfaces by rtnetlink(7), here or in a container's network namespace.

`namespace` is the path of a network namespace, such as /proc/PID/ns/net, or '' for the one that mydocker is in.
"""

from __future__ import annotations

import os
from errno import EEXIST, ENODEV

from mydocker.kernel import netlink
from mydocker.kernel.files import Allowing, Held
from mydocker.kernel.namespaces import Inside
from mydocker.kernel.route import Route
from mydocker.steps.base import Step, command, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class LinkStep(Step):
    """The effect of one ip(8) command."""

    __slots__ = ()

    def words(self) -> list[str]:
        """Return the arguments of ip(8) that do the same."""
        raise NotImplementedError

    @property
    def _where(self) -> str:
        return str(getattr(self, "namespace", ""))

    def describe(self) -> str:
        inside = f"nsenter --net={self._where} " if self._where else ""
        return inside + command("ip", *self.words())

    def shell(self) -> str:
        return self.describe()


def index_of(route: Route, name: str) -> int:
    """Return the index of the link that has this name. Raises OSError (ENODEV) if there is none."""
    index = route.index(name)
    if not index:
        raise OSError(ENODEV, f"{os.strerror(ENODEV)}: {name}")
    return index


def _remove(name: str) -> None:
    """Remove a link. A link that is gone already is not an error."""
    with Route() as route:
        delete_all([route.index(name)])  # It may go with its other end meanwhile.


def delete_all(indices: list[int]) -> None:
    """Remove links of this network namespace. A link that is gone already is not an error.

    indices: the links; 0 stands for none. They are not given by name, so that no new link of the same name is removed.
    """
    for index in filter(None, indices):
        with Allowing(ENODEV), Route() as route:
            route.request(netlink.delete_link(index))


class AddLink(LinkStep):
    """Make an interface of the host, and set it up."""

    name: str
    rest: list[str]  # the arguments of ip(8) after 'up'
    alias: str  # says whose interface it is
    request: Callable[[Route], bytes]  # makes the message to the kernel

    def _values(self) -> tuple[object, ...]:
        return self.name, self.rest, self.alias

    def apply(self) -> None:
        with Route() as route:
            route.request(self.request(route))
            route.request(netlink.set_alias(index_of(route, self.name), self.alias))

    def undo(self) -> None:
        _remove(self.name)

    def words(self) -> list[str]:
        return ["link", "add", self.name, "alias", self.alias, "up", *self.rest]


def add_bridge(name: str, alias: str, mac: str, mtu: int = 0) -> AddLink:
    """Return the step that makes a bridge. To Linux that is a switch which has one port for the host."""
    rest = [*(["mtu", str(mtu)] if mtu else []), "address", mac, "type", "bridge"]
    return AddLink(name, rest, alias, lambda route: netlink.new_bridge(name, mtu, mac))


def add_vxlan(name: str, vni: int, port: int, bridge: str, local: str, alias: str) -> AddLink:
    """Return the step that makes one end of a tunnel as a port of a bridge. The arguments are those of netlink.new_vxlan()."""
    rest = ["master", bridge, "type", "vxlan", "id", str(vni), "dstport", str(port), *(["local", local] if local else [])]
    return AddLink(name, rest, alias, lambda route: netlink.new_vxlan(name, vni, port, index_of(route, bridge), local))


class AddPair(LinkStep):
    """Make a veth pair. One end (`name`) is a port of a bridge, and the other one (`peer`) an interface inside a container."""

    name: str
    bridge: str
    peer: str
    inside: str  # the path of the container's network namespace
    mac: str
    mtu: int = 0

    def apply(self) -> None:
        with Held(os.open(self.inside, os.O_RDONLY | os.O_CLOEXEC)) as descriptor, Route() as route:
            master = index_of(route, self.bridge)
            request = netlink.new_veth(self.name, master, self.peer, descriptor, self.mac, self.mtu)
            try:
                route.request(request)
            except OSError as error:
                if error.errno != EEXIST or not route.index(self.name):
                    raise
                _remove(self.name)  # It is the last run's link, which the kernel has not removed yet.
                route.request(request)

    def undo(self) -> None:
        _remove(self.name)

    def words(self) -> list[str]:
        mtu = ["mtu", str(self.mtu)] if self.mtu else []
        ours = ["link", "add", self.name, *mtu, "master", self.bridge, "up", "type", "veth"]
        return [*ours, "peer", "name", self.peer, *mtu, "address", self.mac, "netns", _netns(self.inside)]


def _netns(namespace: str) -> str:
    """Return what ip(8) takes for a network namespace: the pid if the path is /proc/PID/ns/net, else the path itself."""
    parts = namespace.split("/")
    return parts[2] if namespace.startswith("/proc/") and namespace.endswith("/ns/net") else namespace


class AddChild(LinkStep):
    """Make an interface inside a container (`peer`) that shares the wire of an interface of the host (`parent`).

    kind: 'macvlan' or 'ipvlan'.
    mac: its MAC address. With ipvlan it has that of `parent` instead.
    """

    peer: str
    kind: str
    parent: str
    inside: str  # the path of the container's network namespace
    mac: str

    def apply(self) -> None:
        with Held(os.open(self.inside, os.O_RDONLY | os.O_CLOEXEC)) as descriptor:
            with Route() as route:
                parent = index_of(route, self.parent)
                # The kernel refuses a name that is taken on the host (its own eth0), even in another namespace. So it is renamed inside.
                made = f"md{os.getpid()}"
                request = (
                    netlink.new_macvlan(made, parent, descriptor, self.mac)
                    if self.kind == "macvlan"
                    else netlink.new_ipvlan(made, parent, descriptor)
                )
                route.request(request)
            with Inside(self.inside), Route() as route:
                route.request(netlink.set_name(index_of(route, made), self.peer))

    def undo(self) -> None:
        if os.path.exists(self.inside):  # otherwise it went with its namespace
            DeleteLink(self.peer, self.inside).apply()

    def words(self) -> list[str]:
        mode = "bridge" if self.kind == "macvlan" else "l2"
        address = ["address", self.mac] if self.kind == "macvlan" else []
        where = ["netns", _netns(self.inside), *address]
        return ["link", "add", "link", self.parent, "name", self.peer, *where, "type", self.kind, "mode", mode]


class DeleteLink(LinkStep):
    """Remove an interface, or both of a pair. An interface that is gone already is not an error."""

    name: str
    namespace: str = ""

    def index(self) -> int:
        """Return the index of the interface to remove, for delete_all(), or 0 if it is gone."""
        with Inside(self.namespace), Route() as route:
            return route.index(self.name)

    def apply(self) -> None:
        with Inside(self.namespace):
            _remove(self.name)

    def words(self) -> list[str]:
        return ["link", "delete", self.name]


class AddForwarding(LinkStep):
    """Have a tunnel send frames to one more peer: those to everybody, and those to addresses that the tunnel does not know."""

    name: str
    peer: str

    def apply(self) -> None:
        with Route() as route:
            route.request(netlink.add_forwarding(index_of(route, self.name), "00:00:00:00:00:00", self.peer))

    def words(self) -> list[str]:
        return []

    def describe(self) -> str:
        return f"bridge fdb append 00:00:00:00:00:00 dev {quote(self.name)} dst {self.peer} self permanent"
