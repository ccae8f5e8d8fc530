"""rtnetlink(7), as far as a container's network needs it: links, addresses, routes, neighbours.

A message is a header, a fixed structure and attributes; each function here returns one as bytes, and Route sends them, several in one
system call if that is wanted, and raises what the kernel answers. Checked against pyroute2's encoder in the unit tests.
"""

from __future__ import annotations

import _socket
import os
from errno import ENODEV
from struct import calcsize, pack, unpack_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

AF_INET, AF_INET6, AF_BRIDGE = 2, 10, 7

_NETLINK_ROUTE = 0
_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 270, 10, 11
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_DUMP, _NLM_F_CREATE, _NLM_F_EXCL, _NLM_F_REPLACE, _NLM_F_APPEND = 1, 4, 0x300, 0x400, 0x200, 0x100, 0x800
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLMSGERR_ATTR_MSG = 1

_RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK = 16, 17, 18
_RTM_NEWADDR, _RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_RTM_NEWNEIGH, _RTM_DELNEIGH, _RTM_GETNEIGH = 28, 29, 30

IFF_UP = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_MASTER, _IFLA_LINKINFO = 1, 3, 4, 5, 10, 18
_IFLA_IFALIAS, _IFLA_NET_NS_FD = 20, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_INFO_SLAVE_KIND, _IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
_IFLA_BRPORT_MODE = 4
_VETH_INFO_PEER = 1
_IFLA_VXLAN_ID, _IFLA_VXLAN_LINK, _IFLA_VXLAN_LOCAL, _IFLA_VXLAN_LEARNING, _IFLA_VXLAN_PORT = 1, 3, 4, 7, 15
_IFLA_MACVLAN_MODE, _IFLA_IPVLAN_MODE = 1, 1
MACVLAN_MODE_BRIDGE, IPVLAN_MODE_L2 = 4, 0
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_IFA_F_NODAD = 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY = 1, 4, 5, 6
_RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK, _RTN_UNICAST, _RTNH_F_ONLINK = 254, 3, 0, 253, 1, 4
_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_PERMANENT, _NTF_SELF = 0x80, 2

_HEADER, _IFINFO, _IFADDR, _RTMSG, _NDMSG = "=IHHII", "=BxHiII", "=BBBBI", "=BBBBBBBBI", "=BxxxiHBB"
_BUFFER = 1 << 16


def attribute(kind: int, value: str | int | bytes | list[tuple[int, Any]]) -> bytes:
    """Return an attribute: text with its final zero, a number of 32 bits, bytes, or the attributes in it."""
    if isinstance(value, list):
        data = b"".join(attribute(*each) for each in value)
    elif isinstance(value, str):
        data = value.encode() + b"\0"
    else:
        data = value if isinstance(value, bytes) else pack("=I", value)
    return pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _message(kind: int, flags: int, body: bytes, attributes: list[tuple[int, Any]]) -> bytes:
    data = body + b"".join(attribute(*each) for each in attributes)
    return pack(_HEADER, calcsize(_HEADER) + len(data), kind, _NLM_F_REQUEST | flags, 0, 0) + data


def _link(index: int, attributes: list[tuple[int, Any]], flags: int = 0, up: bool | None = None) -> bytes:
    change = 0 if up is None else IFF_UP
    return _message(_RTM_NEWLINK, flags, pack(_IFINFO, 0, 0, index, IFF_UP if up else 0, change), attributes)


def new_link(name: str, kind: str, attributes: list[tuple[int, Any]], data: list[tuple[int, Any]], up: bool = False) -> bytes:
    """Return the request for a new link; use the functions below for the kinds that there are."""
    info: list[tuple[int, Any]] = [(_IFLA_INFO_KIND, kind.encode()), *([(_IFLA_INFO_DATA, data)] if data else [])]
    every = [(_IFLA_IFNAME, name), *attributes, (_IFLA_LINKINFO, info)]
    return _link(0, every, _NLM_F_CREATE | _NLM_F_EXCL, True if up else None)


def new_bridge(name: str, mtu: int = 0, mac: str = "") -> bytes:
    """A bridge, which is up; without a MAC address of its own it has the lowest of its ports', which come and go."""
    return new_link(
        name, "bridge", [*([(_IFLA_MTU, mtu)] if mtu else []), *([(_IFLA_ADDRESS, mac_bytes(mac))] if mac else [])], [], up=True
    )


def new_veth(name: str, master: int, peer: str, namespace: int, mac: str = "", mtu: int = 0) -> bytes:
    """A pair of interfaces: ours up and in the bridge `master`, the peer in the network namespace of a descriptor."""
    size = [(_IFLA_MTU, mtu)] if mtu else []
    address = [(_IFLA_ADDRESS, mac_bytes(mac))] if mac else []
    other: list[tuple[int, Any]] = [(_IFLA_IFNAME, peer), *size, *address, (_IFLA_NET_NS_FD, namespace)]
    inside = pack(_IFINFO, 0, 0, 0, 0, 0) + b"".join(attribute(*each) for each in other)
    return new_link(name, "veth", [*size, (_IFLA_MASTER, master)], [(_VETH_INFO_PEER, inside)], up=True)


def new_vxlan(name: str, vni: int, port: int, master: int, local: str = "") -> bytes:
    """A tunnel's end whose peers are given as neighbours, in the bridge `master`."""
    data: list[tuple[int, Any]] = [(_IFLA_VXLAN_ID, vni), *([(_IFLA_VXLAN_LOCAL, address_bytes(local))] if local else [])]
    data += [(_IFLA_VXLAN_LEARNING, b"\1"), (_IFLA_VXLAN_PORT, pack("!H", port))]
    return new_link(name, "vxlan", [(_IFLA_MASTER, master)], data, up=True)


def new_macvlan(name: str, parent: int, namespace: int, mac: str = "") -> bytes:
    """An interface of its own on the wire of `parent`, in another network namespace."""
    own = [(_IFLA_LINK, parent), *([(_IFLA_ADDRESS, mac_bytes(mac))] if mac else []), (_IFLA_NET_NS_FD, namespace)]
    return new_link(name, "macvlan", own, [(_IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE)])


def new_ipvlan(name: str, parent: int, namespace: int) -> bytes:
    """An interface that shares the MAC address of `parent`, in another network namespace."""
    return new_link(name, "ipvlan", [(_IFLA_LINK, parent), (_IFLA_NET_NS_FD, namespace)], [(_IFLA_IPVLAN_MODE, pack("=H", IPVLAN_MODE_L2))])


def delete_link(index: int) -> bytes:
    """Remove a link; of a pair, both."""
    return _message(_RTM_DELLINK, 0, pack(_IFINFO, 0, 0, index, 0, 0), [])


def set_up(index: int, up: bool = True) -> bytes:
    """Set a link up or down."""
    return _link(index, [], up=up)


def set_name(index: int, name: str) -> bytes:
    """Rename a link, which must be down."""
    return _link(index, [(_IFLA_IFNAME, name)])


def set_alias(index: int, alias: str) -> bytes:
    """Give a link a note of ours, at most 255 bytes; the kernel does not look at one in the request that makes the link."""
    return _link(index, [(_IFLA_IFALIAS, alias.encode())])


def set_hairpin(index: int) -> bytes:
    """Let a bridge send frames back through the port that they came from, for a container that calls its own published port."""
    slave = [(_IFLA_INFO_SLAVE_KIND, b"bridge"), (_IFLA_INFO_SLAVE_DATA, [(_IFLA_BRPORT_MODE, b"\1")])]
    return _link(index, [(_IFLA_LINKINFO, slave)])


def add_address(index: int, address: str, prefix: int) -> bytes:
    """Give a link an address; an IPv6 one is used at once, without asking whether somebody has it."""
    data = address_bytes(address)
    family = AF_INET6 if len(data) == 16 else AF_INET
    more = [] if family == AF_INET6 else [(_IFA_BROADCAST, _broadcast(data, prefix))]
    body = pack(_IFADDR, family, prefix, _IFA_F_NODAD if family == AF_INET6 else 0, 0, index)
    return _message(_RTM_NEWADDR, _NLM_F_CREATE | _NLM_F_EXCL, body, [(_IFA_LOCAL, data), (_IFA_ADDRESS, data), *more])


def _broadcast(address: bytes, prefix: int) -> bytes:
    return pack("!I", unpack_from("!I", address)[0] | (0xFFFFFFFF >> prefix if prefix else 0xFFFFFFFF))


def add_route(index: int, gateway: str, destination: str = "", prefix: int = 0, onlink: bool = False) -> bytes:
    """Route a prefix, or by default everything, through a gateway."""
    data = address_bytes(gateway)
    body = pack(
        _RTMSG, AF_INET6 if len(data) == 16 else AF_INET, prefix, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST,
        _RTNH_F_ONLINK if onlink else 0,
    )  # fmt: skip
    to = [(_RTA_DST, address_bytes(destination))] if destination else []
    return _message(_RTM_NEWROUTE, _NLM_F_CREATE | _NLM_F_EXCL, body, [*to, (_RTA_GATEWAY, data), (_RTA_OIF, index)])


def add_forwarding(index: int, mac: str, peer: str) -> bytes:
    """Have a tunnel send frames for a MAC address (all zeros: those for everybody and nobody known) to a peer as well."""
    body = pack(_NDMSG, AF_BRIDGE, index, _NUD_PERMANENT, _NTF_SELF, 0)
    return _message(_RTM_NEWNEIGH, _NLM_F_CREATE | _NLM_F_APPEND, body, [(_NDA_DST, address_bytes(peer)), (_NDA_LLADDR, mac_bytes(mac))])


def address_bytes(text: str) -> bytes:
    """Return an IPv4 or IPv6 address as it goes over the wire."""
    return _socket.inet_pton(_socket.AF_INET6 if ":" in text else _socket.AF_INET, text)


def mac_bytes(text: str) -> bytes:
    """Return the six bytes of a MAC address."""
    return bytes.fromhex(text.replace(":", ""))


class Route:
    """A socket to the routing part of the kernel, in the network namespace that this process is in when it is opened."""

    __slots__ = ("_socket", "_sequence")

    def __init__(self) -> None:
        self._socket = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, _NETLINK_ROUTE)
        self._sequence = 0
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK):
            try:
                self._socket.setsockopt(_SOL_NETLINK, option, 1)
            except OSError:
                continue  # before Linux 4.12 errors come without words

    def __enter__(self) -> Route:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def request(self, *messages: bytes) -> None:
        """Do what the messages ask, all of them, in order. Raises OSError for the first that the kernel refuses."""
        numbered = []
        for message in messages:
            self._sequence += 1
            size, kind, flags = unpack_from("=IHH", message)
            numbered.append(pack(_HEADER, size, kind, flags | _NLM_F_ACK, self._sequence, 0) + message[16:])
        self._socket.send(b"".join(numbered))
        problems = [error for _ in messages if (error := self._answer())]
        if problems:
            raise problems[0]

    def _answer(self) -> OSError | None:
        """Return the error that the next acknowledgement holds."""
        data = self._socket.recv(_BUFFER)
        kind, flags = unpack_from("=HH", data, 4)
        number = -unpack_from("=i", data, 16)[0] if kind == _NLMSG_ERROR else 0
        if not number:
            return None
        words = _words(data, flags)
        return OSError(number, f"{os.strerror(number)}: {words}" if words else os.strerror(number))

    def index(self, name: str) -> int:
        """Return a link's index, 0 when there is none of that name."""
        self._send(_RTM_GETLINK, 0, pack(_IFINFO, 0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name))
        data = self._socket.recv(_BUFFER)
        kind = unpack_from("=H", data, 4)[0]
        if kind == _RTM_NEWLINK:
            return int(unpack_from(_IFINFO, data, 16)[2])
        number = -unpack_from("=i", data, 16)[0]
        if number != ENODEV:
            raise OSError(number, os.strerror(number), name)
        return 0

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.send(pack(_HEADER, 16 + len(body), kind, _NLM_F_REQUEST | flags, self._sequence, 0) + body)

    def links(self) -> Iterator[dict[str, Any]]:
        """Yield every link: {index, name, up, master, alias, kind}."""
        for body, attributes in self._dump(_RTM_GETLINK, pack(_IFINFO, 0, 0, 0, 0, 0), calcsize(_IFINFO)):
            _, _, index, flags, _ = unpack_from(_IFINFO, body)
            info = dict(parse_attributes(attributes.get(_IFLA_LINKINFO, b"")))
            yield {
                "index": index,
                "name": _text(attributes.get(_IFLA_IFNAME, b"")),
                "up": bool(flags & IFF_UP),
                "master": unpack_from("=I", attributes[_IFLA_MASTER])[0] if _IFLA_MASTER in attributes else 0,
                "alias": _text(attributes.get(_IFLA_IFALIAS, b"")),
                "kind": _text(info.get(_IFLA_INFO_KIND, b"")),
            }

    def addresses(self) -> Iterator[tuple[int, str, int]]:
        """Yield (index, address, prefix length) of every address."""
        for body, attributes in self._dump(_RTM_GETADDR, pack(_IFADDR, 0, 0, 0, 0, 0), calcsize(_IFADDR)):
            family, prefix, _, _, index = unpack_from(_IFADDR, body)
            yield index, _address(family, attributes.get(_IFA_LOCAL) or attributes[_IFA_ADDRESS]), prefix

    def routes(self) -> Iterator[tuple[str, int]]:
        """Yield (address, prefix length) of every route's destination but the default ones."""
        for body, attributes in self._dump(_RTM_GETROUTE, pack(_RTMSG, 0, 0, 0, 0, 0, 0, 0, 0, 0), calcsize(_RTMSG)):
            family, prefix = unpack_from("=BB", body)
            if _RTA_DST in attributes and family in (AF_INET, AF_INET6):
                yield _address(family, attributes[_RTA_DST]), prefix

    def _dump(self, kind: int, body: bytes, size: int) -> list[tuple[bytes, dict[int, bytes]]]:
        """Return (fixed structure, attributes) of each object of a kind: all of them, or the rest would be taken for the next answer."""
        self._send(kind, _NLM_F_DUMP, body)
        found: list[tuple[bytes, dict[int, bytes]]] = []
        while True:
            data = self._socket.recv(_BUFFER)
            position = 0
            while position < len(data):
                length, answer = unpack_from("=IH", data, position)
                if answer == _NLMSG_DONE:
                    return found
                if answer == _NLMSG_ERROR:
                    number = -unpack_from("=i", data, position + 16)[0]
                    raise OSError(number, os.strerror(number))
                start, end = position + 16, position + length
                found.append((data[start : start + size], dict(parse_attributes(data[start + size : end]))))
                position += (length + 3) & ~3


def parse_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (kind, value) of each attribute."""
    position = 0
    while position + 4 <= len(data):
        length, kind = unpack_from("=HH", data, position)
        yield kind & 0x3FFF, data[position + 4 : position + length]
        position += (max(length, 4) + 3) & ~3


def _words(data: bytes, flags: int) -> str:
    """Return what the kernel says about an error, '' when it says nothing."""
    if not flags & _NLM_F_ACK_TLVS:
        return ""
    # The request that failed is in between: only its header, where the kernel was asked to cap it.
    length = 16 if flags & _NLM_F_CAPPED else (unpack_from("=I", data, 20)[0] + 3) & ~3
    return _text(dict(parse_attributes(data[20 + length :])).get(_NLMSGERR_ATTR_MSG, b""))


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")


def _address(family: int, data: bytes) -> str:
    return _socket.inet_ntop(_socket.AF_INET6 if family == AF_INET6 else _socket.AF_INET, data)
