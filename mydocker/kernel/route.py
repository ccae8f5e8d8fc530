"""A socket to the routing part of the kernel. It sends the messages of netlink.py, several in one system call, and raises the errors."""

from __future__ import annotations

import _socket
import os
from errno import ENODEV
from struct import calcsize, pack, unpack_from

from mydocker.kernel import netlink
from mydocker.kernel.netlink import parse_attributes, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    class Link(TypedDict):
        """A network interface."""

        index: int  # the kernel's number of it, from 1
        name: str
        up: bool
        master: int  # the index of the bridge that it is in, or 0
        alias: str  # '' if it has none
        kind: str  # for example 'bridge' or 'veth'; '' for hardware


_NETLINK_ROUTE = 0
_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 270, 10, 11
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_ACK, _NLM_F_DUMP = 4, 0x300
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLMSGERR_ATTR_MSG = 1
_RTM_GETLINK, _RTM_GETADDR, _RTM_GETROUTE = 18, 22, 26
_BUFFER = 1 << 16


class Route:
    """A socket to the routing part of the kernel. It belongs to the network namespace that this process is in when it is opened."""

    __slots__ = ("_socket", "_sequence")

    def __init__(self) -> None:
        self._socket = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, _NETLINK_ROUTE)
        self._sequence = 0
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK):
            try:
                self._socket.setsockopt(_SOL_NETLINK, option, 1)
            except OSError:
                continue  # Before Linux 4.12 errors come without words.

    def __enter__(self) -> Route:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def request(self, *messages: bytes) -> None:
        """Send messages. The kernel does what they ask, in their order. Raises OSError for the first that it refuses."""
        numbered = []
        for message in messages:
            self._sequence += 1
            size, kind, flags = unpack_from("=IHH", message)
            numbered.append(pack(netlink.HEADER, size, kind, flags | _NLM_F_ACK, self._sequence, 0) + message[16:])
        self._socket.send(b"".join(numbered))
        problems = [error for _ in messages if (error := self._answer())]
        if problems:
            raise problems[0]

    def _answer(self) -> OSError | None:
        """Read the next acknowledgement. Return the error in it, or None."""
        data = self._socket.recv(_BUFFER)
        kind, flags = unpack_from("=HH", data, 4)
        number = -unpack_from("=i", data, 16)[0] if kind == _NLMSG_ERROR else 0
        if not number:
            return None
        words = _words(data, flags)
        return OSError(number, f"{os.strerror(number)}: {words}" if words else os.strerror(number))

    def index(self, name: str) -> int:
        """Return the index of the link that has this name, or 0 if there is none."""
        self._send(_RTM_GETLINK, 0, pack(netlink.IFINFO, 0, 0, 0, 0, 0) + netlink.attribute(netlink.IFLA_IFNAME, name))
        data = self._socket.recv(_BUFFER)
        kind = unpack_from("=H", data, 4)[0]
        if kind == netlink.RTM_NEWLINK:
            return int(unpack_from(netlink.IFINFO, data, 16)[2])
        number = -unpack_from("=i", data, 16)[0]
        if number != ENODEV:
            raise OSError(number, os.strerror(number), name)
        return 0

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.send(pack(netlink.HEADER, 16 + len(body), kind, netlink.NLM_F_REQUEST | flags, self._sequence, 0) + body)

    def links(self) -> Iterator[Link]:
        """Yield every link."""
        for body, attributes in self._dump(_RTM_GETLINK, pack(netlink.IFINFO, 0, 0, 0, 0, 0), calcsize(netlink.IFINFO)):
            _, _, index, flags, _ = unpack_from(netlink.IFINFO, body)
            info = dict(parse_attributes(attributes.get(netlink.IFLA_LINKINFO, b"")))
            yield {
                "index": index,
                "name": text(attributes.get(netlink.IFLA_IFNAME, b"")),
                "up": bool(flags & netlink.IFF_UP),
                "master": unpack_from("=I", attributes[netlink.IFLA_MASTER])[0] if netlink.IFLA_MASTER in attributes else 0,
                "alias": text(attributes.get(netlink.IFLA_IFALIAS, b"")),
                "kind": text(info.get(netlink.IFLA_INFO_KIND, b"")),
            }

    def addresses(self) -> Iterator[tuple[int, str, int]]:
        """Yield (index, address, prefix length) of every address."""
        for body, attributes in self._dump(_RTM_GETADDR, pack(netlink.IFADDR, 0, 0, 0, 0, 0), calcsize(netlink.IFADDR)):
            family, prefix, _, _, index = unpack_from(netlink.IFADDR, body)
            yield index, _address(family, attributes.get(netlink.IFA_LOCAL) or attributes[netlink.IFA_ADDRESS]), prefix

    def routes(self) -> Iterator[tuple[str, int]]:
        """Yield (address, prefix length) of the destination of every route, without the default routes."""
        for body, attributes in self._dump(_RTM_GETROUTE, pack(netlink.RTMSG, 0, 0, 0, 0, 0, 0, 0, 0, 0), calcsize(netlink.RTMSG)):
            family, prefix = unpack_from("=BB", body)
            if netlink.RTA_DST in attributes and family in (netlink.AF_INET, netlink.AF_INET6):
                yield _address(family, attributes[netlink.RTA_DST]), prefix

    def _dump(self, kind: int, body: bytes, size: int) -> list[tuple[bytes, dict[int, bytes]]]:
        """Ask for every object of a kind, and return the (fixed structure, attributes) of each.

        kind, body: the question and its fixed structure.
        size: the size of an answer's fixed structure.

        All is read at once: what stays in the socket would be taken for the answer to the next question.
        """
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


def _words(data: bytes, flags: int) -> str:
    """Return what the kernel says about an error, or '' if it says nothing."""
    if not flags & _NLM_F_ACK_TLVS:
        return ""
    # The request that failed comes before the words. It is only its header if the kernel was asked to cap it.
    length = 16 if flags & _NLM_F_CAPPED else (unpack_from("=I", data, 20)[0] + 3) & ~3
    return text(dict(parse_attributes(data[20 + length :])).get(_NLMSGERR_ATTR_MSG, b""))


def _address(family: int, data: bytes) -> str:
    return _socket.inet_ntop(_socket.AF_INET6 if family == netlink.AF_INET6 else _socket.AF_INET, data)
