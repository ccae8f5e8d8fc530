"""Steps that hide paths of a container's root file system or make them read-only, after everything was put into it."""

from __future__ import annotations

import errno
import os
import stat

from mydocker.errors import StepFailed
from mydocker.kernel import inroot, mounts
from mydocker.steps.base import Step, command, quote
from mydocker.steps.rootfs import host_path, mount_on, set_bind_flags, with_descriptor


class _Cover(Step):
    """Mount something over a path in the container. Nothing is done for a path that does not exist."""

    root: str  # the directory that will become /
    path: str  # the path, as the container will see it

    def apply(self) -> None:
        try:
            descriptor = inroot.open_in(self.root, self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        with_descriptor(descriptor, self._cover)

    def _cover(self, descriptor: int) -> None:
        raise NotImplementedError


class MaskPath(_Cover):
    """Hide what is at a path. A file is covered by the container's /dev/null, a directory by an empty read-only tmpfs."""

    __slots__ = ()

    def _cover(self, descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            mount_on(descriptor, "tmpfs", "tmpfs", mounts.MS_RDONLY, "size=0k")
        else:
            with_descriptor(
                _null_device(self.root), lambda null: mount_on(descriptor, inroot.by_descriptor(null), None, mounts.MS_BIND, None)
            )

    def describe(self) -> str:
        return f"mask {quote(self.path)} in the root"

    def shell(self) -> str:
        path = quote(host_path(self.root, self.path))
        empty = f"mount -t tmpfs -o ro,size=0k tmpfs {path}"
        null = quote(host_path(self.root, "/dev/null"))
        return f"if [ -d {path} ]; then {empty}; elif [ -e {path} ]; then mount --bind {null} {path}; fi"


def _null_device(root: str) -> int:
    """Return a descriptor of the container's /dev/null. Raises StepFailed if it is not the null device (CVE-2025-31133)."""
    descriptor = inroot.open_in(root, "/dev/null")
    status = os.fstat(descriptor)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != os.makedev(1, 3):
        os.close(descriptor)
        raise StepFailed("/dev/null in the root is not the null device, so nothing can be masked with it", errno.ENODEV)
    return descriptor


class MakeReadOnly(_Cover):
    """Make a path in the container read-only, by binding it onto itself."""

    __slots__ = ()

    def _cover(self, descriptor: int) -> None:
        mount_on(descriptor, inroot.by_descriptor(descriptor), None, mounts.MS_BIND | mounts.MS_REC, None)
        with_descriptor(inroot.open_in(self.root, self.path), lambda fd: set_bind_flags(fd, mounts.MS_RDONLY))

    def describe(self) -> str:
        return f"make {quote(self.path)} in the root read-only"

    def shell(self) -> str:
        path = quote(host_path(self.root, self.path))
        return f"if [ -e {path} ]; then mount --rbind {path} {path}; mount -o remount,bind,ro {path}; fi"


class RemountReadOnly(Step):
    """Make a mount in the container read-only, after everything that had to be made in it was made."""

    root: str  # the directory that will become /
    target: str  # the mount point, as the container will see it

    def apply(self) -> None:
        with_descriptor(inroot.open_in(self.root, self.target), lambda fd: set_bind_flags(fd, mounts.MS_RDONLY))

    def describe(self) -> str:
        return f"remount {quote(self.target)} in the root read-only"

    def shell(self) -> str:
        return command("mount", "-o", "remount,bind,ro", host_path(self.root, self.target))
