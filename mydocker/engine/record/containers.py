"""Container records: what is known of each container, in ROOT/containers/ID/config.json (RECORD below).

A container is found by its name, its full id or a unique beginning of its id. A record holds the seed's fields (pid, id, name, command,
createTime, status) among others.
"""

from __future__ import annotations

import os

from mydocker import leanjson, store
from mydocker.engine.record import rest
from mydocker.engine.record.config import CONFIG
from mydocker.engine.record.hostconfig import HOST_CONFIG
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.images.reference import is_id
from mydocker.network.attachments import PUBLISHED
from mydocker.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.engine.record.config import Config
    from mydocker.engine.record.hostconfig import HostConfig
    from mydocker.network.attachments import Published
    from mydocker.shape import Shape

    class MountPoint(TypedDict):
        """One place where a container sees a volume, a directory of the host or a tmpfs."""

        type: str
        destination: str
        name: str
        source: str
        rw: bool
        propagation: str
        recursive: bool
        create: bool
        copy: bool
        anonymous: bool
        labels: dict[str, str]
        options: list[str]
        driverOptions: NotRequired[dict[str, str]]
        subpath: NotRequired[str]
        mode: NotRequired[str]
        staged: NotRequired[str]
        layers: NotRequired[list[str]]

    class Binding(TypedDict):
        """A published port as it was asked for."""

        ip: str
        first: int
        last: int
        container: int
        protocol: str

    class WantedEndpoint(TypedDict):
        """An endpoint as it was asked for."""

        aliases: list[str]
        ip: str
        ip6: str
        mac: str
        links: NotRequired[list[str]]
        linkLocal: NotRequired[list[str]]
        interface: NotRequired[str]
        driverOptions: NotRequired[dict[str, str]]
        gwPriority: NotRequired[int]

    class Builder(TypedDict):
        """The process whose build a container belongs to."""

        pid: int
        start: int | None

    class MadeBy(TypedDict):
        """The command line that made a container."""

        words: list[str]
        directory: str

    class Record(TypedDict):
        """ROOT/containers/ID/config.json."""

        id: str
        name: str
        status: str
        pid: int
        createTime: str
        startedAt: str
        finishedAt: str
        exitCode: int
        oomKilled: bool
        error: str
        stopped: bool
        kept: bool
        restartCount: int
        restartDelay: float
        command: list[str]
        image: str
        imageId: str
        storageDriver: str
        layers: list[str]
        mounts: list[MountPoint]
        endpoints: dict[str, WantedEndpoint]
        ports: list[Binding]
        published: list[Published]
        autoRemove: bool
        config: Config
        hostConfig: HostConfig
        builder: NotRequired[Builder]
        madeBy: NotRequired[MadeBy]


MOUNT_POINT: Shape = {
    "type!": "text",  # volume, bind, tmpfs or image
    "destination!": "text",
    "name": ("text", ""),  # of the volume or the image
    "source": ("text", ""),  # the path on the host
    "rw": ("truth", True),
    "propagation": ("text", ""),  # such as private or rslave, '' for the default
    "recursive": ("truth", True),  # a bind shows also what is mounted below its source
    "create": ("truth", False),  # make the source of a bind if it is not there
    "copy": ("truth", False),  # fill a new volume with what the image holds at its destination
    "anonymous": ("truth", False),  # the volume is removed with the container
    "labels": ({"*": "text"}, {}),  # of the volume, if it has to be made
    "options": (["text"], []),  # of a tmpfs, see tmpfs(5); of a bind, rro
    "driverOptions": {"*": "text"},  # of a volume that is more than a directory, see volume/options.py
    "subpath": "text",  # the directory of a volume or an image that is shown, if not all of it
    "mode": "text",  # what docker's inspect shows: the options of a -v as they were given, z for a volume without any
    "staged": "text",  # where the monitor mounts it first, see monitor/staged.py
    "layers": ["text"],  # of an image: its chain ids, topmost first
}

BINDING: Shape = {
    "ip": ("text", ""),  # '' for every address of the host
    "first!": "natural",  # the first host port to choose from, 0 for any port
    "last!": "natural",  # the last host port to choose from
    "container!": "natural",  # the container's port
    "protocol!": "text",
}

# A field is '' or [] where nothing is asked for.
WANTED_ENDPOINT: Shape = {
    "aliases": (["text"], []),
    "ip": ("text", ""),
    "ip6": ("text", ""),
    "mac": ("text", ""),
    "links": ["text"],  # CONTAINER:ALIAS, names that only this container has for others; on the default network by their ids
    "linkLocal": ["text"],  # more addresses of the interface, which reach no further than the network
    "driverOptions": {"*": "text"},  # of another driver: shown as they were given, and without an effect
    "interface": "text",  # what its interface is to be called, if not eth0 or the next number
    "gwPriority": "number",  # the network with the highest one is the way out; else the first
}

BUILDER: Shape = {"pid!": "natural", "start": ("natural", None)}  # a process is its pid and its start time, see kernel/tasks.py

MADE_BY: Shape = {
    "words!": ["text"],  # after the program's name
    "directory!": "text",  # where it was typed
}

RECORD: Shape = {
    "id!": "text",  # 64 hexadecimal digits
    "name!": "text",  # claimed by names/NAME, which holds the id
    # As last written: creating, created, running, exited, restarting or removing. What is true now, the kernel knows (state.py).
    "status!": "text",
    "pid": ("natural", 0),  # of init as last known, 0 if it does not run
    "createTime!": "text",  # RFC 3339, UTC
    "startedAt": ("text", ""),  # '' for never
    "finishedAt": ("text", ""),
    "exitCode": ("number", 0),
    "oomKilled": ("truth", False),
    "error": ("text", ""),  # why the last start failed, or why the log is not whole
    "stopped": ("truth", False),  # a user has ended it, so it is not started again
    "kept": ("truth", False),  # `restart` has ended it and is about to start it, so it is not removed, although autoRemove
    "restartCount": ("natural", 0),
    "restartDelay": ("real", 0.0),  # seconds that the monitor waited before this run
    "command!": ["text"],  # the entrypoint and its arguments
    "image": ("text", ""),  # the reference as the user gave it
    "imageId": ("text", ""),  # the hexadecimal digest of the image's configuration
    "storageDriver!": "text",  # overlay, aufs or vfs
    "layers!": ["text"],  # chain ids, topmost first
    "mounts": ([MOUNT_POINT], []),
    "endpoints": ({"*": WANTED_ENDPOINT}, {}),  # by network; {} with --network none, host or container:NAME
    "ports": ([BINDING], []),  # what is to be published, see request/ports.py
    "published": ([PUBLISHED], []),  # where the ports were in the last run; the next run publishes them there again
    "autoRemove": ("truth", False),
    "config!": CONFIG,
    "hostConfig!": HOST_CONFIG,
    "madeBy": MADE_BY,  # missing if it was a client of the API, or a build
    "builder": BUILDER,  # only of a container in which a build runs a command
}


def new_id() -> str:
    """Return a new container id: 64 hexadecimal digits."""
    return os.urandom(32).hex()


def ids(paths: Paths) -> list[str]:
    """Return the ids of all containers, including those that are being created or are half removed."""
    try:
        return sorted(name for name in os.listdir(paths.containers) if not name.startswith("."))
    except FileNotFoundError:
        return []


def resolve(paths: Paths, name: str) -> str:
    """Return the id of the container that a full id, a name or a unique beginning of an id means.

    Raises NotFound if there is none, Conflict if several ids begin so.
    """
    if is_id(name) and os.path.exists(paths.container(name)):
        return name  # another container may have it as its name
    owner = claimed_by(paths, name) if "/" not in name and name not in ("", ".", "..") else None
    if owner and os.path.exists(paths.container(owner)):
        return owner
    matches = [i for i in ids(paths) if i.startswith(name)] if name else []
    matches = matches or named(paths, name)
    if len(matches) > 1 and name not in matches:
        raise Conflict(f"{name!r} is the beginning of {len(matches)} container ids", "give more of its digits")
    if not matches:
        raise NotFound(f"no such container: {name}")
    return matches[0]


def claimed_by(paths: Paths, name: str) -> str | None:
    """Return the id of the container that claims a name, None for none, UNCLEAR when the claim is damaged."""
    owner = store.claimed_by(f"{paths.names}/{name}")
    return owner if owner is None or is_id(owner) else store.UNCLEAR


def named(paths: Paths, name: str) -> list[str]:
    """Return the ids of the containers whose records say that they have a name: what a claim says in one look, when it is there."""
    return [record["id"] for record in every(paths) if record["name"] == name and record["status"] not in ("creating", "removing")]


def load(paths: Paths, container_id: str) -> Record:
    """Return a record as it was last written. Raises NotFound or Damaged."""
    directory = paths.container(container_id)
    try:
        record: Record = store.read_document(f"{directory}/config.json", RECORD)
    except FileNotFoundError as error:
        if _has_lost_its_record(directory):
            raise Damaged(f"{directory}/config.json: is missing") from error
        raise NotFound(f"no such container: {container_id}") from error
    return record


def is_gone(paths: Paths, container_id: str) -> bool:
    """Say whether a container was removed, or is being removed."""
    try:
        return load(paths, container_id)["status"] == "removing"
    except NotFound:
        return True
    except Damaged:
        return False


def _has_lost_its_record(directory: str) -> bool:
    """Say whether there is more than a lock: a record comes before all else, and goes after it."""
    try:
        return any(name != "lock" and not name.startswith(".") for name in os.listdir(directory))
    except FileNotFoundError:
        return False


def survey(paths: Paths, at_rest: bool = True) -> tuple[list[Record], list[str]]:
    """Return every container's record, and the ids of those whose record is damaged; one without is being made, or half removed.

    at_rest: whether those count that have ended, or never began. To leave out a thousand of them takes less than to read them.
    """
    found, damaged = [], []
    for container_id in ids(paths) if at_rest else rest.without(paths, ids(paths)):
        try:
            found.append(load(paths, container_id))
        except NotFound:
            continue
        except Damaged:
            damaged.append(container_id)
    return found, damaged


def every(paths: Paths) -> list[Record]:
    """Return every container's record that can be read."""
    return survey(paths)[0]


def layers_of(record: Record) -> set[str]:
    """Return the chain ids of all layers that a container needs: its image's, and those of the images that it mounts."""
    return {chain_id for layers in (record["layers"], *(point.get("layers", []) for point in record["mounts"])) for chain_id in layers}


def save(paths: Paths, record: Record, sync: bool = True) -> None:
    """Replace a container's record, on a full disk too: how a run ended must be known. `sync` is explained in store.write_atomic."""
    store.write_reserving(f"{paths.container(record['id'])}/config.json", leanjson.dumps(record).encode(), sync)
