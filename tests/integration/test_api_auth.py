"""POST /auth, with which clients ask whether a registry lets them in."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from services import Service

_GOOD = "Basic " + base64.b64encode(b"user:secret").decode()


class _Registry(BaseHTTPRequestHandler):
    """A registry that lets in everybody, or only one user."""

    wants = ""  # the value of the header Authorization

    def do_GET(self) -> None:
        """Say whether the client may come in."""
        is_in = not self.wants or self.headers.get("Authorization") == self.wants
        self.send_response(200 if is_in else 401)
        if not is_in:
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a registry. Its parameter: the header that it wants, '' for none"""
    handler = type("Handler", (_Registry,), {"wants": request.param})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("registry", "given", "status"),
    [
        ("", {}, 200),  # testcontainers for Python asks so where its user has no credentials
        ("", {"username": "", "password": ""}, 200),
        ("", {"username": "user", "password": "wrong"}, 200),
        (_GOOD, {"username": "user", "password": "secret"}, 200),
        (_GOOD, {"username": "user", "password": "wrong"}, 401),
        (_GOOD, {"username": "user"}, 401),
        (_GOOD, {}, 401),
    ],
    indirect=["registry"],
)
def test_a_registry_decides_who_comes_in(service: Service, registry: str, given: dict[str, str], status: int) -> None:
    found, told = service.ask("POST", "/auth", {**given, "serveraddress": registry})
    assert found == status, told
    assert status != 200 or told == {"IdentityToken": "", "Status": "Login Succeeded"}
