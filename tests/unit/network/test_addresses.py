"""Subnets as numbers, against the standard library's ipaddress."""

from __future__ import annotations

import ipaddress
import random

import pytest

from mydocker.errors import BadInput
from mydocker.network.addresses import Subnet, parse, text

RANDOM = random.Random(20)


def some_network() -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    bits = RANDOM.choice((32, 128))
    prefix = RANDOM.randrange(1, bits)
    number = RANDOM.getrandbits(bits) >> (bits - prefix) << (bits - prefix)
    return (ipaddress.IPv4Network if bits == 32 else ipaddress.IPv6Network)((number, prefix))


@pytest.mark.parametrize("_", range(300))
def test_any_subnet_is_what_ipaddress_says(_: int) -> None:
    one, other = some_network(), some_network()
    subnet = Subnet.parse(str(one))
    assert (subnet.first, subnet.last) == (int(one.network_address), int(one.broadcast_address))
    assert Subnet.parse(str(subnet)).first == subnet.first
    assert subnet.size == one.num_addresses
    assert text(subnet.last, subnet.bits) == str(one.broadcast_address)
    if one.version == other.version:
        assert subnet.overlaps(Subnet.parse(str(other))) == one.overlaps(other)
        assert subnet.holds(Subnet.parse(str(other))) == other.subnet_of(one)  # type: ignore[arg-type]
    assert subnet.has(parse(str(other.network_address))) == (other.network_address in one)


@pytest.mark.parametrize(
    "words", ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "fd00::/129", "10.0.0/8", "::/٣"]
)
def test_nonsense_is_refused(words: str) -> None:
    with pytest.raises(BadInput, match="expected"):
        Subnet.parse(words)


def test_bits_after_the_prefix_are_refused_with_what_was_meant() -> None:
    with pytest.raises(BadInput, match=r"expected 10\.1\.0\.0/16"):
        Subnet.parse("10.1.2.3/16")
