"""Claims on the host's ports are bound sockets: on loopback, where nothing leaves the machine."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from mydocker.errors import BadInput, Conflict
from mydocker.network.portclaims import ClaimPort


def binding(first: int = 0, last: int = 0, protocol: str = "tcp", ip: str = "127.0.0.1") -> Any:
    return {"ip": ip, "first": first, "last": last or first, "container": 80, "protocol": protocol}


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_claim_excludes_others_and_nobody_listens(protocol: str) -> None:
    first = ClaimPort(binding(protocol=protocol))
    first.apply()
    assert first.port > 1023
    with pytest.raises(Conflict, match=f"port 127.0.0.1:{first.port}/{protocol} is in use on this host"):
        ClaimPort(binding(first.port, protocol=protocol)).apply()
    if protocol == "tcp":
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", first.port), 1)
    first.undo()
    again = ClaimPort(binding(first.port, protocol=protocol))
    again.apply()
    again.undo()


def test_a_port_on_every_address_excludes_one_on_any() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Conflict):
            ClaimPort(binding(port, ip="")).apply()


def test_one_of_a_range() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        claim = ClaimPort(binding(port, port + 20))
        claim.apply()
        assert port < claim.port <= port + 20
        claim.undo()


def test_the_same_as_the_last_time_if_it_is_free() -> None:
    first = ClaimPort(binding())
    first.apply()
    other = ClaimPort(binding(), first.port)
    other.apply()
    assert other.port != first.port
    first.undo()
    again = ClaimPort(binding(), first.port)
    again.apply()
    assert again.port == first.port
    for claim in (other, again):
        claim.undo()


def test_connections_that_were_closed_a_moment_ago_do_not_stand_in_the_way() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    accepted, _ = server.accept()
    accepted.close()  # first to close: its end stays in TIME_WAIT
    client.close()
    server.close()
    claim = ClaimPort(binding(port))
    claim.apply()
    assert claim.port == port
    # It is a claim like any other: nobody listens, and nobody else can.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", port))  # with SO_REUSEADDR
    claim.undo()


def test_an_address_of_nobody_here() -> None:
    with pytest.raises(BadInput, match=r"192\.0\.2\.1: no interface has this address"):
        ClaimPort(binding(8080, ip="192.0.2.1")).apply()


def test_how_it_is_told() -> None:
    assert ClaimPort(binding(80, ip="")).describe() == "bind a tcp socket to 80/tcp"
    assert ClaimPort(binding(80, 90, "udp", "::1")).describe() == "bind a udp socket to [::1]:80-90/udp"
    assert ClaimPort(binding(ip="")).describe() == "bind a tcp socket to any port/tcp"
