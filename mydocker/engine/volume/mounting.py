"""What a container mounts: the mount points of its flags, of other containers and of its image, and what has to be made for them."""

from __future__ import annotations

import os

from mydocker.engine.record import containers
from mydocker.engine.request.mounts import unique, volume_point
from mydocker.engine.volume import options, volumes
from mydocker.errors import BadInput
from mydocker.steps.base import Step, command, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mydocker.engine.record.containers import MountPoint
    from mydocker.engine.request.options import Options
    from mydocker.paths import Paths


class MakeHostDirectory(Step):
    """Make the host directory of a bind (-v) and its parents if it does not exist, as docker does."""

    path: str

    def apply(self) -> None:
        os.makedirs(self.path, mode=0o755, exist_ok=True)

    def describe(self) -> str:
        return f"mkdir -p {quote(self.path)}"

    def shell(self) -> str:
        return command("mkdir", "-p", self.path)


def plan_mounts(paths: Paths, asked: Options, of_image: Iterable[str]) -> list[MountPoint]:
    """Return all mount points of a container: those of the flags, of other containers (--volumes-from) and of the image.

    of_image: the destinations that the image's VOLUMEs name.

    Raises BadInput if the source of a bind must exist and does not.
    """
    points = [point for point in asked.mounts if not point["anonymous"]]
    for name, writable in reversed(asked.volumes_from):  # as with docker, of two at one place the last one counts
        record = containers.load(paths, containers.resolve(paths, name))
        for point in record["mounts"]:  # nothing of this container's image is copied into them
            point |= {"rw": point["rw"] and writable, "copy": False}
        points += [point for point in record["mounts"] if _is_new(points, point)]
    # A -v without a name, and a VOLUME, ask only for some volume at their place.
    for point in [*(point for point in asked.mounts if point["anonymous"]), *map(volume_point, sorted(of_image))]:
        points += [point] if _is_new(points, point) else []
    return unique([_with_source(paths, point) for point in points])


def _is_new(points: list[MountPoint], point: MountPoint) -> bool:
    return all(other["destination"] != point["destination"] for other in points)


def _with_source(paths: Paths, point: MountPoint) -> MountPoint:
    if point["type"] == "volume" and not point["source"]:
        name = point["name"] or containers.new_id()
        return _with_options(paths, {**point, "name": name, "source": f"{volumes.directory(paths, name)}/_data"})
    if point["type"] == "bind" and not point["create"] and not os.path.exists(point["source"]):
        raise BadInput(f"bind source path does not exist: {point['source']}")
    return point


def _with_options(paths: Paths, point: MountPoint) -> MountPoint:
    """Return the mount point of a volume with the options that the volume has or, if it is to be made, will have."""
    if os.path.isdir(volumes.directory(paths, point["name"])):
        point["driverOptions"] = volumes.load(paths, point["name"])["options"]
    found = point.get("driverOptions")
    if not found:
        return point
    options.check(found)
    if options.is_bind(found) and not os.path.exists(found["device"]):
        raise BadInput(f"volume {point['name']}: its device does not exist: {found['device']}")
    return {**point, "copy": False}  # what it is belongs to somebody else


def mount_steps(paths: Paths, points: list[MountPoint]) -> list[Step]:
    """Return the steps that make the volumes and the host directories that are to be mounted and do not exist yet."""
    steps: list[Step] = []
    for point in points:
        if point["type"] == "volume" and not os.path.isdir(volumes.directory(paths, point["name"])):
            wanted = point.get("driverOptions", {})
            steps += volumes.make_steps(paths, point["name"], point["labels"], point["anonymous"], wanted)
        elif point["type"] == "bind" and point["create"] and not os.path.exists(point["source"]):
            steps.append(MakeHostDirectory(point["source"]))
    return steps
