"""One rule of nf_tables, given to the kernel directly: what is sent from here to one address and port goes to another port there.

Running nft takes 5 ms, this takes 0.2 ms. Source: <linux/netfilter/nf_tables.h>, <linux/netfilter/nfnetlink.h>.
"""

from __future__ import annotations

import _socket
import os
from struct import pack, unpack_from

from mydocker.kernel.netlink import attribute

_NETLINK_NETFILTER = 12
_BATCH_BEGIN, _BATCH_END = 16, 17
_NFTABLES = 10  # NFNL_SUBSYS_NFTABLES
_NEWTABLE, _NEWCHAIN, _NEWRULE = (_NFTABLES << 8 | kind for kind in (0, 3, 6))
_REQUEST, _ACK, _CREATE = 1, 4, 0x400
_IPV4 = 2  # NFPROTO_IPV4
_TABLE = "mydocker"
_CHAIN = "names"
_LOCAL_OUT, _NAT_PRIORITY = 3, -100  # NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST
_NETWORK, _TRANSPORT = 1, 2  # NFT_PAYLOAD_*_HEADER
_DESTINATION, _DESTINATION_PORT = (_NETWORK, 16, 4), (_TRANSPORT, 2, 2)  # (header, offset, length)
_REGISTER = 1
_DNAT = 1


def redirect(address: str, port: int, to: int) -> None:
    """Lead UDP and TCP from this process's network namespace to address:port to another port of that address.

    Raises OSError, for example where the kernel has no nf_tables or no NAT.
    """
    expressions = [
        *_is(_DESTINATION, _socket.inet_aton(address)),
        *_is(_DESTINATION_PORT, pack("!H", port)),
        _expression("immediate", [(1, _number(_REGISTER)), (2, attribute(1, pack("!H", to)))]),
        _expression("nat", [(1, _number(_DNAT)), (2, _number(_IPV4)), (5, _number(_REGISTER))]),
    ]
    hook = attribute(1, _number(_LOCAL_OUT)) + attribute(2, pack("!i", _NAT_PRIORITY))
    _send(
        [
            _message(_NEWTABLE, attribute(1, _TABLE)),
            _message(_NEWCHAIN, attribute(1, _TABLE) + attribute(3, _CHAIN) + attribute(4 | _NESTED, hook) + attribute(7, "nat")),
            _message(_NEWRULE, attribute(1, _TABLE) + attribute(2, _CHAIN) + attribute(4 | _NESTED, b"".join(expressions)), _ACK),
        ]
    )


_NESTED = 0x8000


def _number(value: int) -> bytes:
    return pack("!I", value)


def _is(place: tuple[int, int, int], value: bytes) -> list[bytes]:
    """Return the expressions that let a packet pass whose bytes at a place are these."""
    header, offset, length = place
    load = [(1, _REGISTER), (2, header), (3, offset), (4, length)]
    return [
        _expression("payload", [(kind, _number(each)) for kind, each in load]),
        _expression("cmp", [(1, _number(_REGISTER)), (2, _number(0)), (3, attribute(1, value))]),
    ]


def _expression(name: str, attributes: list[tuple[int, bytes]]) -> bytes:
    data = b"".join(attribute(kind, value) for kind, value in attributes)
    return attribute(1 | _NESTED, attribute(1, name) + attribute(2 | _NESTED, data))


def _message(kind: int, body: bytes, flags: int = 0) -> bytes:
    return pack("=IHHIIBBH", 20 + len(body), kind, _REQUEST | _CREATE | flags, 0, 0, _IPV4, 0, 0) + body


def _send(messages: list[bytes]) -> None:
    """Send messages that the kernel does all or none of. Raises OSError with the kernel's reason."""
    ends = [pack("=IHHIIBBH", 20, kind, _REQUEST, 0, 0, 0, 0, _socket.htons(_NFTABLES)) for kind in (_BATCH_BEGIN, _BATCH_END)]
    netlink = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
    try:
        netlink.settimeout(5)
        netlink.send(ends[0] + b"".join(messages) + ends[1])
        number = -unpack_from("=i", netlink.recv(4096), 16)[0]
    finally:
        netlink.close()
    if number:
        raise OSError(number, os.strerror(number))
