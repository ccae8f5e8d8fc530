"""Claims on addresses: the lowest free one, never one that is reserved, never one twice, and free again when the owner is gone."""

from __future__ import annotations

import ipaddress
import os
import random
from pathlib import Path

import pytest

from mydocker.errors import BadInput, Conflict
from mydocker.network import ipam
from mydocker.network.ipam import Pool

RANDOM = random.Random(21)


def pool(directory: Path, subnet: str, gateway: str = "", part: str = "", alive: bool = True) -> Pool:
    first = str(next(ipaddress.ip_network(subnet).hosts()))
    return Pool({"subnet": subnet, "gateway": gateway or first, "range": part}, str(directory), lambda owner: alive)


@pytest.mark.parametrize("_", range(60))
def test_every_address_of_a_subnet_is_given_out_once_and_in_order(tmp_path: Path, _: int) -> None:
    """A property, against ipaddress: prefixes from /30 on, gateways and ranges anywhere."""
    prefix = RANDOM.randrange(24, 31)
    network = ipaddress.ip_network((RANDOM.getrandbits(32) >> (32 - prefix) << (32 - prefix), prefix))
    hosts = list(network.hosts())
    gateway = RANDOM.choice(hosts)
    part = RANDOM.choice([network, *network.subnets(RANDOM.randrange(0, 31 - prefix))])
    subject = pool(tmp_path, str(network), str(gateway), str(part))
    expected = [str(host) for host in hosts if host in part and host != gateway]
    assert [subject.claim(f"owner{number}") for number in range(len(expected))] == expected
    with pytest.raises(Conflict, match="no free address"):
        subject.claim("late")
    gone = RANDOM.choice(expected) if expected else ""
    if gone:
        ipam.release(str(tmp_path), gone, f"owner{expected.index(gone)}")
        assert subject.claim("late") == gone


@pytest.mark.parametrize("subnet", ["10.0.0.0/8", "fd00:1::/64", "172.16.0.0/12"])
def test_a_large_subnet_costs_no_more_than_its_claims(tmp_path: Path, subnet: str) -> None:
    subject = pool(tmp_path, subnet)
    hosts = ipaddress.ip_network(subnet).hosts()
    next(hosts)
    assert [subject.claim("me") for _ in range(20)] == [str(next(hosts)) for _ in range(20)]


def test_500_claims_by_8_processes_are_500_addresses(tmp_path: Path) -> None:
    children = []
    for worker in range(8):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                subject = pool(tmp_path, "10.9.0.0/16")
                got = [subject.claim(f"{worker}.{turn}") for turn in range(63 if worker < 4 else 62)]
                (tmp_path / f".got{worker}").write_text(" ".join(got))
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 8
    got = [address for worker in range(8) for address in (tmp_path / f".got{worker}").read_text().split()]
    assert len(got) == len(set(got)) == 500
    assert {owner for _, owner in ipam.held_by(str(tmp_path))} == {f"{w}.{t}" for w in range(8) for t in range(63 if w < 4 else 62)}


def test_what_the_dead_hold_is_free_when_it_is_needed(tmp_path: Path) -> None:
    full = pool(tmp_path, "10.0.0.0/30")
    assert full.claim("dead") == "10.0.0.2"
    with pytest.raises(Conflict, match=r"no free address in subnet 10\.0\.0\.0/30, from 10\.0\.0\.1 to 10\.0\.0\.2"):
        full.claim("living")
    assert pool(tmp_path, "10.0.0.0/30", alive=False).claim("living") == "10.0.0.2"
    assert pool(tmp_path, "10.0.0.0/30", alive=False).claim("third", "10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize("wanted", ["10.0.0.0", "10.0.0.255", "10.0.1.1", "fd00::1", "::"])
def test_an_address_that_no_container_can_have(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(BadInput, match="is not for a container in subnet"):
        pool(tmp_path, "10.0.0.0/24").claim("me", wanted)
    assert ipam.claims(str(tmp_path)) == []


def test_an_address_that_somebody_has(tmp_path: Path) -> None:
    subject = pool(tmp_path, "10.0.0.0/24")
    assert subject.claim("first", "10.0.0.9") == "10.0.0.9"
    with pytest.raises(Conflict, match=r"address 10\.0\.0\.9 is in use by container first"):
        subject.claim("second", "10.0.0.9")
    with pytest.raises(Conflict, match="gateway"):
        subject.claim("second", "10.0.0.1")


def test_an_ipv6_address_is_one_however_it_is_written(tmp_path: Path) -> None:
    subject = pool(tmp_path, "fd00::/64")
    assert subject.claim("first", "fd00:0:0::0009") == "fd00::9"
    with pytest.raises(Conflict, match="in use"):
        subject.claim("second", "fd00::9")


def test_only_the_owner_gives_back(tmp_path: Path) -> None:
    subject = pool(tmp_path, "10.0.0.0/24")
    subject.claim("me")
    ipam.release(str(tmp_path), "10.0.0.2", "somebody")
    assert ipam.claims(str(tmp_path)) == ["10.0.0.2"]
    ipam.release(str(tmp_path), "10.0.0.2", "me")
    ipam.release(str(tmp_path), "10.0.0.2", "me")
    assert ipam.claims(str(tmp_path)) == []
