"""Attached by a WebSocket, as browsers do it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from conftest import Machine
from services import Service
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Pong, RejectConnection, Request


@pytest.fixture
def service(mydocker: Machine, service: Service) -> Iterator[Service]:
    """A service that runs, until the container is gone that each test here has."""
    yield service
    mydocker("rm", "-f", "job")


class Browser:
    """A client that speaks WebSocket."""

    def __init__(self, service: Service, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(service.path)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.send(Request(host="docker", target=path))

    def close(self) -> None:
        self.socket.close()

    def send(self, event: Event) -> None:
        self.socket.sendall(self.protocol.send(event))

    def until(self, kind: type[Event]) -> list[Event]:
        """Return all events up to the first of a kind."""
        found: list[Event] = []
        while not any(isinstance(event, kind) for event in found):
            data = self.socket.recv(65536)
            self.protocol.receive_data(data or None)
            found += self.protocol.events()
        return found

    def output_until(self, end: bytes) -> bytes:
        """Return the process's output, once it ends so."""
        found = b""
        while not found.endswith(end):
            found += b"".join(event.data for event in self.until(BytesMessage) if isinstance(event, BytesMessage))
        return found


def test_a_process_reads_and_writes(mydocker: Machine, service: Service) -> None:
    mydocker("create", "-i", "--name", "job", "busybox", "sh", "-c", "while read a; do echo $a; echo $a >&2; [ $a != end ] || exit 3; done")
    with closing(Browser(service, "/v1.41/containers/job/attach/ws?stream=1&stdin=1&stdout=1&stderr=1")) as browser:
        browser.until(AcceptConnection)
        mydocker("start", "job")
        browser.send(BytesMessage(b"hello\n"))
        assert browser.output_until(b"hello\nhello\n") == b"hello\nhello\n"  # without docker's frames
        browser.send(Ping(b"?"))
        assert [event.payload for event in browser.until(Pong) if isinstance(event, Pong)] == [b"?"]
        browser.send(BytesMessage(b"end\n"))
        events = browser.until(CloseConnection)
        assert [event.code for event in events if isinstance(event, CloseConnection)] == [1000]
        assert b"".join(event.data for event in events if isinstance(event, BytesMessage)) == b"end\nend\n"
    assert mydocker("wait", "job").stdout == "3\n"


def test_whoever_leaves_leaves_the_container(mydocker: Machine, service: Service) -> None:
    mydocker("run", "-dit", "--name", "job", "busybox", "cat")
    with closing(Browser(service, "/v1.41/containers/job/attach/ws?stream=1&stdin=1&stdout=1")) as browser:
        browser.until(AcceptConnection)
        browser.send(CloseConnection(code=1000))
        browser.until(CloseConnection)
    assert mydocker("inspect", "-f", "{{.State.Running}}", "job").stdout == "true\n"


@pytest.mark.parametrize(("name", "status"), [("nobody", 404), ("job", 400)])
def test_what_is_refused(mydocker: Machine, service: Service, name: str, status: int) -> None:
    mydocker("create", "--name", "job", "busybox", "true")
    if name == "job":  # a request that asks for no WebSocket
        assert service.ask("GET", f"/containers/{name}/attach/ws?stream=1")[0] == status
        return
    with closing(Browser(service, f"/v1.41/containers/{name}/attach/ws?stream=1")) as browser:
        (refused,) = (event for event in browser.until(RejectConnection) if isinstance(event, RejectConnection))
    assert refused.status_code == status
