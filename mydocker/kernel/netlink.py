"""Messages of rtnetlink(7), as far as a container's network needs them: links, addresses, routes, neighbours.

A message is a header, a fixed structure and attributes. Each function here returns a message as bytes, and route.py sends it.
The unit tests compare them with those of pyroute2's encoder.
"""

from __future__ import annotations

import _socket
from struct import calcsize, pack, unpack_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    # (kind, value). An int is a number of 32 bits, and a list holds the attributes that are inside this one.
    Attribute = tuple[int, "str | int | bytes | list[Attribute]"]

AF_INET, AF_INET6, AF_BRIDGE = 2, 10, 7

NLM_F_REQUEST, _NLM_F_CREATE, _NLM_F_EXCL, _NLM_F_REPLACE, _NLM_F_APPEND = 1, 0x400, 0x200, 0x100, 0x800

RTM_NEWLINK, _RTM_DELLINK, _RTM_NEWADDR, _RTM_NEWROUTE, _RTM_NEWNEIGH = 16, 17, 20, 24, 28

IFF_UP = 1
_IFLA_ADDRESS, IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO = 1, 3, 4, 5, 10, 18
IFLA_IFALIAS, _IFLA_NET_NS_FD = 20, 28
IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_INFO_SLAVE_KIND, _IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
_IFLA_BRPORT_MODE = 4
_VETH_INFO_PEER = 1
_IFLA_VXLAN_ID, _IFLA_VXLAN_LOCAL, _IFLA_VXLAN_LEARNING, _IFLA_VXLAN_PORT = 1, 4, 7, 15
_IFLA_MACVLAN_MODE, _IFLA_IPVLAN_MODE = 1, 1
MACVLAN_MODE_BRIDGE, IPVLAN_MODE_L2 = 4, 0
IFA_ADDRESS, IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_IFA_F_NODAD = 2
RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST, _RTNH_F_ONLINK = 254, 3, 0, 1, 4
_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_PERMANENT, _NTF_SELF = 0x80, 2

HEADER, IFINFO, IFADDR, RTMSG, _NDMSG = "=IHHII", "=BxHiII", "=BBBBI", "=BBBBBBBBI", "=BxxxiHBB"


def text(value: bytes) -> str:
    """Return a text that is the value of an attribute."""
    return value.rstrip(b"\0").decode(errors="replace")


def attribute(kind: int, value: str | int | bytes | list[Attribute]) -> bytes:
    """Return an attribute as bytes. A text gets a final zero, a number has 32 bits, and a list holds the attributes inside this one."""
    if isinstance(value, list):
        data = b"".join(attribute(*each) for each in value)
    elif isinstance(value, str):
        data = value.encode() + b"\0"
    else:
        data = value if isinstance(value, bytes) else pack("=I", value)
    return pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _message(kind: int, flags: int, body: bytes, attributes: list[Attribute]) -> bytes:
    data = body + b"".join(attribute(*each) for each in attributes)
    return pack(HEADER, calcsize(HEADER) + len(data), kind, NLM_F_REQUEST | flags, 0, 0) + data


def _link(index: int, attributes: list[Attribute], flags: int = 0, up: bool | None = None) -> bytes:
    change = 0 if up is None else IFF_UP
    return _message(RTM_NEWLINK, flags, pack(IFINFO, 0, 0, index, IFF_UP if up else 0, change), attributes)


def new_link(name: str, kind: str, attributes: list[Attribute], data: list[Attribute], up: bool = False) -> bytes:
    """Return the request for a new link. For each kind of link there is a function below.

    attributes: what every link may have.
    data: what only links of this kind have.
    """
    info: list[Attribute] = [(IFLA_INFO_KIND, kind.encode()), *([(_IFLA_INFO_DATA, data)] if data else [])]
    every = [(IFLA_IFNAME, name), *attributes, (IFLA_LINKINFO, info)]
    return _link(0, every, _NLM_F_CREATE | _NLM_F_EXCL, True if up else None)


def new_bridge(name: str, mtu: int = 0, mac: str = "") -> bytes:
    """Return the request for a bridge that is up. Without `mac` it has the lowest MAC address of its ports, and these come and go."""
    return new_link(
        name, "bridge", [*([(_IFLA_MTU, mtu)] if mtu else []), *([(_IFLA_ADDRESS, mac_bytes(mac))] if mac else [])], [], up=True
    )


def new_veth(name: str, master: int, peer: str, namespace: int, mac: str = "", mtu: int = 0) -> bytes:
    """Return the request for a veth pair. Our end is up.

    name: our end.
    master: the index of the bridge that our end is put into.
    peer: the other end.
    namespace: a descriptor of the network namespace that the other end is made in.
    mac: the MAC address of the other end.
    """
    size = [(_IFLA_MTU, mtu)] if mtu else []
    address = [(_IFLA_ADDRESS, mac_bytes(mac))] if mac else []
    other: list[Attribute] = [(IFLA_IFNAME, peer), *size, *address, (_IFLA_NET_NS_FD, namespace)]
    inside = pack(IFINFO, 0, 0, 0, 0, 0) + b"".join(attribute(*each) for each in other)
    return new_link(name, "veth", [*size, (IFLA_MASTER, master)], [(_VETH_INFO_PEER, inside)], up=True)


def new_vxlan(name: str, vni: int, port: int, master: int, local: str = "") -> bytes:
    """Return the request for one end of a tunnel, whose peers are given later by add_forwarding().

    vni: the number of the VXLAN network.
    port: the UDP port.
    master: the index of the bridge that this end is put into.
    local: the address that the tunnel sends from.
    """
    data: list[Attribute] = [(_IFLA_VXLAN_ID, vni), *([(_IFLA_VXLAN_LOCAL, address_bytes(local))] if local else [])]
    data += [(_IFLA_VXLAN_LEARNING, b"\1"), (_IFLA_VXLAN_PORT, pack("!H", port))]
    return new_link(name, "vxlan", [(IFLA_MASTER, master)], data, up=True)


def new_macvlan(name: str, parent: int, namespace: int, mac: str = "") -> bytes:
    """Return the request for an interface that shares the wire of the link `parent`, but has a MAC address of its own.

    parent: the index of that link.
    namespace: a descriptor of the network namespace that the interface is made in.
    """
    own: list[Attribute] = [(_IFLA_LINK, parent), *([(_IFLA_ADDRESS, mac_bytes(mac))] if mac else []), (_IFLA_NET_NS_FD, namespace)]
    return new_link(name, "macvlan", own, [(_IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE)])


def new_ipvlan(name: str, parent: int, namespace: int) -> bytes:
    """Return the request for an interface that shares the wire and the MAC address of the link `parent`. See new_macvlan()."""
    return new_link(name, "ipvlan", [(_IFLA_LINK, parent), (_IFLA_NET_NS_FD, namespace)], [(_IFLA_IPVLAN_MODE, pack("=H", IPVLAN_MODE_L2))])


def delete_link(index: int) -> bytes:
    """Return the request that removes a link. Of a veth pair it removes both ends."""
    return _message(_RTM_DELLINK, 0, pack(IFINFO, 0, 0, index, 0, 0), [])


def set_up(index: int, up: bool = True) -> bytes:
    """Return the request that sets a link up or down."""
    return _link(index, [], up=up)


def set_name(index: int, name: str) -> bytes:
    """Return the request that renames a link, which must be down."""
    return _link(index, [(IFLA_IFNAME, name)])


def move_link(index: int, namespace: int, name: str) -> bytes:
    """Return the request that moves a link into another network namespace (a descriptor). EEXIST says that the name is taken there."""
    return _link(index, [(_IFLA_NET_NS_FD, namespace), (IFLA_IFNAME, name)])


def set_alias(index: int, alias: str) -> bytes:
    """Return the request that gives a link an alias of at most 255 bytes. The kernel ignores an alias in the request for a new link."""
    return _link(index, [(IFLA_IFALIAS, alias.encode())])


def set_hairpin(index: int) -> bytes:
    """Return the request that lets a bridge send frames back through their own port, so that a container can call its published port."""
    slave: list[Attribute] = [(_IFLA_INFO_SLAVE_KIND, b"bridge"), (_IFLA_INFO_SLAVE_DATA, [(_IFLA_BRPORT_MODE, b"\1")])]
    return _link(index, [(IFLA_LINKINFO, slave)])


def add_address(index: int, address: str, prefix: int) -> bytes:
    """Return the request that gives a link an address. An IPv6 address is used at once: nobody is asked whether it is taken."""
    data = address_bytes(address)
    family = AF_INET6 if len(data) == 16 else AF_INET
    more = [] if family == AF_INET6 else [(_IFA_BROADCAST, _broadcast(data, prefix))]
    body = pack(IFADDR, family, prefix, _IFA_F_NODAD if family == AF_INET6 else 0, 0, index)
    return _message(_RTM_NEWADDR, _NLM_F_CREATE | _NLM_F_EXCL, body, [(IFA_LOCAL, data), (IFA_ADDRESS, data), *more])


def _broadcast(address: bytes, prefix: int) -> bytes:
    return pack("!I", unpack_from("!I", address)[0] | (0xFFFFFFFF >> prefix if prefix else 0xFFFFFFFF))


def add_route(index: int, gateway: str, destination: str = "", prefix: int = 0, onlink: bool = False) -> bytes:
    """Return the request for a route through a gateway.

    index: the index of the link that leads to the gateway.
    destination, prefix: where the route leads. Without them it is the default route, to everything, in the place of another one.
    onlink: whether the gateway counts as reachable by that link even if no other route says so.
    """
    data = address_bytes(gateway)
    body = pack(
        RTMSG, AF_INET6 if len(data) == 16 else AF_INET, prefix, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST,
        _RTNH_F_ONLINK if onlink else 0,
    )  # fmt: skip
    to: list[Attribute] = [*([(RTA_DST, address_bytes(destination))] if destination else []), (_RTA_GATEWAY, data), (_RTA_OIF, index)]
    return _message(_RTM_NEWROUTE, _NLM_F_CREATE | (_NLM_F_EXCL if destination else _NLM_F_REPLACE), body, to)


def add_forwarding(index: int, mac: str, peer: str) -> bytes:
    """Return the request that has a tunnel send the frames for a MAC address to one more peer.

    mac: the address. All zeros stand for frames to everybody, and to addresses that the tunnel does not know.
    peer: the IP address of the peer.
    """
    body = pack(_NDMSG, AF_BRIDGE, index, _NUD_PERMANENT, _NTF_SELF, 0)
    return _message(_RTM_NEWNEIGH, _NLM_F_CREATE | _NLM_F_APPEND, body, [(_NDA_DST, address_bytes(peer)), (_NDA_LLADDR, mac_bytes(mac))])


def address_bytes(text: str) -> bytes:
    """Return an IPv4 or IPv6 address as bytes."""
    return _socket.inet_pton(_socket.AF_INET6 if ":" in text else _socket.AF_INET, text)


def mac_bytes(text: str) -> bytes:
    """Return a MAC address as its six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def parse_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the (kind, value) of each attribute that the data holds."""
    position = 0
    while position + 4 <= len(data):
        length, kind = unpack_from("=HH", data, position)
        yield kind & 0x3FFF, data[position + 4 : position + length]
        position += (max(length, 4) + 3) & ~3
