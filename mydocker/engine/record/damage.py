"""Containers whose record is damaged: what is known of them all the same.

Lists go on past such a container and show what is known. Who removes what nobody needs takes it that this one may need it, also when
it was put away (ROOT/damaged).
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.engine.record import containers
from mydocker.errors import Damaged
from mydocker.shape import fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NotRequired, TypedDict

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class Mount(TypedDict):
        """One of them."""

        name: NotRequired[str]
        source: NotRequired[str]

    class Mounts(TypedDict):
        """What is mounted in a container."""

        mounts: list[Mount]


# What of a record, and of a bundle, says which volumes a container mounts.
MOUNT: Shape = {"name": "text", "source": "text"}
MOUNTS: Shape = {"mounts!": [MOUNT]}
# docker's word for a container that is there and cannot be used.
DEAD = "dead"


def stand_in(paths: Paths, container_id: str) -> Record:
    """Return a record for one that cannot be read: it says the id and the name, and else nothing."""
    document: Any = {
        "id": container_id,
        "name": name_of(paths, container_id),
        "status": DEAD,
        "createTime": "",
        "command": [],
        "storageDriver": "",
        "layers": [],
        "config": {},
        "hostConfig": {"CgroupPath": f"/mydocker/{container_id}"},
    }
    fit(document, containers.RECORD)
    record: Record = document
    return record


def name_of(paths: Paths, container_id: str) -> str:
    """Return the name that a container claims, its short id when none is known."""
    return next(iter(names_of(paths, container_id)), container_id[:12])


def names_of(paths: Paths, container_id: str) -> list[str]:
    """Return the names that a container claims."""
    names = sorted(os.listdir(paths.names)) if os.path.isdir(paths.names) else []
    return [name for name in names if store.claimed_by(f"{paths.names}/{name}") == container_id]


def put_away(paths: Paths, *kinds: str) -> list[str]:
    """Return what of these kinds is in ROOT/damaged, see system/aside.py."""
    kept = sorted(os.listdir(paths.damaged)) if os.path.isdir(paths.damaged) else []
    places = [f"{paths.damaged}/{name}" for name in kept if name.partition("-")[0] in kinds]
    return [f"{place}/{name}" for place in places for name in os.listdir(place)]


def mounting(paths: Paths, volume: str) -> dict[str, str]:
    """Return the names, by id, of the containers that mount a volume, or may do so."""
    records, damaged = containers.survey(paths)
    mounts = [record for record in records if any(mount["name"] == volume for mount in record["mounts"])]
    may = [i for i in damaged if _may_mount(paths.container(i), volume)]
    away = [os.path.basename(path) for path in put_away(paths, "container") if _may_mount(path, volume)]
    return {**{record["id"]: record["name"] for record in mounts}, **{i: name_of(paths, i) for i in (*may, *away)}}


def _may_mount(directory: str, volume: str) -> bool:
    """Say whether what is left of a container names a volume, its record or its bundle; without one nobody knows."""
    for path in (f"{directory}/config.json", f"{directory}/bundle/config.json"):
        try:
            known: Mounts = store.read_document(path, MOUNTS)
        except (FileNotFoundError, Damaged):
            continue
        return any(volume == mount.get("name") or f"/{volume}/_data" in mount.get("source", "") for mount in known["mounts"])
    return True
