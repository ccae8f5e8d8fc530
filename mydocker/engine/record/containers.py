"""Container records: ROOT/containers/ID/config.json, found by name, full id or unique prefix.

A record holds the seed's fields (pid, id, name, command, createTime, status) among others:

    id            64 hexadecimal digits
    name          claimed by names/NAME, which holds the id
    status        as last written: 'creating', 'created', 'running', 'exited', 'restarting'; the kernel has the last word (see state.py)
    pid           of init as last known, 0 when it is not running
    createTime    RFC 3339, UTC
    startedAt, finishedAt, exitCode, oomKilled, error
    stopped       whether a user had it end, so that it is not started again;  restartCount, restartDelay (seconds)
    command       list of strings: entrypoint and arguments
    image         reference as the user gave it;  imageId: hexadecimal digest of the image's config
    storageDriver 'overlay' | 'aufs' | 'vfs';     layers: chain ids, topmost first
    endpoints     {network: {aliases, ip, ip6, mac}}: what is asked for, '' and [] for nothing; {} with --network none, host, container:…
    ports         [{ip, first, last, container, protocol}]: what is to be published, see ports.py
    mounts        [{type, name, source, destination, mode, rw, propagation}]: volumes, binds, tmpfs
    config        {Env, Cmd, Entrypoint, WorkingDir, User, Labels, ExposedPorts, Volumes, StopSignal, Tty, OpenStdin …} as docker's
    hostConfig    what else the flags said, as docker's HostConfig
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import BadInput, Conflict, Damaged, NotFound
from mydocker.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    class Binding(TypedDict):
        """A port that is to be published."""

        ip: str
        first: int
        last: int
        container: int
        protocol: str

    class WantedEndpoint(TypedDict):
        """What is asked for on one network."""

        aliases: list[str]
        ip: str
        ip6: str
        mac: str

    Record = dict[str, Any]

_NAME_FIRST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_NAME_REST = _NAME_FIRST + "_.-"


def check_name(name: str) -> None:
    """Raise BadInput unless a container or volume may be called so (docker's rule)."""
    if len(name) < 2 or name[0] not in _NAME_FIRST or any(c not in _NAME_REST for c in name):
        raise BadInput(f"invalid name {name!r}: expected [a-zA-Z0-9][a-zA-Z0-9_.-]+")


def new_id() -> str:
    """Return a fresh container id, 64 hexadecimal digits."""
    return os.urandom(32).hex()


def ids(paths: Paths) -> list[str]:
    """Return the ids of all containers, also of those being created or half removed."""
    try:
        return sorted(os.listdir(paths.containers))
    except FileNotFoundError:
        return []


def resolve(paths: Paths, name: str) -> str:
    """Return the id of a container given by name, full id or unique id prefix.

    Raises NotFound, or Conflict when a prefix means several.
    """
    owner = store.claimed_by(f"{paths.names}/{name}") if "/" not in name and name not in ("", ".", "..") else None
    if owner and os.path.exists(paths.container(owner)):
        return owner
    matches = [i for i in ids(paths) if i.startswith(name)] if name else []
    if len(matches) > 1 and name not in matches:
        raise Conflict(f"{name!r} is the beginning of {len(matches)} container ids", "give more of its digits")
    if not matches:
        raise NotFound(f"no such container: {name}")
    return matches[0]


def load(paths: Paths, container_id: str) -> Record:
    """Return a record as it was last written. Raises NotFound or Damaged."""
    try:
        record: Record = store.read_json(f"{paths.container(container_id)}/config.json")
    except FileNotFoundError as error:
        raise NotFound(f"no such container: {container_id}") from error
    return record


def mounting(paths: Paths, volume: str) -> list[Record]:
    """Return the records of the containers that mount a volume, those without a whole record left out."""
    found = []
    for container_id in ids(paths):
        try:
            record = load(paths, container_id)
        except (NotFound, Damaged):
            continue  # half made or half removed
        if any(mount.get("name") == volume for mount in record["mounts"]):
            found.append(record)
    return found


def save(paths: Paths, record: Record, sync: bool = True) -> None:
    """Write a record atomically."""
    store.write_json(f"{paths.container(record['id'])}/config.json", record, sync=sync)
