"""Whole rule sets, as text: nft's table and the same for iptables. MYDOCKER_REWRITE=1 records them anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydocker.network import iptables, nft

DATA = Path(__file__).parents[2] / "data" / "rules"
Documents = list[Any]
# How many of the networks and of the ports below there are.
CASES = {"empty": (0, 0), "one": (1, 0), "published": (1, 1), "everything": (4, 5)}


@pytest.fixture
def networks(make_network: Callable[..., Any]) -> Documents:
    return [
        make_network("172.17.0.0/16", interface="mydocker0"),
        make_network("172.18.0.0/16", "fd00:18::/64", interface="mb1"),
        make_network("172.19.0.0/16", interface="mb2", internal=True),
        make_network("172.20.0.0/16", interface="mb3", options={"masquerade": "false"}),
    ]


@pytest.fixture
def ports(make_published: Callable[..., Any]) -> Documents:
    return [
        make_published(address="172.17.0.2", port=8080, container=80),
        make_published(address="172.17.0.2", port=5353, container=53, ip="127.0.0.1", protocol="udp"),
        make_published(address="172.18.0.2", port=443, container=443),
        make_published(address="fd00:18::2", port=443, container=443),
        make_published(address="fd00:18::2", port=9, container=7, ip="fd00:99::1", protocol="sctp"),
    ]


@pytest.fixture
def case(request: pytest.FixtureRequest, networks: Documents, ports: Documents) -> tuple[str, Documents, Documents]:
    """Return a case's name, networks and published ports."""
    of_networks, of_ports = CASES[request.param]
    return request.param, networks[:of_networks], ports[:of_ports]


def compare(name: str, text: str) -> None:
    if "MYDOCKER_REWRITE" in os.environ:
        (DATA / name).write_text(text)
    assert text == (DATA / name).read_text()


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_the_whole_table(case: tuple[str, Documents, Documents]) -> None:
    name, networks, ports = case
    compare(f"{name}.nft", nft.whole("mydocker", networks, ports))


@pytest.mark.parametrize("family", ["4", "6"])
@pytest.mark.parametrize("case", CASES, indirect=True)
def test_the_same_for_iptables(case: tuple[str, Documents, Documents], family: str) -> None:
    name, networks, ports = case
    compare(f"{name}.iptables{family}", iptables.whole("mydocker", family, networks, ports))


def test_a_container_is_one_transaction_of_its_own_elements(ports: Documents) -> None:
    elements = [nft.port_element(each) for each in ports[:2]]
    assert nft.add("mydocker", elements) == (
        'add element inet mydocker any4 { tcp . 8080 comment "a1b2c3d4e5f6" : 172.17.0.2 . 80 }\n'
        'add element inet mydocker one4 { 127.0.0.1 . udp . 5353 comment "a1b2c3d4e5f6" : 172.17.0.2 . 53 }\n'
    )
    added, removed = nft.delete("mydocker", elements).splitlines()[:2], nft.delete("mydocker", elements).splitlines()[2:]
    assert added == nft.add("mydocker", elements).splitlines()
    assert removed == [
        "delete element inet mydocker any4 { tcp . 8080 }",
        "delete element inet mydocker one4 { 127.0.0.1 . udp . 5353 }",
    ]


def test_each_root_has_its_own_table() -> None:
    names = {nft.table_name(root) for root in ("/var/lib/mydocker", "/tmp/a", "/tmp/b")}
    assert len(names) == 3
    assert nft.table_name("/var/lib/mydocker") == "mydocker"
    assert all(len(iptables.prefix(name) + "PORTS") <= 28 for name in names)


def test_who_brings_packets_to_our_chains() -> None:
    rules = [f"-t {table} {chain} {' '.join(rule)}" for table, chain, rule in iptables.jumps("mydocker", "4")]
    assert rules == [
        "-t nat PREROUTING -m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j MYD-PORTS",
        "-t nat OUTPUT -m addrtype --dst-type LOCAL -j MYD-PORTS",
        "-t nat POSTROUTING -j MYD-POST",
        "-t raw PREROUTING -d 127.0.0.0/8 -j MYD-LOOP",
        "-t filter FORWARD -j MYD-FWD",
    ]
