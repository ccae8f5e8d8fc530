"""login, logout and search: what concerns a registry as a whole."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from mydocker.engine.transfer.repository import first_answer
from mydocker.errors import NotFound, StepFailed
from mydocker.images.credentials import Credentials, Keyring
from mydocker.images.registries import HUB
from mydocker.images.registry import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.paths import Paths

# Docker Hub searches at another address than it keeps images.
_HUB_INDEX = "https://index.docker.io"
Result = dict[str, "Any"]


def domain_of(server: str) -> str:
    """Return the registry that a user names: 'docker.io' for none, a URL's host for a URL."""
    host = server.partition("://")[2] if "://" in server else server
    host = host.partition("/")[0]
    return HUB if host in ("", "index.docker.io", "registry-1.docker.io", "docker.io") else host


def login(paths: Paths, domain: str, credentials: Credentials) -> str:
    """Check credentials with a registry, then keep them; return the helper that has them, '' for the file. Raises Denied, Unreachable."""
    first_answer(paths, domain, "", "push", Repository.ping, credentials)
    return Keyring().keep(domain, credentials)


def known_user(paths: Paths, domain: str) -> str:
    """Return who is logged in, when the registry still takes those credentials; '' for nobody."""
    known = Keyring().find(domain)
    if known:
        first_answer(paths, domain, "", "push", Repository.ping, known)
    return known.user if known else ""


def search(paths: Paths, domain: str, term: str, limit: int) -> list[Result]:
    """Return what a registry offers for a term: objects with name, description, star_count, is_official.

    By the search of the first protocol, which Docker Hub and others have kept, else by looking through the list of repositories.
    Raises StepFailed when the registry offers neither.
    """
    query = urlencode({"q": term, "n": limit})

    def ask(repository: Repository) -> list[Result]:
        base = _HUB_INDEX if domain == HUB else repository.endpoint.url
        response = repository.endpoint.transport.request("GET", f"{base}/v1/search?{query}", {})
        if response.status == 200 and "json" in response.headers.get("Content-Type", ""):
            return list(json.loads(response.data).get("results") or [])
        return [{"name": f"{domain}/{name}"} for name in repository.catalog() if term in name]

    try:
        return first_answer(paths, domain, "", "search", ask)[1][:limit]
    except (NotFound, ValueError) as error:
        raise StepFailed(f"{domain} offers no search") from error
