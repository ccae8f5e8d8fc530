"""A client and a connection of the service, in one process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mydocker.api.call import Call
from mydocker.api.protocol import Connection
from mydocker.paths import Paths

# A connection whose request was read, and the client's end of it.
Pair = tuple[Connection, socket.socket]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A ROOT and a STATE in which there is nothing."""
    return Paths(str(tmp_path / "root"), str(tmp_path / "state"), config=str(tmp_path / "config.json"))


@pytest.fixture
def ends() -> Iterator[Pair]:
    """A connection, and the client's end."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    yield Connection(ours), theirs
    ours.close()
    theirs.close()


@pytest.fixture
def call(ends: Pair, paths: Paths) -> Callable[..., Call]:
    """A function that makes a request: query, body, version."""

    def make(query: str = "", body: bytes = b"", version: tuple[int, int] = (1, 41), kind: str = "application/json") -> Call:
        connection, client = ends
        head = f"POST / HTTP/1.1\r\nHost: docker\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        assert connection.request()
        return Call(paths, connection, ("word",), query, {"content-type": kind}, version)

    return make


def received(client: socket.socket) -> bytes:
    """Return all that a client receives until the end."""
    found = b""
    while data := client.recv(65536):
        found += data
    return found
