"""What happened, for `events`: one docker event message (EVENT below; Engine API, EventMessage) a line in ROOT/events.json.

Bounded: at LIMIT bytes the file becomes events.json.1, in place of the one before. Whoever does something writes its event, with one
write(2) that appends, so that writers need no lock; who renames or looks for the files locks events.json.lock.
"""

from __future__ import annotations

import os
import time
from errno import ENOENT

from mydocker import leanjson
from mydocker.store import FULL, Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NotRequired, TypedDict

    from mydocker.engine.record.containers import Record
    from mydocker.network.attachments import Attachment
    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class Actor(TypedDict):
        """What an event happened to."""

        ID: str
        Attributes: dict[str, str]

    # "from" is a word of Python's.
    Event = TypedDict(
        "Event",
        {
            "status": NotRequired[str],
            "id": NotRequired[str],
            "from": NotRequired[str],
            "Type": str,
            "Action": str,
            "Actor": Actor,
            "scope": str,
            "time": int,
            "timeNano": int,
        },
    )

ACTOR: Shape = {
    "ID!": "text",
    "Attributes": ({"*": "text"}, {}),
}

EVENT: Shape = {
    "status": "text",  # these three are docker's older names for what follows
    "id": "text",
    "from": "text",
    "Type!": "text",  # container, image, volume or network
    "Action!": "text",
    "Actor!": ACTOR,
    "scope!": "text",
    "time!": "number",  # seconds since 1970
    "timeNano!": "number",
}

LIMIT = 1 << 20


def of_container(paths: Paths, record: Record, action: str, **more: object) -> None:
    """Record that something happened to a container; attributes are its labels, image and name, and `more`."""
    attributes = {**record["config"]["Labels"], "image": record["image"], "name": record["name"]}
    emit(paths, "container", action, record["id"], {**attributes, **more}, record["image"])


def of_mounts(paths: Paths, record: Record, action: str) -> None:
    """Record that the volumes of a container were mounted or unmounted."""
    for mount in record["mounts"]:
        if mount["type"] == "volume":
            where = {"container": record["id"], "destination": mount["destination"], "driver": "local"}
            emit(
                paths,
                "volume",
                action,
                mount["name"],
                {**where, "propagation": mount["propagation"], "read/write": str(mount["rw"]).lower()},
            )


def of_networks(paths: Paths, attachment: Attachment, container_id: str, action: str) -> None:
    """Record that a container came onto its networks or left them."""
    for endpoint in attachment["endpoints"]:
        attributes = {"container": container_id, "name": endpoint["network"], "type": endpoint["driver"]}
        emit(paths, "network", action, endpoint["networkId"], attributes)


def emit(paths: Paths, kind: str, action: str, identity: str, attributes: Mapping[str, object], image: str = "") -> None:
    """Record that something happened; attributes are told as str() shows them.

    What it tells of has happened: on a full disk, or a root that is gone, the event is lost.
    """
    now = time.time_ns()
    old_names = {"status": action, "id": identity, "from": image} if kind in ("container", "image") else {}
    message = {
        **{key: value for key, value in old_names.items() if value},
        "Type": kind,
        "Action": action,
        "Actor": {"ID": identity, "Attributes": {key: str(value) for key, value in attributes.items()}},
        "scope": "local",
        "time": now // 10**9,
        "timeNano": now,
    }
    try:
        _append(paths.events, leanjson.dumps(message).encode() + b"\n")
    except OSError as error:
        if error.errno not in (*FULL, ENOENT):
            raise


def _append(path: str, line: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line)
        is_full = os.fstat(descriptor).st_size > LIMIT
    finally:
        os.close(descriptor)
    if is_full:
        _rotate(path)


def _rotate(path: str) -> None:
    try:
        with Lock(path + ".lock", wait=False):
            if os.stat(path).st_size > LIMIT:
                os.rename(path, path + ".1")
    except (BlockingIOError, FileNotFoundError):
        return  # somebody else is at it, or was faster: the next event tries again
