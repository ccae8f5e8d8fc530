"""Writing ROOT/events.json: what happened to containers, images, volumes and networks, for `events`.

Each line is one of docker's event messages (EVENT below; Engine API, EventMessage). The file is bounded: above LIMIT bytes it becomes
events.json.1 and replaces the one before. Whoever does something writes the event with one write(2) that appends, so writers need no
lock. Whoever renames these files, or looks which of them are there, locks events.json.lock.
"""

from __future__ import annotations

import os
import time
from errno import EISDIR, ELOOP, ENOENT, ENXIO, EROFS

from mydocker import leanjson
from mydocker.errors import Damaged
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
        """The object that an event is about."""

        ID: str
        Attributes: dict[str, str]

    # A function call, as "from" is a keyword of Python.
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
    "status": "text",  # the first three are docker's older names for fields below
    "id": "text",
    "from": "text",
    "Type!": "text",  # container, image, volume or network
    "Action!": "text",
    "Actor!": ACTOR,
    "scope!": "text",
    "time!": "number",  # seconds since 1970
    "timeNano!": "number",  # nanoseconds since 1970
}

LIMIT = 1 << 20
_LOST = (*FULL, ENOENT, EROFS, EISDIR, ELOOP, ENXIO)


def of_container(paths: Paths, record: Record, action: str, **more: object) -> None:
    """Write an event about a container.

    Its attributes are the container's labels, image and name, and `more`.
    """
    attributes = {**record["config"]["Labels"], "image": record["image"], "name": record["name"]}
    emit(paths, "container", action, record["id"], {**attributes, **more}, record["image"])


def of_mounts(paths: Paths, record: Record, action: str) -> None:
    """Write an event for each volume that a container mounts: it was mounted or unmounted."""
    for mount in record["mounts"]:
        if mount["type"] == "volume":
            how = {"destination": mount["destination"], "propagation": mount["propagation"], "read/write": str(mount["rw"]).lower()}
            attributes = {"container": record["id"], "driver": "local", **(how if action == "mount" else {})}
            emit(paths, "volume", action, mount["name"], attributes)


def of_networks(paths: Paths, attachment: Attachment, container_id: str, action: str) -> None:
    """Write an event for each network of a container: the container was connected or disconnected."""
    for endpoint in attachment["endpoints"]:
        attributes = {"container": container_id, "name": endpoint["network"], "type": endpoint["driver"]}
        emit(paths, "network", action, endpoint["networkId"], attributes)


def emit(paths: Paths, kind: str, action: str, identity: str, attributes: Mapping[str, object], image: str = "") -> None:
    """Write an event.

    kind: container, image, volume or network.
    identity: the id of the object, or the name of a volume.
    attributes: more about the event. They are written as str() shows them.
    image: of a container, the reference of its image.

    What the event is about has happened already. So a full disk, a ROOT that is gone, or something else in the file's place is
    not an error: the event is lost.
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
        if error.errno not in _LOST:
            raise


def _append(path: str, line: bytes) -> None:
    # A FIFO in its place would have us wait for a reader.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
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
    except (BlockingIOError, FileNotFoundError, Damaged):
        return  # somebody else is at it, or was faster: the next event tries again
