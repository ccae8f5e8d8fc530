"""The search for a repository that answers: the addresses of its registry are tried in order, with the credentials for each."""

from __future__ import annotations

from mydocker.errors import Error, Unreachable
from mydocker.images.credentials import Keyring
from mydocker.images.registries import Registries
from mydocker.images.registry import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from mydocker.images.credentials import Credentials
    from mydocker.images.registries import Endpoint
    from mydocker.paths import Paths

    Answer = TypeVar("Answer")

    class Keys(Protocol):
        """What knows credentials."""

        def find(self, host: str) -> Credentials | None:
            """Return the credentials for a registry, None for none."""


def first_answer(
    paths: Paths,
    domain: str,
    path: str,
    actions: str,
    question: Callable[[Repository], Answer],
    credentials: Credentials | None = None,
    keyring: Keys | None = None,
) -> tuple[Repository, Answer]:
    """Ask one address of a registry after the other. Return the repository that answered, and its answer.

    If a mirror fails in any way, the next address is tried. After an address of the registry itself, the next one is tried only if nobody
    answers.

    domain: the registry.
    path: the repository in it, '' for the registry as a whole.
    actions: what tokens are to allow, see Repository. Mirrors are asked only to 'pull'.
    question: asks a repository.
    credentials: used instead of those that are known.
    keyring: where the credentials are found, None for docker's config.json.

    Raises the error of the last address. If that was http after https, raises the error of https.
    """
    known = keyring or Keyring()
    endpoints = Registries(paths.config).endpoints(domain, mirrors=actions == "pull")
    failure: Error | None = None
    for endpoint in endpoints:
        repository = Repository(endpoint, path, actions, credentials or known.find(endpoint.host))
        try:
            return repository, question(repository)
        except Error as error:
            if not isinstance(error, Unreachable) and not endpoint.is_mirror:
                raise
            # If both https and http fail, the failure of https says more.
            failure = failure if _is_fallback(endpoint, endpoints) and failure else error
    assert failure
    raise failure


def _is_fallback(endpoint: Endpoint, endpoints: list[Endpoint]) -> bool:
    return endpoint is not endpoints[0] and endpoint.url.startswith("http://") and not endpoint.is_mirror
