"""Steps that make a directory the root of this mount namespace, after everything was put into it."""

from __future__ import annotations

import errno
import os

from mydocker.errors import StepFailed
from mydocker.kernel import mounts
from mydocker.steps.base import Step, quote


class PivotRoot(Step):
    """Make `root` the root of this mount namespace and detach the old one. The old one needs no directory to be moved to."""

    root: str

    def apply(self) -> None:
        old = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        os.chdir(self.root)
        try:
            mounts.pivot_root(".", ".")
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            reason = "the root is not a mount point, or the host runs from its initramfs"
            raise StepFailed(f"{self.describe()}: {error.strerror}: {reason}", error.errno) from error
        # The old root is now stacked on the new one (pivot_root(2), Notes). From inside the old root, "." is the old one.
        os.fchdir(old)
        os.close(old)
        mounts.mount(None, ".", None, mounts.MS_SLAVE | mounts.MS_REC)
        mounts.umount(".", mounts.MNT_DETACH)
        os.chdir("/")

    def describe(self) -> str:
        return f"pivot_root to {quote(self.root)} and detach the old root"

    def shell(self) -> str:
        # After pivot_root(8) the host's programs are gone. If the mount is moved instead, chroot(8) is still there.
        return f"cd {quote(self.root)}\nmount --move . /"


class MoveRoot(PivotRoot):
    """Move `root` over / and chroot into it. This is for a host that runs from its initramfs, where pivot_root(2) is refused."""

    __slots__ = ()

    def apply(self) -> None:
        for entry in _shown_elsewhere(self.root):
            # chroot alone would leave these within reach through /proc: the host's own views of processes and devices.
            mounts.mount(None, entry, None, mounts.MS_SLAVE | mounts.MS_REC)
            mounts.umount(entry, mounts.MNT_DETACH)
        os.chdir(self.root)
        mounts.mount(self.root, "/", None, mounts.MS_MOVE)
        os.chroot(".")
        os.chdir("/")

    def describe(self) -> str:
        return f"move {quote(self.root)} over / and chroot into it"


def _shown_elsewhere(root: str) -> list[str]:
    """Return the mount points of proc and sysfs outside of a root. Those below another one of them are left out."""
    found: list[str] = []
    for entry in mounts.mountinfo():
        outside = not (entry.target + "/").startswith(root.rstrip("/") + "/")
        below = any(entry.target.startswith(other + "/") for other in found)
        if outside and not below and entry.fstype in ("proc", "sysfs") and entry.target not in found:
            found.append(entry.target)
    return found
