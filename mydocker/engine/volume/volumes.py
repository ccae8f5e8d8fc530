"""Volumes: directories below ROOT/volumes that outlive containers.

    volumes/NAME/_data             what containers see
    volumes/NAME/volume.json       VOLUME below
    volumes/NAME/never-filled      there if no container has used the volume yet. See first_use.py, also for what else may be there

A volume is made under a temporary name and then renamed, so it is complete or not there.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.engine.record import damage, events
from mydocker.engine.record.moments import timestamp
from mydocker.engine.record.sizes import tree_size
from mydocker.engine.record.undo import AllOrNothing
from mydocker.engine.volume.first_use import MARKER
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.paths import Paths
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import MakeDir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from mydocker.shape import Shape
    from mydocker.steps.base import Run

    class Volume(TypedDict):
        """ROOT/volumes/NAME/volume.json."""

        name: str
        createdAt: str
        labels: dict[str, str]
        anonymous: bool
        options: dict[str, str]

    class VolumeDocument(TypedDict):
        """What `docker volume inspect` shows (Engine API, Volume)."""

        CreatedAt: str
        Driver: str
        Labels: dict[str, str]
        Mountpoint: str
        Name: str
        Options: dict[str, str]
        Scope: str


VOLUME: Shape = {
    "name!": "text",
    "createdAt!": "text",  # RFC 3339, UTC
    "labels": ({"*": "text"}, {}),
    "anonymous": ("truth", False),  # whether it was made for a container without a name from the user
    "options": ({"*": "text"}, {}),  # see options.py
}


class PrepareVolume(Step):
    """Make what a volume has, under another name, at which nobody looks for a volume."""

    paths: Paths
    name: str
    labels: dict[str, str]
    anonymous: bool  # whether the user gave it no name
    options: dict[str, str]  # see options.py

    def apply(self) -> None:
        partial = store.temporary(directory(self.paths, self.name))
        store.remove_tree(partial)  # a process that had our pid may have died and left it
        try:
            self._fill(partial)
        except OSError:
            store.remove_tree(partial)
            raise

    def _fill(self, partial: str) -> None:
        os.makedirs(f"{partial}/_data", mode=0o755)
        record = {**blank(self.name), "createdAt": timestamp(), "labels": self.labels, "anonymous": self.anonymous, "options": self.options}
        store.write_json(f"{partial}/volume.json", record)
        with open(f"{partial}/{MARKER}", "w"):
            pass

    def undo(self) -> None:
        store.remove_tree(store.temporary(directory(self.paths, self.name)))

    def describe(self) -> str:
        return f"mkdir _data for volume {quote(self.name)}, and write volume.json beside it"

    def shell(self) -> str:
        return command("mkdir", "-p", directory(self.paths, self.name) + "/_data")


class MakeVolume(Step):
    """Give a prepared volume its name unless there is one of that name. Undo removes it only if this step has made it."""

    __slots__ = ("paths", "path", "name", "made")

    def __init__(self, paths: Paths, name: str) -> None:
        self.paths = paths
        self.path = directory(paths, name)
        self.name = name
        self.made = False

    def apply(self) -> None:
        partial = store.temporary(self.path)
        try:
            os.rename(partial, self.path)
            self.made = True
        except OSError:
            store.remove_tree(partial)
            if not os.path.isdir(self.path):
                raise
        else:
            store.to_disk(self.paths.volumes)
            events.emit(self.paths, "volume", "create", self.name, {"driver": "local"})

    def undo(self) -> None:
        if self.made:
            store.discard(self.path)
            events.emit(self.paths, "volume", "destroy", self.name, {"driver": "local"})

    def describe(self) -> str:
        return f"rename volume {quote(self.name)} to {quote(self.path)}, unless there is one of that name"


def make_steps(paths: Paths, name: str, labels: dict[str, str], anonymous: bool, options: dict[str, str]) -> list[Step]:
    """Return the steps that make a volume, of which nobody sees a part.

    anonymous: whether the user gave it no name
    options: see options.py
    """
    return [PrepareVolume(paths, name, labels, anonymous, options), MakeVolume(paths, name)]


class RemoveVolume(Step):
    """Remove a volume and its data."""

    __slots__ = ("paths", "path", "name")

    def __init__(self, paths: Paths, name: str) -> None:
        self.paths = paths
        self.path = directory(paths, name)
        self.name = name

    def apply(self) -> None:
        store.discard(self.path)
        events.emit(self.paths, "volume", "destroy", self.name, {"driver": "local"})

    def describe(self) -> str:
        return f"remove volume {quote(self.path)}"

    def shell(self) -> str:
        return command("rm", "-rf", self.path)


def directory(paths: Paths, name: str) -> str:
    """Return a volume's directory."""
    return f"{paths.volumes}/{name}"


def names(paths: Paths) -> list[str]:
    """Return the names of all volumes."""
    try:
        return sorted(name for name in os.listdir(paths.volumes) if not name.startswith("."))
    except FileNotFoundError:
        return []


def load(paths: Paths, name: str) -> Volume:
    """Return a volume's record. Raises NotFound, Damaged."""
    path = f"{directory(paths, name)}/volume.json"
    try:
        if "/" in name or name.startswith("."):
            raise NotFound(f"no such volume: {name}")
        record: Volume = store.read_document(path, VOLUME)
    except FileNotFoundError as error:
        if os.path.isdir(directory(paths, name)):
            raise Damaged(f"{path}: is missing") from error
        raise NotFound(f"no such volume: {name}") from error
    return record


def every(paths: Paths) -> Iterator[tuple[Volume, bool]]:
    """Yield every volume's record, and whether it is damaged: then the record says the name and else nothing."""
    for name in names(paths):
        try:
            yield load(paths, name), False
        except NotFound:
            continue  # removed meanwhile
        except Damaged:
            yield blank(name), True


def blank(name: str) -> Volume:
    """Return a record for a volume of which nothing is known; it is no anonymous one, and so goes with no container."""
    return {"name": name, "createdAt": "", "labels": {}, "anonymous": False, "options": {}}


def document(paths: Paths, name: str) -> VolumeDocument:
    """Return what docker's volume inspect shows. Raises NotFound, Damaged."""
    record = load(paths, name)
    return {
        "CreatedAt": record["createdAt"],
        "Driver": "local",
        "Labels": dict(sorted(record["labels"].items())),
        "Mountpoint": f"{directory(paths, name)}/_data",
        "Name": name,
        "Options": record["options"],
        "Scope": "local",
    }


def create(run: Run, steps: list[Step]) -> None:
    """Make a volume by create_steps(). A failure undoes all of it."""
    with AllOrNothing(run):
        run.execute(steps)


def create_steps(
    paths: Paths, name: str, labels: dict[str, str], anonymous: bool = False, wanted: dict[str, str] | None = None
) -> list[Step]:
    """Return the steps that make a volume. Raises Conflict if there is one of that name with other options.

    wanted: its options
    """
    if wanted and os.path.isdir(directory(paths, name)) and load(paths, name)["options"] != wanted:
        raise Conflict(f"volume {name} exists already, with other options", "remove it, or use another name")
    return [
        MakeDir(paths.root, 0o700, True),
        MakeDir(paths.volumes, 0o700, True),
        *make_steps(paths, name, labels, anonymous, wanted or {}),
    ]


def users(paths: Paths, name: str) -> list[str]:
    """Return the names of the containers that mount a volume, or may do so: of a damaged one nobody knows."""
    return list(damage.mounting(paths, name).values())


def remove_steps(paths: Paths, name: str, force: bool = False) -> list[Step]:
    """Return the steps that remove a volume. Raises NotFound, Conflict while a container mounts it, and Damaged unless forced."""
    try:
        load(paths, name)
    except Damaged as error:
        if not force:
            raise Damaged(error.message, f"remove it: mydocker volume rm -f {name}") from error
    using = users(paths, name)
    if using:
        raise Conflict(f"cannot remove volume {name}: volume is in use by container {', '.join(using)}", "remove the container first")
    return [RemoveVolume(paths, name)]


def size(paths: Paths, name: str) -> int:
    """Return the size of a volume's files in bytes."""
    return tree_size(f"{directory(paths, name)}/_data")
