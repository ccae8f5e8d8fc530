"""A container's bundle, ROOT/containers/ID/bundle: the directory that holds the container's spec, config.json.

The runtime makes the container from the spec, which is drawn in runtime/spec.py.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.engine.record import containers
from mydocker.errors import Damaged, NotFound
from mydocker.runtime.spec import SPEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Spec

# What lies beside the bundle and is mounted into the container's /etc.
ETC_FILES = ("hostname", "hosts", "resolv.conf")


def path(paths: Paths, container_id: str) -> str:
    """Return the path of a container's spec."""
    return f"{paths.container(container_id)}/bundle/config.json"


def load(paths: Paths, container_id: str, secrets: Iterable[str] = ()) -> Spec:
    """Return a container's spec. Raises NotFound if the container was removed meanwhile, or Damaged.

    secrets: NAME=VALUE, more variables for its process, which must be in no file
    """
    try:
        spec: Spec = store.read_document(path(paths, container_id), SPEC)
    except FileNotFoundError as error:
        if containers.is_gone(paths, container_id):
            raise NotFound(f"no such container: {container_id[:12]}") from error
        raise Damaged(f"{path(paths, container_id)}: is missing") from error
    spec["process"]["env"] += secrets
    return spec


def save(paths: Paths, container_id: str, spec: Spec, sync: bool = True) -> None:
    """Replace a container's spec. `sync` is explained in store.write_atomic."""
    store.write_json(path(paths, container_id), spec, sync=sync)


def settle(paths: Paths, record: Record) -> None:
    """Wait until a container's files and its claim are on the disk, before its record is.

    When a record is on the disk, so are the names of the files beside it. In a power cut, ext4 loses the content of those without fsync(2).
    """
    directory = paths.container(record["id"])
    files = [path(paths, record["id"]), *(f"{directory}/{name}" for name in ETC_FILES)]
    for file in (*files, f"{paths.names}/{record['name']}"):
        if os.path.lexists(file):  # with the host's network, there are those that the host has
            store.to_disk(file)
