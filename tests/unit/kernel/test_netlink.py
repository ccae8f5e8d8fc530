"""Our few rtnetlink messages, against pyroute2's encoder: the same bytes, whatever order the attributes have."""

from __future__ import annotations

from struct import unpack_from
from typing import Any

import pytest
from pyroute2.netlink import nlmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from mydocker.kernel import netlink

MAC = "02:42:ac:14:00:02"


def decoded(data: bytes, kind: type[nlmsg]) -> dict[str, Any]:
    """Return what pyroute2 reads from a message."""
    message = kind(data)
    message.decode()
    return message  # type: ignore[no-any-return]


def attributes(message: Any) -> dict[str, Any]:
    return {name: attributes(value) if hasattr(value, "get_attr") else value for name, value in message["attrs"]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (netlink.new_bridge("br-1"), {"IFLA_IFNAME": "br-1", "IFLA_INFO_KIND": "bridge"}),
        (
            netlink.new_veth("v1", 5, "eth0", 9, MAC, 1400),
            {"IFLA_MASTER": 5, "IFLA_MTU": 1400, "IFLA_INFO_KIND": "veth"},
        ),
        (
            netlink.new_vxlan("vx", 42, 4789, 5, "10.0.0.1"),
            {"IFLA_VXLAN_ID": 42, "IFLA_VXLAN_PORT": 4789, "IFLA_VXLAN_LOCAL": "10.0.0.1", "IFLA_VXLAN_LEARNING": 1, "IFLA_MASTER": 5},
        ),
        (netlink.new_macvlan("m", 3, 9, MAC), {"IFLA_LINK": 3, "IFLA_NET_NS_FD": 9, "IFLA_ADDRESS": MAC, "IFLA_MACVLAN_MODE": "bridge"}),
        (netlink.new_ipvlan("i", 3, 9), {"IFLA_LINK": 3, "IFLA_NET_NS_FD": 9, "IFLA_INFO_KIND": "ipvlan", "IFLA_IPVLAN_MODE": 0}),
    ],
    ids=["bridge", "veth", "vxlan", "macvlan", "ipvlan"],
)
def test_links(data: bytes, expected: dict[str, Any]) -> None:
    message = decoded(data, ifinfmsg)
    found = flattened(attributes(message))
    assert message["header"]["length"] == len(data)
    assert message["header"]["type"] == 16
    assert {name: found.get(name) for name in expected} == expected


def flattened(tree: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= flattened(value) if isinstance(value, dict) else {name: value}
    return found


def test_the_peer_of_a_pair() -> None:
    message = attributes(decoded(netlink.new_veth("v1", 5, "eth0", 9, MAC, 1400), ifinfmsg))
    assert message["IFLA_IFNAME"] == "v1"
    peer = message["IFLA_LINKINFO"]["IFLA_INFO_DATA"]["VETH_INFO_PEER"]
    assert {key: peer[key] for key in ("IFLA_IFNAME", "IFLA_MTU", "IFLA_ADDRESS", "IFLA_NET_NS_FD")} == {
        "IFLA_IFNAME": "eth0",
        "IFLA_MTU": 1400,
        "IFLA_ADDRESS": MAC,
        "IFLA_NET_NS_FD": 9,
    }


@pytest.mark.parametrize(
    ("address", "prefix", "family", "broadcast"),
    [("172.20.0.2", 16, 2, "172.20.255.255"), ("10.1.2.3", 30, 2, "10.1.2.3"), ("10.1.2.2", 30, 2, "10.1.2.3"), ("fd00::2", 64, 10, None)],
)
def test_addresses(address: str, prefix: int, family: int, broadcast: str | None) -> None:
    message = decoded(netlink.add_address(7, address, prefix), ifaddrmsg)
    assert (message["family"], message["prefixlen"], message["index"]) == (family, prefix, 7)
    found = attributes(message)
    assert found["IFA_ADDRESS"] == found["IFA_LOCAL"] == address
    assert found.get("IFA_BROADCAST") == broadcast


def test_routes() -> None:
    default = decoded(netlink.add_route(7, "172.20.0.1"), rtmsg)
    assert attributes(default) == {"RTA_GATEWAY": "172.20.0.1", "RTA_OIF": 7}
    assert default["header"]["flags"] & 0x700 == 0x500  # NLM_F_CREATE and NLM_F_REPLACE: another default route gives way
    assert (default["dst_len"], default["table"], default["scope"], default["type"]) == (0, 254, 0, 1)
    other = decoded(netlink.add_route(7, "fe80::1", "fd01::", 48, onlink=True), rtmsg)
    assert attributes(other) == {"RTA_DST": "fd01::", "RTA_GATEWAY": "fe80::1", "RTA_OIF": 7}
    assert (other["family"], other["dst_len"], other["flags"]) == (10, 48, 4)


def test_neighbours_of_a_tunnel() -> None:
    message = decoded(netlink.add_forwarding(7, "00:00:00:00:00:00", "10.0.0.2"), ndmsg)
    assert (message["family"], message["ifindex"], message["state"], message["flags"]) == (7, 7, 0x80, 2)
    assert attributes(message)["NDA_LLADDR"] == "00:00:00:00:00:00"
    assert netlink.address_bytes("10.0.0.2") in netlink.add_forwarding(7, "00:00:00:00:00:00", "10.0.0.2")


@pytest.mark.parametrize(
    ("data", "kind", "change"),
    [
        (netlink.set_up(3), 16, 1),
        (netlink.set_name(3, "eth0"), 16, 0),
        (netlink.set_hairpin(3), 16, 0),
        (netlink.set_alias(3, "mydocker:x"), 16, 0),
        (netlink.delete_link(3), 17, 0),
    ],
)
def test_changes_of_a_link(data: bytes, kind: int, change: int) -> None:
    message = decoded(data, ifinfmsg)
    assert (message["header"]["type"], message["index"], message["change"]) == (kind, 3, change)


def test_every_message_is_aligned() -> None:
    """Several are sent one behind the other."""
    for name in ("a", "ab", "abc", "abcd"):
        data = netlink.new_bridge(name)
        assert len(data) % 4 == 0
        assert unpack_from("=I", data)[0] == len(data)
