"""The table of endpoints."""

from __future__ import annotations

import pytest

from mydocker.api import routes
from mydocker.api.protocol import Refused
from mydocker.errors import BadInput
from mydocker.version import NEWEST_API


@pytest.mark.parametrize(
    ("method", "path", "target", "words"),
    [
        ("GET", "/containers/json", "containers:list_", ()),
        ("GET", "/containers/web/json", "containers:inspect", ("web",)),
        ("GET", "/containers/json/json", "containers:inspect", ("json",)),
        ("GET", "/containers//web/json", "containers:inspect", ("/web",)),
        ("DELETE", "/containers/web", "containers:remove", ("web",)),
        ("DELETE", "/containers/web/alias", "containers:remove", ("web/alias",)),
        ("GET", "/images/registry.example:5000/tools/x:1/json", "images:inspect", ("registry.example:5000/tools/x:1",)),
        ("DELETE", "/images/a%2Fb", "images:remove", ("a/b",)),
        ("GET", "/images/get", "images:get", ()),
        ("GET", "/images/get/get", "images:get", ("get",)),
        ("HEAD", "/_ping", "system:ping", ()),
        ("GET", "/plugins", "system:plugins", ()),
    ],
)
def test_finding(method: str, path: str, target: str, words: tuple[str, ...]) -> None:
    assert routes.find(method, path) == (target, words)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/version", 404),
        ("GET", "/containers/a/b/top", 404),
        ("GET", "/containers//json", 404),
        ("POST", "/session", 404),
        ("POST", "/grpc", 404),
        ("POST", "/swarm/init", 503),
        ("GET", "/secrets", 503),
        ("POST", "/plugins/pull", 404),
        ("GET", "/plugins/some/json", 404),
    ],
)
def test_what_is_not_there(method: str, path: str, status: int) -> None:
    with pytest.raises(Refused) as caught:
        routes.find(method, path)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("path", "version", "rest"),
    [
        ("/v1.41/info", (1, 41), "/info"),
        ("/v1.24/info", (1, 24), "/info"),
        ("/info", NEWEST_API, "/info"),
        ("/version", NEWEST_API, "/version"),
        ("/volumes/v1.4", NEWEST_API, "/volumes/v1.4"),
    ],
)
def test_versions(path: str, version: tuple[int, int], rest: str) -> None:
    assert routes.version_of(path) == (version, rest)


@pytest.mark.parametrize("path", ["/v1.23/info", "/v1.999/info", "/v0.1/info", "/v2.0/info"])
def test_versions_that_are_not_spoken(path: str) -> None:
    with pytest.raises(BadInput, match="client version"):
        routes.version_of(path)


@pytest.mark.parametrize("target", sorted({target for _, _, target in routes.ROUTES}))
def test_every_route_leads_somewhere(target: str) -> None:
    assert (routes.endpoint(target).__doc__ or "").startswith(("GET", "HEAD", "POST", "PUT", "DELETE"))
