"""Whole rule sets, as text: nft's table and the same for iptables. MYDOCKER_REWRITE=1 records them anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mydocker.network import iptables, nft

DATA = Path(__file__).parents[2] / "data" / "rules"


def network(interface: str, *subnets: str, internal: bool = False, **options: str) -> dict[str, Any]:
    records = [{"subnet": subnet, "gateway": "", "range": ""} for subnet in subnets]
    return {"interface": interface, "subnets": records, "internal": internal, "options": options}


def port(address: str, outside: int, inside: int, ip: str = "", protocol: str = "tcp") -> dict[str, Any]:
    return {"owner": "a1b2c3d4e5f6" * 5, "ip": ip, "port": outside, "protocol": protocol, "address": address, "container": inside}


NETWORKS = [
    network("mydocker0", "172.17.0.0/16"),
    network("mb1", "172.18.0.0/16", "fd00:18::/64"),
    network("mb2", "172.19.0.0/16", internal=True),
    network("mb3", "172.20.0.0/16", masquerade="false"),
]
PORTS = [
    port("172.17.0.2", 8080, 80),
    port("172.17.0.2", 5353, 53, "127.0.0.1", "udp"),
    port("172.18.0.2", 443, 443),
    port("fd00:18::2", 443, 443),
    port("fd00:18::2", 9, 7, "fd00:99::1", "sctp"),
]
CASES = {"empty": ([], []), "one": (NETWORKS[:1], []), "published": (NETWORKS[:1], PORTS[:1]), "everything": (NETWORKS, PORTS)}


def compare(name: str, text: str) -> None:
    if "MYDOCKER_REWRITE" in os.environ:
        (DATA / name).write_text(text)
    assert text == (DATA / name).read_text()


@pytest.mark.parametrize("case", CASES)
def test_the_whole_table(case: str) -> None:
    compare(f"{case}.nft", nft.whole("mydocker", *CASES[case]))


@pytest.mark.parametrize("family", ["4", "6"])
@pytest.mark.parametrize("case", CASES)
def test_the_same_for_iptables(case: str, family: str) -> None:
    compare(f"{case}.iptables{family}", iptables.whole("mydocker", family, *CASES[case]))


def test_a_container_is_one_transaction_of_its_own_elements() -> None:
    elements = [nft.port_element(each) for each in PORTS[:2]]
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
