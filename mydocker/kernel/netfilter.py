"""Asking the kernel which chains and rules nf_tables has. That takes 0.1 ms; running nft takes 5 ms.

Source: <linux/netfilter/nf_tables.h>.
"""

from __future__ import annotations

import _socket
import os
from errno import EINVAL, ENOENT, EOPNOTSUPP, EPROTONOSUPPORT
from struct import pack, unpack_from

from mydocker.kernel.netlink import attribute, parse_attributes, text
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NETLINK_NETFILTER = 12
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP = 1, 0x300
_GETCHAIN = 10 << 8 | 4  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETCHAIN
_GETRULE = 10 << 8 | 7
_RULE_TABLE, _RULE_CHAIN, _RULE_HANDLE = 1, 2, 3
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY = 1, 3, 4, 5
_HOOK_NUMBER = 1
_FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}
_NF_INET_FORWARD, _NF_DROP = 2, 0
_BUFFER = 1 << 16


class Chain(Value):
    """One chain of nf_tables."""

    family: str  # 'inet', 'ip' or 'ip6'
    table: str  # the name of the table that it is in
    name: str
    is_forward: bool  # the kernel hands it the packets that the host forwards
    does_drop: bool  # the kernel hands it these packets, and drops what none of its rules accepts


def chains() -> list[Chain]:
    """Return the chains of the network namespace that this process is in. A kernel without nf_tables has none."""
    return [_chain(family, found) for family, found in _dump(_GETCHAIN, 0, b"")]


def rules(chain: Chain) -> list[tuple[int, bytes]]:
    """Return (handle, data) of each rule of a chain. The data is all that the kernel says about the rule."""
    names = [(_RULE_TABLE, chain.table), (_RULE_CHAIN, chain.name)]
    wanted = b"".join(attribute(kind, name) for kind, name in names)
    answers = _dump(_GETRULE, next(number for number, name in _FAMILIES.items() if name == chain.family), wanted)
    return [
        (unpack_from("!Q", found[_RULE_HANDLE])[0], b"".join(found.values()))
        for _, found in answers
        if text(found[_RULE_TABLE]) == chain.table and text(found[_RULE_CHAIN]) == chain.name
    ]


def _dump(kind: int, family: int, wanted: bytes) -> list[tuple[str, dict[int, bytes]]]:
    """Return the (family, attributes) of every object.

    kind: what is asked for, _GETCHAIN or _GETRULE.
    family: the family of the objects, or 0 for all.
    wanted: attributes that say which objects are wanted.
    """
    try:
        netlink = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
    except OSError as error:
        if error.errno == EPROTONOSUPPORT:
            return []
        raise
    try:
        netlink.send(pack("=IHHIIBBH", 20 + len(wanted), kind, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0, family, 0, 0) + wanted)
        return list(_answers(netlink))
    finally:
        netlink.close()


def _answers(netlink: _socket.socket) -> Iterator[tuple[str, dict[int, bytes]]]:
    while True:
        data = netlink.recv(_BUFFER)
        position = 0
        while position < len(data):
            length, kind = unpack_from("=IH", data, position)
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR:
                number = -unpack_from("=i", data, position + 16)[0]
                if number in (ENOENT, EINVAL, EOPNOTSUPP):
                    return  # The kernel has no nf_tables.
                raise OSError(number, os.strerror(number))
            family = _FAMILIES.get(data[position + 16])
            if family:
                yield family, dict(parse_attributes(data[position + 20 : position + length]))
            position += (length + 3) & ~3


def _chain(family: str, found: dict[int, bytes]) -> Chain:
    hook = dict(parse_attributes(found.get(_CHAIN_HOOK, b"")))
    is_forward = _HOOK_NUMBER in hook and unpack_from("!I", hook[_HOOK_NUMBER])[0] == _NF_INET_FORWARD
    policy = unpack_from("!I", found[_CHAIN_POLICY])[0] if _CHAIN_POLICY in found else 1
    return Chain(
        family=family,
        table=text(found[_CHAIN_TABLE]),
        name=text(found[_CHAIN_NAME]),
        is_forward=is_forward,
        does_drop=is_forward and policy == _NF_DROP,
    )
