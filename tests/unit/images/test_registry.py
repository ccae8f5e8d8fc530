"""The registry protocol against a registry on loopback: tokens, redirects, broken connections, lies."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_registry import FakeRegistry, digest_of

from mydocker.engine.transfer import accounts
from mydocker.engine.transfer.repository import first_answer
from mydocker.errors import BadInput, Damaged, Denied, NotFound, StepFailed, Unreachable
from mydocker.images import transport
from mydocker.images.credentials import Credentials
from mydocker.images.download import Download
from mydocker.images.registries import Endpoint, Registries
from mydocker.images.registry import Repository
from mydocker.images.transport import LONGEST_ANSWER, Transport
from mydocker.paths import Paths

DATA = os.urandom(300_000)
BLOB: Any = {"digest": digest_of(DATA), "size": len(DATA), "mediaType": "x"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are counted, not made; no proxy of the machine's."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setenv("no_proxy", "*")
    return pauses


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


def repository(registry: FakeRegistry, credentials: Credentials | None = None, actions: str = "pull") -> Repository:
    return Repository(Endpoint(f"http://{registry.address}", Transport([], True)), "a/b", actions, credentials)


def wants_token(registry: FakeRegistry, tokens: FakeRegistry) -> None:
    """Let a registry want a bearer token of a server."""

    def challenge(request: Any) -> bool:
        if request.headers.get("Authorization") == "Bearer good":
            return False
        header = f'Bearer realm="http://{tokens.address}/token",service="reg",scope="repository:a/b:pull"'
        request.answer(401, b'{"errors": [{"message": "who are you"}]}', WWW_Authenticate=header)
        return True

    def grant(request: Any) -> bool:
        request.answer(200, b'{"token": "good"}')
        return True

    registry.hooks.append(challenge)
    tokens.hooks.append(grant)


def test_a_manifest_comes_byte_by_byte(registry: FakeRegistry) -> None:
    digest = registry.add_image("1", {"os": "linux"}, [DATA])
    data, found = repository(registry).manifest("1")
    assert (data, found) == (registry.manifests["1"], digest)
    assert repository(registry).manifest(digest)[0] == data


def test_a_manifest_that_is_not_what_was_asked_for(registry: FakeRegistry) -> None:
    registry.manifests["sha256:" + "0" * 64] = b"{}"
    with pytest.raises(Damaged, match="expected sha256:0000"):
        repository(registry).manifest("sha256:" + "0" * 64)


def test_a_manifest_without_end(registry: FakeRegistry) -> None:
    registry.manifests["big"] = b" " * (5 << 20)
    with pytest.raises(Damaged, match="more than"):
        repository(registry).manifest("big")


def test_a_token_of_the_server_named(registry: FakeRegistry, other: FakeRegistry) -> None:
    wants_token(registry, other)
    registry.add_image("1", {}, [])
    repository(registry, Credentials(user="me", password="secret")).manifest("1")
    (_, path, authorization), *rest = other.asked
    assert not rest
    assert path == "/token?service=reg&scope=repository%3Aa%2Fb%3Apull&account=me"
    assert authorization == "Basic " + base64.b64encode(b"me:secret").decode()
    assert [a for _, _, a in registry.asked] == ["", "Bearer good"]


def test_an_identity_token_is_exchanged(registry: FakeRegistry, other: FakeRegistry) -> None:
    wants_token(registry, other)
    registry.add_image("1", {}, [])
    repository(registry, Credentials(user="", password="", token="identity")).manifest("1")
    assert [(method, path) for method, path, _ in other.asked] == [("POST", "/token")]


def test_basic_authentication(registry: FakeRegistry) -> None:
    basic = Credentials(user="me", password="secret").basic()

    def challenge(request: Any) -> bool:
        if request.headers.get("Authorization") != basic:
            request.answer(401, WWW_Authenticate='Basic realm="x"')
            return True
        return False

    registry.hooks.append(challenge)
    registry.add_image("1", {}, [])
    repository(registry, Credentials(user="me", password="secret")).manifest("1")
    for who in (None, Credentials(user="me", password="wrong")):
        with pytest.raises(Denied, match="access to manifest 1 of a/b is denied"):
            repository(registry, who).manifest("1")


def test_a_redirect_gets_no_authorization(registry: FakeRegistry, other: FakeRegistry) -> None:
    wants_token(registry, other)
    store = FakeRegistry()
    try:
        store.blobs[BLOB["digest"]] = DATA

        def away(request: Any) -> bool:
            if "/blobs/" in request.path:
                request.answer(307, Location=f"http://{store.address}{request.path}?signature=x")
                return True
            return False

        registry.hooks.append(away)
        with Download(repository(registry), BLOB) as download:
            assert download.read(10) == DATA[:10]
        assert [a for _, _, a in store.asked] == [""]
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["Basic realm=", "Bearer realm="])
def test_a_challenge_of_whom_a_redirect_leads_to_is_not_met(registry: FakeRegistry, other: FakeRegistry, kind: str) -> None:
    wants_credentials = f'{kind}"http://{other.address}/token",service="s"'
    other.hooks.append(lambda request: request.answer(401, WWW_Authenticate=wants_credentials) or True)
    registry.hooks.append(lambda request: request.answer(307, Location=f"http://{other.address}{request.path}") or True)
    for known in (Credentials(user="me", password="secret"), Credentials(user="", password="", token="identity")):
        with pytest.raises(Denied):
            repository(registry, known).manifest("1")
    assert {(method, authorization) for method, _, authorization in other.asked} == {("GET", "")}
    assert not any("token" in path for _, path, _ in other.asked)


def test_a_redirect_to_the_same_place_keeps_it(registry: FakeRegistry, other: FakeRegistry) -> None:
    wants_token(registry, other)
    registry.blobs[BLOB["digest"]] = DATA
    registry.hooks.append(lambda r: "/blobs/" in r.path and "again" not in r.path and (r.answer(307, Location="/again" + r.path) or True))
    with Download(repository(registry), BLOB) as download:
        assert download.read(10) == DATA[:10]


def test_a_redirect_without_end_and_one_away_from_tls(registry: FakeRegistry) -> None:
    registry.hooks.append(lambda request: request.answer(302, Location=request.path) or True)
    with pytest.raises(StepFailed, match="more than 10 redirects"):
        repository(registry).manifest("1")
    tls = Transport([], True)
    answer = type("Answer", (), {"status": 302, "headers": {"Location": "http://plain/"}, "close": lambda self: None})()
    tls._patiently = lambda *args: answer  # type: ignore[method-assign]
    with pytest.raises(StepFailed, match="https://safe/x redirects to http://plain/, which is not https"):
        tls.request("GET", "https://safe/x?secret", {})


def test_a_token_server_without_tls_is_only_believed_of_a_registry_without(registry: FakeRegistry) -> None:
    secure = Repository(Endpoint("https://registry.example", Transport([], True)), "a/b", "pull", Credentials(user="me", password="secret"))
    with pytest.raises(Denied, match="which is not https"):
        secure._meet(f'Bearer realm="http://{registry.address}/token"')
    assert not registry.asked


@pytest.mark.parametrize("at", [0, 1, 100_000, 299_999])
def test_a_broken_connection_is_resumed(registry: FakeRegistry, at: int, no_waiting: list[float]) -> None:
    registry.blobs[BLOB["digest"]] = DATA

    def cut(request: Any) -> bool:
        if request.headers.get("Range"):
            return False
        registry.hooks.remove(cut)  # first, because the client is back as soon as the connection is cut
        request.send_response(200)
        request.send_header("Content-Length", str(len(DATA)))
        request.end_headers()
        request.wfile.write(DATA[:at])
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
        return True

    registry.hooks.append(cut)
    with Download(repository(registry), BLOB) as download:
        received = b""
        while data := download.read(70_000):
            received += data
    assert received == DATA
    assert len(no_waiting) == 1


def test_a_registry_without_ranges_sends_the_rest_all_the_same(registry: FakeRegistry) -> None:
    registry.blobs[BLOB["digest"]] = DATA
    registry.hooks.append(lambda request: "/blobs/" in request.path and (request.answer(200, DATA) or True))
    response = repository(registry).open_blob(BLOB, 1000)
    assert response.read() == DATA[1000:]


def test_a_connection_that_always_ends_is_given_up(registry: FakeRegistry, no_waiting: list[float]) -> None:
    def cut(request: Any) -> bool:
        request.send_response(200)
        request.send_header("Content-Length", "300000")
        request.end_headers()
        request.close_connection = True
        return True

    registry.hooks.append(cut)
    with Download(repository(registry), BLOB) as download, pytest.raises(Unreachable, match="ended 6 times at byte 0 of 300000"):
        download.read()
    assert no_waiting == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_a_server_that_is_busy_is_asked_again(registry: FakeRegistry, no_waiting: list[float]) -> None:
    registry.add_image("1", {}, [])
    statuses = [503, 503, 429]
    registry.hooks.append(lambda request: bool(statuses) and (request.answer(statuses.pop(), Retry_After="7") or True))
    repository(registry).manifest("1")
    assert no_waiting == [7.0, 14.0, 28.0]


def test_a_server_that_stays_busy(registry: FakeRegistry, no_waiting: list[float]) -> None:
    registry.hooks.append(lambda request: request.answer(500) or True)
    with pytest.raises(StepFailed, match="manifest 1 of a/b: the registry answers 500"):
        repository(registry).manifest("1")
    assert no_waiting == [0.5, 1.0, 2.0, 4.0]


def test_nobody_listens(no_waiting: list[float]) -> None:
    nobody = Repository(Endpoint("http://127.0.0.1:1", Transport([], True)), "a", "pull", None)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1: connection refused"):
        nobody.manifest("1")
    assert not no_waiting


def test_tags_by_the_page(registry: FakeRegistry) -> None:
    def page(request: Any) -> bool:
        last = "last=" in request.path
        link = {} if last else {"Link": '</v2/a/b/tags/list?last=x>; rel="next"'}
        request.answer(200, json.dumps({"tags": ["three"] if last else ["one", "two"]}).encode(), **link)
        return True

    registry.hooks.append(page)
    assert repository(registry).tags() == ["one", "two", "three"]


def test_an_answer_without_end(registry: FakeRegistry) -> None:
    long = b" " * (LONGEST_ANSWER + 1)
    registry.hooks.append(lambda request: request.answer(200, long) or True)
    with pytest.raises(Unreachable, match=f"tags/list: an answer of more than {LONGEST_ANSWER} bytes"):
        repository(registry).tags()


def test_a_refusal_without_end(registry: FakeRegistry) -> None:
    long = b" " * (LONGEST_ANSWER + 1)
    registry.hooks.append(lambda request: request.answer(404, long) or True)
    with pytest.raises(Unreachable, match=f"manifests/1: an answer of more than {LONGEST_ANSWER} bytes"):
        repository(registry).manifest("1")


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (b'{"tags": 5}', Damaged, "tags of a/b: tags 5: expected a list"),
        (b'{"tags": [5]}', Damaged, r"tags of a/b: tags\[0\] 5: expected a text"),
        (b"[]", Damaged, r"tags of a/b: \[\]: expected an object"),
        (b"<html>", Unreachable, "an answer that is not JSON: b'<html>'"),
    ],
)
def test_bad_lists(registry: FakeRegistry, answer: bytes, error: type[Exception], message: str) -> None:
    registry.hooks.append(lambda request: request.answer(200, answer) or True)
    with pytest.raises(error, match=message):
        repository(registry).tags()


def test_a_null_list_is_empty(registry: FakeRegistry) -> None:
    registry.hooks.append(lambda request: request.answer(200, b'{"name": "a/b", "tags": null}') or True)
    assert repository(registry).tags() == []


def test_a_token_that_is_none(registry: FakeRegistry, other: FakeRegistry) -> None:
    other.hooks.append(lambda request: request.answer(200, b'{"token": {}}') or True)
    wants_token(registry, other)
    with pytest.raises(Damaged, match=r"a token for a/b: token \{\}: expected a text"):
        repository(registry).manifest("1")


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"errors": 5}', b'{"errors": [5]}', b'{"errors": []}', b'{"errors": [{"message": 5}]}'])
def test_reasons_that_are_none_are_left_out(registry: FakeRegistry, answer: bytes) -> None:
    registry.hooks.append(lambda request: request.answer(404, answer) or True)
    with pytest.raises(NotFound, match=r"^manifest 1 of a/b does not exist$"):
        repository(registry).manifest("1")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b'{"results": null}', []),
        (
            b'{"results": [{"name": "a", "star_count": 3, "pulls": 1}]}',
            [{"name": "a", "description": "", "star_count": 3, "is_official": False, "pulls": 1}],
        ),
    ],
)
def test_a_search(registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, found: list[Any]) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    registry.hooks.append(lambda request: request.answer(200, answer, Content_Type="application/json") or True)
    assert accounts.search(paths(tmp_path, {}), registry.address, "a", 5) == found


def test_a_bad_search(registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    registry.hooks.append(lambda request: request.answer(200, b'{"results": [{"name": 5}]}', Content_Type="application/json") or True)
    with pytest.raises(Damaged, match=r"search: results\[0\].name 5: expected a text"):
        accounts.search(paths(tmp_path, {}), registry.address, "a", 5)


def test_what_is_not_there(registry: FakeRegistry) -> None:
    with pytest.raises(NotFound, match=r"^manifest 1 of a/b does not exist: unknown$"):
        repository(registry).manifest("1")


def test_an_upload(registry: FakeRegistry, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(DATA)
    pushing = repository(registry, actions="pull,push")
    assert not pushing.has_blob(BLOB["digest"])
    with open(tmp_path / "blob", "rb") as content:
        pushing.upload(BLOB, content)
    assert pushing.has_blob(BLOB["digest"])
    assert registry.blobs[BLOB["digest"]] == DATA
    pushing.put_manifest("1", b"{}", "kind")
    assert registry.manifests["1"] == b"{}"


def test_an_upload_that_is_redirected_begins_anew(registry: FakeRegistry, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(DATA)
    redirected: list[str] = []

    def away(request: Any) -> bool:
        if request.command != "PUT" or redirected:
            return False
        redirected.append(request.path)
        request.answer(307, Location="/again" + request.path)
        return True

    registry.hooks.append(away)
    with open(tmp_path / "blob", "rb") as content:
        repository(registry, actions="pull,push").upload(BLOB, content)
    assert redirected
    assert registry.blobs[BLOB["digest"]] == DATA


def paths(tmp_path: Path, document: Any) -> Paths:
    (tmp_path / "config.json").write_text(json.dumps(document))
    return Paths(root=f"{tmp_path}/root", state=f"{tmp_path}/state", config=f"{tmp_path}/config.json")


def test_mirrors_come_first_and_may_fail(
    registry: FakeRegistry, other: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    mirrors = ["http://127.0.0.1:1", f"http://{other.address}", f"http://{registry.address}"]
    where = paths(tmp_path, {"registry-mirrors": mirrors})
    registry.add_image("3", {}, [])
    found, _ = first_answer(where, "docker.io", "library/alpine", "pull", lambda repository: repository.manifest("3"))
    assert found.endpoint.url == f"http://{registry.address}"
    assert [path for _, path, _ in other.asked] == ["/v2/library/alpine/manifests/3"]


@pytest.mark.parametrize(
    ("domain", "urls"),
    [
        ("docker.io", ["https://m.example", "https://registry-1.docker.io"]),
        ("registry.example", ["https://registry.example"]),
        ("localhost:5000", ["https://localhost:5000", "http://localhost:5000"]),
        ("127.0.0.9:1", ["https://127.0.0.9:1", "http://127.0.0.9:1"]),
        ("10.1.2.3", ["https://10.1.2.3", "http://10.1.2.3"]),
        ("lan:5000", ["https://lan:5000", "http://lan:5000"]),
        ("lan:5001", ["https://lan:5001"]),
    ],
)
def test_addresses(domain: str, urls: list[str], tmp_path: Path) -> None:
    where = paths(tmp_path, {"registry-mirrors": ["https://m.example/"], "insecure-registries": ["lan:5000", "10.0.0.0/8"]})
    assert [endpoint.url for endpoint in Registries(where.config).endpoints(domain)] == urls


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], r"config.json: \[\]: expected an object"),
        ({"registry-mirrors": "x"}, "config.json: registry-mirrors 'x': expected a list"),
        ({"insecure-registries": [5]}, r"config.json: insecure-registries\[0\] 5: expected a text"),
        ({"mirrors": []}, "unknown key 'mirrors'"),
        ({"registry-mirrors": ["mirror.example"]}, "invalid mirror 'mirror.example'"),
    ],
)
def test_a_bad_configuration_file(document: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises((BadInput, Damaged), match=message):
        Registries(paths(tmp_path, document).config)


def test_certificates_are_checked_and_more_can_be_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "registry.example").mkdir()
    (tmp_path / "registry.example/ca.crt").write_text("x")
    monkeypatch.setattr("mydocker.images.registries._CERTIFICATES", str(tmp_path))
    (endpoint,) = Registries("/nonexistent").endpoints("registry.example")
    assert endpoint.transport._ca_files == [f"{tmp_path}/registry.example/ca.crt"]
    assert endpoint.transport._verify
    assert transport.Transport([], True)._context().verify_mode.name == "CERT_REQUIRED"
