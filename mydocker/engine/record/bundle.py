"""A container's bundle: CONTAINERS/ID/bundle/config.json, what the runtime makes the container from (drawn in runtime/spec.py)."""

from __future__ import annotations

from mydocker import store
from mydocker.runtime.spec import SPEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Spec


def path(paths: Paths, container_id: str) -> str:
    return f"{paths.container(container_id)}/bundle/config.json"


def load(paths: Paths, container_id: str) -> Spec:
    """Return a container's config.json. Raises FileNotFoundError, Damaged."""
    spec: Spec = store.read_document(path(paths, container_id), SPEC)
    return spec


def save(paths: Paths, container_id: str, spec: Spec, sync: bool = True) -> None:
    """Replace it; see store.write_atomic for `sync`."""
    store.write_json(path(paths, container_id), spec, sync=sync)
