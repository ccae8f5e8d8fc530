"""The images that a container mounts (--mount type=image), when it is made."""

from __future__ import annotations

from mydocker.engine.catalog import images
from mydocker.engine.monitor import staged
from mydocker.errors import BadInput, NoImage, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import MountPoint, Record
    from mydocker.engine.request.options import Options
    from mydocker.paths import Paths


def with_layers(paths: Paths, points: list[MountPoint]) -> list[MountPoint]:
    """Return the mount points, those of images with the layers. Raises NotFound for an image that is not here: nobody pulls it."""
    for point in points:
        if point["type"] == "image":
            try:
                point["layers"] = images.find(paths, point["name"]).chain_ids
            except NoImage as error:
                raise NotFound(f"mount at {point['destination']}: {error.message}", error.hint) from error
    return points


def check(options: Options, points: list[MountPoint]) -> None:
    """Raise BadInput if mount points and options exclude each other."""
    for point in filter(staged.is_staged, points):
        if options.userns not in ("", "host"):
            what = "type=image" if point["type"] == "image" else "volume-subpath"
            raise BadInput(f"--mount {what} and --userns {options.userns} exclude each other")


def images_of(paths: Paths, record: Record) -> list[images.Image]:
    """Return the images that a container mounts."""
    return [images.find(paths, point["name"]) for point in record["mounts"] if point["type"] == "image"]
