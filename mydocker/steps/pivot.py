"""Steps that make a directory this mount namespace's root, last of all that furnishes it."""

from __future__ import annotations

import errno
import os

from mydocker.errors import StepFailed
from mydocker.kernel import mounts
from mydocker.steps.base import Step, quote


class PivotRoot(Step):
    """Make `root` this mount namespace's root and detach the old one, in place: no directory is needed for it."""

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
        # The old root is now stacked on the new one (pivot_root(2), Notes): only from inside it is "." the old one.
        os.fchdir(old)
        os.close(old)
        mounts.mount(None, ".", None, mounts.MS_SLAVE | mounts.MS_REC)
        mounts.umount(".", mounts.MNT_DETACH)
        os.chdir("/")

    def describe(self) -> str:
        return f"pivot_root to {quote(self.root)} and detach the old root"

    def shell(self) -> str:
        # After pivot_root(8) the host's programs are gone; moving the mount instead keeps chroot(8) at hand.
        return f"cd {quote(self.root)}\nmount --move . /"


class MoveRoot(PivotRoot):
    """Move `root` over / and chroot into it: where the host runs from its initramfs, which cannot be pivoted."""

    __slots__ = ()

    def apply(self) -> None:
        for entry in _shown_elsewhere(self.root):
            # What chroot alone would leave within reach through /proc: the host's own views of processes and devices.
            mounts.mount(None, entry, None, mounts.MS_SLAVE | mounts.MS_REC)
            mounts.umount(entry, mounts.MNT_DETACH)
        os.chdir(self.root)
        mounts.mount(self.root, "/", None, mounts.MS_MOVE)
        os.chroot(".")
        os.chdir("/")

    def describe(self) -> str:
        return f"move {quote(self.root)} over / and chroot into it"


def _shown_elsewhere(root: str) -> list[str]:
    """Return the mounts of proc and sysfs that lie outside of a root and below no other such."""
    found: list[str] = []
    for entry in mounts.mountinfo():
        outside = not (entry.target + "/").startswith(root.rstrip("/") + "/")
        below = any(entry.target.startswith(other + "/") for other in found)
        if outside and not below and entry.fstype in ("proc", "sysfs") and entry.target not in found:
            found.append(entry.target)
    return found
