"""A container's bundle, ROOT/containers/ID/bundle: the directory that holds the container's spec, config.json.

The runtime makes the container from the spec, which is drawn in runtime/spec.py.
"""

from __future__ import annotations

from mydocker import store
from mydocker.runtime.spec import SPEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mydocker.paths import Paths
    from mydocker.runtime.spec import Spec


def path(paths: Paths, container_id: str) -> str:
    """Return the path of a container's spec."""
    return f"{paths.container(container_id)}/bundle/config.json"


def load(paths: Paths, container_id: str, secrets: Iterable[str] = ()) -> Spec:
    """Return a container's spec. Raises FileNotFoundError or Damaged.

    secrets: NAME=VALUE, more variables for its process, which must be in no file
    """
    spec: Spec = store.read_document(path(paths, container_id), SPEC)
    spec["process"]["env"] += secrets
    return spec


def save(paths: Paths, container_id: str, spec: Spec, sync: bool = True) -> None:
    """Replace a container's spec. `sync` is explained in store.write_atomic."""
    store.write_json(path(paths, container_id), spec, sync=sync)
