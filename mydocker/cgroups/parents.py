"""Parents that were made for containers' cgroups (--cgroup-parent): they go with the last container, those of others stay.

Ours have an extended attribute, which both versions' cgroups can carry. Between the making of a parent and that of a cgroup in it
nobody may remove it: makers hold a shared flock on the first hierarchy's root, whichever ROOT they belong to, removers an exclusive one.
"""

from __future__ import annotations

import errno
import os
from fcntl import LOCK_EX, LOCK_SH, flock

from mydocker.steps.base import Step, quote
from mydocker.steps.files import MakeDir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = "trusted.mydocker.parent"


class MakeParent(MakeDir):
    """Make a parent and mark it; one that is there stays as it is. Where nothing can be marked, it will stay."""

    def apply(self) -> None:
        try:
            os.mkdir(self.path, self.mode)
        except FileExistsError:
            return
        try:
            os.setxattr(self.path, _MARK, b"")
        except OSError:
            return


class HoldParents(Step):
    """Keep all parents from being removed until LetParentsGo."""

    __slots__ = ("mount", "_descriptor")

    def __init__(self, mount: str) -> None:
        self.mount = mount
        self._descriptor = -1

    def apply(self) -> None:
        self._descriptor = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        flock(self._descriptor, LOCK_SH)

    def undo(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def describe(self) -> str:
        return f"flock {quote(self.mount)} shared"


class LetParentsGo(Step):
    """End what HoldParents began."""

    __slots__ = ("hold",)

    def __init__(self, hold: HoldParents) -> None:
        self.hold = hold

    def apply(self) -> None:
        self.hold.undo()

    def describe(self) -> str:
        return f"unlock {quote(self.hold.mount)}"


def remove_marked(mount: str, chains: Iterable[list[str]]) -> None:
    """Remove the parents that are ours and empty. mount: see HoldParents; chains: the directories of each hierarchy, topmost first."""
    hold = os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flock(hold, LOCK_EX)
        for chain in chains:
            for directory in reversed(chain):
                if not _remove(directory):
                    break
    finally:
        os.close(hold)


def _remove(directory: str) -> bool:
    """Remove one parent if it is ours and empty; say whether it is gone."""
    try:
        os.getxattr(directory, _MARK)
        os.rmdir(directory)
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.ENOTEMPTY, errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM):
            return False
        if error.errno != errno.ENOENT:
            raise
    return True
