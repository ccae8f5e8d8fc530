"""Which containers are at rest: they have ended, or never began. A list of those that run leaves them out without reading all of each."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths

# So many bytes of a record hold its first fields, unless the container has a very long name.
_BEGINNING = 512


def without(paths: Paths, ids: list[str]) -> list[str]:
    """Return the ids of the containers that have a STATE/ID, and of those whose records do not say that they are at rest."""
    try:
        started = set(os.listdir(paths.state))
    except FileNotFoundError:
        started = set()
    return [container_id for container_id in ids if container_id in started or not _rests(paths, container_id)]


def _rests(paths: Paths, container_id: str) -> bool:
    """Say whether a record's first fields, as containers.save() writes them (id, name, status), say that a container is at rest."""
    try:
        beginning = store.read_whole(f"{paths.container(container_id)}/config.json", _BEGINNING)
    except (FileNotFoundError, Damaged):
        return False
    return beginning.partition(b'"status": "')[2].startswith((b'created"', b'exited"'))
