"""`login`, `logout` and `search`: what concerns a registry as a whole."""

from __future__ import annotations

from urllib.parse import urlencode

from mydocker.engine.transfer.repository import first_answer
from mydocker.errors import NotFound, StepFailed
from mydocker.images.credentials import Credentials, Keyring
from mydocker.images.documents import read
from mydocker.images.registries import HUB
from mydocker.images.registry import Repository
from mydocker.steps.base import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.paths import Paths
    from mydocker.shape import Shape
    from mydocker.steps.base import Step

    class SearchResult(TypedDict):
        """A repository that a search has found."""

        name: str
        description: str
        star_count: int
        is_official: bool

    class SearchAnswer(TypedDict):
        """What a registry answers to a search."""

        results: list[SearchResult]


SEARCH_RESULT: Shape = {
    "name": ("text", ""),
    "description": ("text", ""),
    "star_count": ("natural", 0),
    "is_official": ("truth", False),
}
SEARCH_ANSWER: Shape = {"results": ([SEARCH_RESULT], [])}

# The search of Docker Hub is at another address than its images.
_HUB_INDEX = "https://index.docker.io"


def domain_of(server: str) -> str:
    """Return the registry that a user names: the host of a URL, or 'docker.io' if the user names none."""
    host = server.partition("://")[2] if "://" in server else server
    host = host.partition("/")[0]
    return HUB if host in ("", "index.docker.io", "registry-1.docker.io", "docker.io") else host


def searched(term: str) -> tuple[str, str]:
    """Return the registry's domain and the words to look for, of [REGISTRY/]TERM."""
    first, slash, rest = term.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return (domain_of(first), rest) if is_host else (domain_of(""), term)


def login_steps(paths: Paths, domain: str, credentials: Credentials) -> list[Step]:
    """Return what checks credentials with a registry, then keeps them. It raises Denied, Unreachable."""
    keyring = Keyring()
    return [
        Action(lambda: check(paths, domain, credentials), f"ask registry {domain} whether it takes the credentials"),
        Action(lambda: keyring.keep(domain, credentials), f"store the credentials for {domain} {_kept(keyring, domain)}"),
    ]


def logout_steps(domain: str) -> list[Step]:
    """Return what forgets the credentials for a registry, nothing if there are none."""
    keyring = Keyring()
    if not keyring.may_know(domain):
        return []
    return [Action(lambda: keyring.forget(domain), f"remove the credentials for {domain} {_kept(keyring, domain)}")]


def _kept(keyring: Keyring, domain: str) -> str:
    """Return where the credentials for a registry are kept, in words."""
    helper = keyring.helper(domain)
    return f"by docker-credential-{helper}, and their registry's name in {keyring.path}" if helper else f"in {keyring.path}"


class _Nobody:
    """What knows no credentials."""

    def find(self, host: str) -> None:
        """Return None."""


def check(paths: Paths, domain: str, credentials: Credentials | None) -> None:
    """Check with a registry that it lets in whoever has these credentials, None for nobody's. Raises Denied, Unreachable."""
    first_answer(paths, domain, "", "push", Repository.ping, credentials, _Nobody())


def known_user(paths: Paths, domain: str) -> str:
    """Return the name of the user who is logged in, or '' for nobody. Raises Denied if the registry refuses the credentials now."""
    known = Keyring().find(domain)
    if known:
        first_answer(paths, domain, "", "push", Repository.ping, known)
    return known.user if known else ""


def search(paths: Paths, domain: str, term: str, limit: int) -> list[SearchResult]:
    """Return the repositories of a registry that match a term.

    This uses the search of the first registry protocol, which Docker Hub and others have kept. If a registry does not have it, we look
    through the list of its repositories.

    Raises StepFailed if the registry offers neither.
    """
    query = urlencode({"q": term, "n": limit})

    def ask(repository: Repository) -> list[SearchResult]:
        base = _HUB_INDEX if domain == HUB else repository.endpoint.url
        response = repository.endpoint.transport.request("GET", f"{base}/v1/search?{query}", {})
        if response.status == 200 and "json" in response.headers.get("Content-Type", ""):
            answer: SearchAnswer = read(response.data, SEARCH_ANSWER, f"{base}: search")
            return answer["results"]
        names = [f"{domain}/{name}" for name in repository.catalog() if term in name]
        return [{"name": name, "description": "", "star_count": 0, "is_official": False} for name in names]

    try:
        return first_answer(paths, domain, "", "search", ask)[1][:limit]
    except NotFound as error:
        raise StepFailed(f"{domain} offers no search") from error
