"""HTTP, chunks, and raw streams."""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydocker.api import handler, protocol
from mydocker.api.protocol import Connection, Gone, Refused
from mydocker.paths import Paths

Pair = tuple[Connection, socket.socket]

GET = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"


def answered(connection: Connection, client: socket.socket) -> tuple[bytes, bytes]:
    """Close the connection; return the head and the body of what the client has got."""
    connection.socket.shutdown(socket.SHUT_WR)
    data = b""
    while piece := client.recv(65536):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def test_an_answer_has_docker_s_headers(ends: Pair) -> None:
    connection, client = ends
    client.sendall(GET)
    assert connection.request()
    connection.answer(200, b"OK", "text/plain")
    head, body = answered(connection, client)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    for line in (b"Api-Version: 1.44", b"Ostype: linux", b"Docker-Experimental: false", b"Content-Length: 2", b"Content-Type: text/plain"):
        assert line in head
    assert body == b"OK"


def test_head_gets_no_body(ends: Pair) -> None:
    connection, client = ends
    client.sendall(GET.replace(b"GET", b"HEAD"))
    assert connection.request()
    connection.answer(200, b"OK", "text/plain")
    head, body = answered(connection, client)
    assert (b"Content-Length: 2" in head, body) == (True, b"")


@pytest.mark.parametrize("sent", [b"", GET[:20]])
def test_a_client_that_says_nothing_more_loses_its_connection(ends: Pair, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, client = ends
    client.sendall(sent)
    monkeypatch.setattr(protocol, "_PATIENCE", 0.01)
    assert connection.request() is None


@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 401, 403, 404, 409, 413, 431, 500, 501, 503])
def test_a_status_has_its_name_in_the_first_line(ends: Pair, status: int) -> None:
    connection, client = ends
    client.sendall(GET)
    assert connection.request()
    connection.answer(status)
    assert answered(connection, client)[0].startswith(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode())


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_no_type_and_no_length(ends: Pair, status: int) -> None:
    connection, client = ends
    client.sendall(GET)
    assert connection.request()
    connection.answer(status)
    head, body = answered(connection, client)
    assert (b"Content-" in head, body) == (False, b"")


def test_a_connection_answers_one_request_after_the_other(ends: Pair) -> None:
    connection, client = ends
    client.sendall(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GET)
    for target in (b"/a", b"/_ping"):
        request = connection.request()
        assert request and request.target == target
        connection.answer(200, b"{}")
    client.shutdown(socket.SHUT_WR)
    assert connection.request() is None


def test_chunks_come_at_once(ends: Pair) -> None:
    connection, client = ends
    client.sendall(GET)
    assert connection.request()
    connection.begin()
    assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    connection.line({"a": 1})
    assert client.recv(65536) == b'9\r\n{"a":1}\r\n\r\n'
    connection.end()
    assert client.recv(65536) == b"0\r\n\r\n"


def test_a_client_that_wants_to_be_told_to_go_on_is(ends: Pair) -> None:
    connection, client = ends
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert connection.request()
    pieces = connection.body()
    client.sendall(b"ab")
    assert b"".join(pieces) == b"ab"
    connection.answer(200, b"{}")
    assert client.recv(65536).startswith(b"HTTP/1.1 100 ")


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"]
)
def test_what_is_no_http_is_refused(ends: Pair, data: bytes) -> None:
    connection, client = ends
    client.sendall(data)
    with pytest.raises(Refused, match="malformed request") as caught:
        connection.request()
    assert caught.value.status == 400


def test_a_head_that_is_too_long_is_refused(ends: Pair) -> None:
    connection, client = ends
    client.setblocking(False)
    try:
        client.send(b"GET / HTTP/1.1\r\nX: " + b"x" * (protocol.MOST_HEAD + 1))
    except BlockingIOError:
        pytest.skip("the socket takes less than a head may have")
    client.shutdown(socket.SHUT_WR)
    with pytest.raises(Refused):
        connection.request()


def test_a_document_that_is_too_long_is_refused(ends: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_JSON", 10)
    connection, client = ends
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n" + b"x" * 11)
    assert connection.request()
    with pytest.raises(Refused) as caught:
        connection.whole_body()
    assert caught.value.status == 413


def test_a_body_that_ends_too_early_is_no_body(ends: Pair) -> None:
    connection, client = ends
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nabc")
    client.shutdown(socket.SHUT_WR)
    assert connection.request()
    with pytest.raises((Gone, Refused)):
        connection.whole_body()


@pytest.mark.parametrize(("upgrade", "first"), [(True, b"HTTP/1.1 101 UPGRADED"), (False, b"HTTP/1.1 200 OK")])
def test_a_connection_that_is_taken_over_hands_on_what_has_come(ends: Pair, upgrade: bool, first: bytes) -> None:
    connection, client = ends
    header = b"Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else b""
    client.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + header + b"\r\n{}typed already")
    assert connection.request()
    assert connection.whole_body() == b"{}"
    assert connection.hijack("application/vnd.docker.raw-stream", upgrade) == b"typed already"
    connection.send_raw(b"output")
    head, body = answered(connection, client)
    assert head.startswith(first)
    assert (b"Upgrade: tcp" in head, body) == (upgrade, b"output")
    assert connection.request() is None


def test_whoever_half_closes_is_still_there(ends: Pair) -> None:
    connection, client = ends
    client.shutdown(socket.SHUT_WR)
    assert not connection.is_gone()
    client.close()
    assert connection.is_gone()


@given(st.sampled_from([1, 2]), st.binary(max_size=300))
def test_frames(stream: int, data: bytes) -> None:
    found = protocol.frame(stream, data)
    assert found == bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@pytest.mark.parametrize(
    ("version", "is_tty", "expected"),
    [((1, 41), False, protocol.RAW), ((1, 42), False, protocol.MULTIPLEXED), ((1, 42), True, protocol.RAW)],
)
def test_the_type_of_a_stream(version: tuple[int, int], is_tty: bool, expected: str) -> None:
    assert protocol.stream_type(version, is_tty) == expected


def asked(paths: Paths, request: bytes) -> tuple[int, object]:
    """Return the status and the document of what a child of the service answers."""
    ours, theirs = socket.socketpair()
    theirs.sendall(request)
    theirs.shutdown(socket.SHUT_WR)
    handler.serve(paths, Connection(ours))
    ours.close()
    data = b""
    while piece := theirs.recv(65536):
        data += piece
    theirs.close()
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if body else None


@pytest.mark.parametrize(
    ("target", "status", "message"),
    [
        ("/v1.41/nothing", 404, "page not found"),
        ("/v1.23/version", 400, "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client"),
        ("/v1.99/version", 400, "client version 1.99 is too new. Maximum supported API version is 1.44"),
        ("/v1.41/swarm", 503, "This node is not a swarm manager."),
        ("/v1.41/containers/nosuch/json", 404, "No such container: nosuch"),
        ("/v1.41/containers/json?filters=nonsense", 400, "invalid filter"),
        ("/v1.41/images/nosuch/json", 404, "No such image: nosuch:latest"),
        ("/v1.41/networks/nosuch", 404, "network nosuch not found"),
        ("/v1.41/volumes/nosuch", 404, "get nosuch: no such volume"),
        ("/v1.41/exec/nosuch/json", 404, "No such exec instance: nosuch"),
        ("/v1.41/containers/%00/json", 400, "invalid path"),
        ("/v1.41/images/json?filters=%00", 400, "invalid query"),
    ],
)
def test_what_cannot_be_answered(paths: Paths, target: str, status: int, message: str) -> None:
    found, document = asked(paths, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert found == status
    assert isinstance(document, dict) and list(document) == ["message"]
    assert str(document["message"]).startswith(message)


def test_what_nobody_foresaw_is_told_with_the_place_of_its_story(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(call: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("mydocker.api.system.version", broken)
    found, document = asked(paths, b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
    assert found == 500
    assert isinstance(document, dict)
    assert "the full story: " in document["message"]
    assert list(Path(paths.errors).iterdir())


def test_an_error_after_the_head_is_the_last_line(ends: Pair) -> None:
    connection, client = ends
    client.sendall(GET)
    assert connection.request()
    connection.begin()
    handler.tell(connection, Refused(500, "it broke"))
    _, body = answered(connection, client)
    assert json.loads(body.split(b"\r\n")[1]) == {"errorDetail": {"message": "it broke"}, "error": "it broke"}
    assert body.endswith(b"0\r\n\r\n")
