"""Parents that are made for a container's cgroup (--cgroup-parent): they go with the last container, and those of others stay.

Ours have an extended attribute, which cgroups of both versions can carry. Between the making of a parent and that of a cgroup in it,
nobody may remove it: whoever makes one holds a shared flock on the first hierarchy's root, whoever removes one an exclusive flock. So
this holds between all ROOTs.
"""

from __future__ import annotations

import os
from errno import EBUSY, ENODATA, ENOENT, ENOTEMPTY, ENOTSUP, EPERM
from fcntl import LOCK_EX, LOCK_SH, flock

from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.manager import CgroupManager

_MARK = "trusted.mydocker.parent"
_STAYS = (EBUSY, ENOTEMPTY, ENODATA, ENOTSUP, EPERM)


class MakeParents(Step):
    """Make and mark the parents that are not there, and keep all from being removed until LetParentsGo."""

    __slots__ = ("cgroup", "_lock")

    def __init__(self, cgroup: CgroupManager) -> None:
        self.cgroup = cgroup
        self._lock = -1

    def apply(self) -> None:
        self._lock = _locked(self.cgroup, LOCK_SH)
        for subsystem, chain in zip(self.cgroup.subsystems, _chains(self.cgroup), strict=True):
            for directory in chain:
                _make(directory)
                # They may have been removed since the steps were planned, and then those do not fill them.
                for step in subsystem.fill(directory):
                    step.apply()

    def undo(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def describe(self) -> str:
        return f"make the parents of cgroup {quote(self.cgroup.path)}, and lock them"


class LetParentsGo(Step):
    """End the lock of MakeParents."""

    made: MakeParents

    def apply(self) -> None:
        self.made.undo()

    def describe(self) -> str:
        return f"unlock the parents of cgroup {quote(self.made.cgroup.path)}"


def between_parents(cgroup: CgroupManager, steps: list[Step]) -> list[Step]:
    """Return the steps that make a cgroup, with what makes its parents before them."""
    if not cgroup.subsystems:
        return steps
    made = MakeParents(cgroup)
    return [made, *steps, LetParentsGo(made)]


def remove_parents(cgroup: CgroupManager) -> None:
    """Remove those parents of a cgroup that are ours and empty."""
    if not cgroup.subsystems:
        return
    lock = _locked(cgroup, LOCK_EX)
    try:
        for chain in _chains(cgroup):
            all(_remove(directory) for directory in reversed(chain))
    finally:
        os.close(lock)


def _chains(cgroup: CgroupManager) -> list[list[str]]:
    """Return the directories of the parents in each hierarchy, topmost first."""
    return [subsystem.group.chain()[1:-1] for subsystem in cgroup.subsystems]


def _locked(cgroup: CgroupManager, mode: int) -> int:
    lock = os.open(cgroup.subsystems[0].group.hierarchy.mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    flock(lock, mode)
    return lock


def _make(directory: str) -> None:
    """Make one parent and mark it. One that is there stays as it is, and where nothing can be marked, ours will stay too."""
    try:
        os.mkdir(directory, 0o755)
    except FileExistsError:
        return
    try:
        os.setxattr(directory, _MARK, b"")
    except OSError:
        return


def _remove(directory: str) -> bool:
    """Remove one parent if it is ours and empty. Say whether it is gone."""
    try:
        os.getxattr(directory, _MARK)
        os.rmdir(directory)
    except OSError as error:
        if error.errno not in (*_STAYS, ENOENT):
            raise
        return error.errno == ENOENT
    return True
