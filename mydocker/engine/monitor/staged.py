"""What has to be mounted before a container can show it: an image (--mount type=image), or a directory of a volume (volume-subpath).

    ROOT/containers/ID/mounts/NUMBER/shown     what the container's mount binds, seen in the monitor's mount namespace only
                                    /image     an image of which only a directory is shown
                                    /upper …   the storage driver's, into which nothing is written

The directory is looked up inside the volume or the image, and bound by its descriptor: no symlink leads out of it.
"""

from __future__ import annotations

import os

from mydocker.errors import NotFound
from mydocker.kernel import inroot, mounts
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import MakeDir
from mydocker.steps.mounts import Unmount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mydocker.engine.record.containers import MountPoint, Record
    from mydocker.storage.base import StorageDriver


class BindInside(Step):
    """Bind a directory that lies inside another one."""

    root: str
    path: str  # inside the root
    target: str

    def apply(self) -> None:
        try:
            descriptor = inroot.open_in(self.root, self.path, os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            raise NotFound(f"subpath {self.path!r} of {self.root}: {error.strerror}") from error
        try:
            mounts.mount(inroot.by_descriptor(descriptor), self.target, None, mounts.MS_BIND)
        finally:
            os.close(descriptor)

    def undo(self) -> None:
        mounts.umount(self.target, mounts.MNT_DETACH)

    def describe(self) -> str:
        return f"bind {quote(self.path)} inside {quote(self.root)} to {quote(self.target)}"

    def shell(self) -> str:
        return command("mount", "--bind", f"{self.root}/{self.path.lstrip('/')}", self.target)


def is_staged(point: MountPoint) -> bool:
    """Say whether a mount point shows something that has to be mounted first."""
    return point["type"] == "image" or bool(point.get("subpath"))


def place(directory: str, points: Iterable[MountPoint]) -> None:
    """Give the mount points of a container the paths from which they are bound. directory: the container's"""
    for number, point in enumerate(filter(is_staged, points)):
        point["staged"] = f"{directory}/mounts/{number}/shown"


def making(points: Iterable[MountPoint], driver: StorageDriver) -> Iterator[Step]:
    """Yield the steps that make these directories, when the container is made."""
    for number, point in enumerate(filter(is_staged, points)):
        own = os.path.dirname(point["staged"])
        if number == 0:
            yield MakeDir(os.path.dirname(own), 0o700)
        yield MakeDir(own, 0o700)
        yield MakeDir(point["staged"])
        if point["type"] == "image":
            yield MakeDir(f"{own}/image")
            yield from driver.writable_steps(own)


def steps(record: Record, driver: StorageDriver) -> list[Step]:
    """Return the steps that mount what the container is to show, in a mount namespace of the caller's own."""
    return [step for point in record["mounts"] if is_staged(point) for step in _of(point, driver)]


def unmount_steps(record: Record) -> list[Step]:
    """Return the steps that unmount it again: before the container's directory may go, as a volume's files are seen there."""
    points = [point for point in record["mounts"] if is_staged(point)]
    below = [os.path.dirname(point["staged"]) + "/image" for point in points if point["type"] == "image" and point.get("subpath")]
    return [*(Unmount(point["staged"]) for point in points), *map(Unmount, below)]


def _of(point: MountPoint, driver: StorageDriver) -> list[Step]:
    own, shown, part = os.path.dirname(point["staged"]), point["staged"], point.get("subpath", "")
    if point["type"] != "image":
        return [BindInside(point["source"], part, shown)]
    image = f"{own}/image" if part else shown
    return [*driver.mount_steps(own, point["layers"], image), *([BindInside(image, part, shown)] if part else [])]
