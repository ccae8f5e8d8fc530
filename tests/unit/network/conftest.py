"""Whole documents of the network, for tests that care about some of their fields."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from mydocker.network.attachments import ADDRESS, ATTACHMENT, ENDPOINT, PUBLISHED
from mydocker.network.records import NETWORK
from mydocker.shape import fit

# Fields → a document that has them, and others.
Make = Callable[..., Any]


def gateway(subnet: str) -> str:
    """Return the first address of ADDRESS/PREFIX, where the address is any in it."""
    return str(ip_network(subnet, strict=False)[1])


def maker(shape: Any, **usual: Any) -> Make:
    def make(**fields: Any) -> Any:
        document = {**usual, **fields}
        fit(document, shape)
        return document

    return make


@pytest.fixture(scope="session")
def make_network() -> Make:
    """Return make('10.7.0.0/16', …, driver='vxlan', …) → a network's record; the gateways are the first addresses."""
    make = maker(NETWORK, id="0123456789abcdef" * 4, name="net", driver="bridge", createdAt="2026-01-01T00:00:00Z", interface="mb1")

    def with_subnets(*subnets: str, **fields: Any) -> Any:
        entries = [{"subnet": each, "gateway": gateway(each)} for each in subnets]
        return make(subnets=entries, ipv6=any(":" in each for each in subnets), **fields)

    return with_subnets


@pytest.fixture(scope="session")
def make_endpoint() -> Make:
    """Return make('10.7.0.2', …, network='back', …) → an endpoint; the gateways are the first addresses of a /16."""
    usual = {"networkId": "e" * 64, "driver": "bridge", "interface": "eth0", "link": "md1.0", "mac": "02:42:0a:07:00:02", "isDefault": True}
    make = maker(ENDPOINT, network="net", owner="c" * 64, aliases=[], **usual)
    address = maker(ADDRESS, prefix=16)

    def with_addresses(*addresses: str, **fields: Any) -> Any:
        found = [address(address=each, gateway=gateway(f"{each}/16")) for each in addresses]
        return make(addresses=found, **fields)

    return with_addresses


@pytest.fixture(scope="session")
def make_published() -> Make:
    """Return make(…) → a published port."""
    return maker(PUBLISHED, owner="a1b2c3d4e5f6" * 5, ip="", port=8080, protocol="tcp", address="10.7.0.2", container=80)


@pytest.fixture(scope="session")
def make_attachment() -> Make:
    """Return make(…) → a container's network attachment."""
    return maker(ATTACHMENT, name="box", hostname="box", endpoints=[], published=[])
