"""rtnetlink(7), as far as a container's network needs it: links, addresses, routes, neighbours.

A message is a header, a fixed structure and attributes; each function here returns one as bytes, and route.py sends them.
Checked against pyroute2's encoder in the unit tests.
"""

from __future__ import annotations

import _socket
from struct import calcsize, pack, unpack_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    # (kind, value); an int is a number of 32 bits, a list holds the attributes in an attribute.
    Attribute = tuple[int, "str | int | bytes | list[Attribute]"]

AF_INET, AF_INET6, AF_BRIDGE = 2, 10, 7

NLM_F_REQUEST, _NLM_F_CREATE, _NLM_F_EXCL, _NLM_F_APPEND = 1, 0x400, 0x200, 0x800

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


def attribute(kind: int, value: str | int | bytes | list[Attribute]) -> bytes:
    """Return an attribute. value: a text, which gets a final zero, a number of 32 bits, bytes, or the attributes in it."""
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
    """Return the request for a new link; use the functions below for the kinds that there are."""
    info: list[Attribute] = [(IFLA_INFO_KIND, kind.encode()), *([(_IFLA_INFO_DATA, data)] if data else [])]
    every = [(IFLA_IFNAME, name), *attributes, (IFLA_LINKINFO, info)]
    return _link(0, every, _NLM_F_CREATE | _NLM_F_EXCL, True if up else None)


def new_bridge(name: str, mtu: int = 0, mac: str = "") -> bytes:
    """Return the request for a bridge that is up. Without a MAC address of its own it has the lowest of its ports', which come and go."""
    return new_link(
        name, "bridge", [*([(_IFLA_MTU, mtu)] if mtu else []), *([(_IFLA_ADDRESS, mac_bytes(mac))] if mac else [])], [], up=True
    )


def new_veth(name: str, master: int, peer: str, namespace: int, mac: str = "", mtu: int = 0) -> bytes:
    """Return the request for a veth pair: ours is up and in the bridge `master`, the peer in the network namespace of a descriptor."""
    size = [(_IFLA_MTU, mtu)] if mtu else []
    address = [(_IFLA_ADDRESS, mac_bytes(mac))] if mac else []
    other: list[Attribute] = [(IFLA_IFNAME, peer), *size, *address, (_IFLA_NET_NS_FD, namespace)]
    inside = pack(IFINFO, 0, 0, 0, 0, 0) + b"".join(attribute(*each) for each in other)
    return new_link(name, "veth", [*size, (IFLA_MASTER, master)], [(_VETH_INFO_PEER, inside)], up=True)


def new_vxlan(name: str, vni: int, port: int, master: int, local: str = "") -> bytes:
    """Return the request for the end of a tunnel in the bridge `master`; its peers are given later, as neighbours."""
    data: list[Attribute] = [(_IFLA_VXLAN_ID, vni), *([(_IFLA_VXLAN_LOCAL, address_bytes(local))] if local else [])]
    data += [(_IFLA_VXLAN_LEARNING, b"\1"), (_IFLA_VXLAN_PORT, pack("!H", port))]
    return new_link(name, "vxlan", [(IFLA_MASTER, master)], data, up=True)


def new_macvlan(name: str, parent: int, namespace: int, mac: str = "") -> bytes:
    """Return the request for an interface with its own MAC address on the wire of `parent`, in another network namespace."""
    own: list[Attribute] = [(_IFLA_LINK, parent), *([(_IFLA_ADDRESS, mac_bytes(mac))] if mac else []), (_IFLA_NET_NS_FD, namespace)]
    return new_link(name, "macvlan", own, [(_IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE)])


def new_ipvlan(name: str, parent: int, namespace: int) -> bytes:
    """Return the request for an interface that shares the MAC address of `parent`, in another network namespace."""
    return new_link(name, "ipvlan", [(_IFLA_LINK, parent), (_IFLA_NET_NS_FD, namespace)], [(_IFLA_IPVLAN_MODE, pack("=H", IPVLAN_MODE_L2))])


def delete_link(index: int) -> bytes:
    """Return the request that removes a link; of a veth pair, it removes both ends."""
    return _message(_RTM_DELLINK, 0, pack(IFINFO, 0, 0, index, 0, 0), [])


def set_up(index: int, up: bool = True) -> bytes:
    """Return the request that sets a link up or down."""
    return _link(index, [], up=up)


def set_name(index: int, name: str) -> bytes:
    """Return the request that renames a link, which must be down."""
    return _link(index, [(IFLA_IFNAME, name)])


def move_link(index: int, namespace: int, name: str) -> bytes:
    """Return the request that moves a link into another network namespace, under a name (EEXIST: it is taken there)."""
    return _link(index, [(_IFLA_NET_NS_FD, namespace), (IFLA_IFNAME, name)])


def set_alias(index: int, alias: str) -> bytes:
    """Return the request that gives a link an alias, at most 255 bytes. The kernel ignores an alias in the request that makes the link."""
    return _link(index, [(IFLA_IFALIAS, alias.encode())])


def set_hairpin(index: int) -> bytes:
    """Return the request that lets a bridge send frames back through their own port: a container may call its own published port."""
    slave: list[Attribute] = [(_IFLA_INFO_SLAVE_KIND, b"bridge"), (_IFLA_INFO_SLAVE_DATA, [(_IFLA_BRPORT_MODE, b"\1")])]
    return _link(index, [(IFLA_LINKINFO, slave)])


def add_address(index: int, address: str, prefix: int) -> bytes:
    """Return the request that gives a link an address. IPv6 uses it at once, without asking whether somebody has it."""
    data = address_bytes(address)
    family = AF_INET6 if len(data) == 16 else AF_INET
    more = [] if family == AF_INET6 else [(_IFA_BROADCAST, _broadcast(data, prefix))]
    body = pack(IFADDR, family, prefix, _IFA_F_NODAD if family == AF_INET6 else 0, 0, index)
    return _message(_RTM_NEWADDR, _NLM_F_CREATE | _NLM_F_EXCL, body, [(IFA_LOCAL, data), (IFA_ADDRESS, data), *more])


def _broadcast(address: bytes, prefix: int) -> bytes:
    return pack("!I", unpack_from("!I", address)[0] | (0xFFFFFFFF >> prefix if prefix else 0xFFFFFFFF))


def add_route(index: int, gateway: str, destination: str = "", prefix: int = 0, onlink: bool = False) -> bytes:
    """Return the request for a route through a gateway, to a prefix or by default to everything."""
    data = address_bytes(gateway)
    body = pack(
        RTMSG, AF_INET6 if len(data) == 16 else AF_INET, prefix, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST,
        _RTNH_F_ONLINK if onlink else 0,
    )  # fmt: skip
    to = [(RTA_DST, address_bytes(destination))] if destination else []
    return _message(_RTM_NEWROUTE, _NLM_F_CREATE | _NLM_F_EXCL, body, [*to, (_RTA_GATEWAY, data), (_RTA_OIF, index)])


def add_forwarding(index: int, mac: str, peer: str) -> bytes:
    """Return the request that has a tunnel send the frames for a MAC address to a peer, too; zeros stand for all and for unknown ones."""
    body = pack(_NDMSG, AF_BRIDGE, index, _NUD_PERMANENT, _NTF_SELF, 0)
    return _message(_RTM_NEWNEIGH, _NLM_F_CREATE | _NLM_F_APPEND, body, [(_NDA_DST, address_bytes(peer)), (_NDA_LLADDR, mac_bytes(mac))])


def address_bytes(text: str) -> bytes:
    """Return the bytes of an IPv4 or IPv6 address."""
    return _socket.inet_pton(_socket.AF_INET6 if ":" in text else _socket.AF_INET, text)


def mac_bytes(text: str) -> bytes:
    """Return the six bytes of a MAC address."""
    return bytes.fromhex(text.replace(":", ""))


def parse_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the (kind, value) of each attribute."""
    position = 0
    while position + 4 <= len(data):
        length, kind = unpack_from("=HH", data, position)
        yield kind & 0x3FFF, data[position + 4 : position + length]
        position += (max(length, 4) + 3) & ~3
