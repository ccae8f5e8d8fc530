"""One container's cgroups in every hierarchy: what to do is planned here as steps, what is so is read here."""

from __future__ import annotations

from time import monotonic

from mydocker.cgroups import life
from mydocker.cgroups.group import REMOVE_SECONDS, Group
from mydocker.cgroups.subsystem import Subsystem
from mydocker.errors import BadInput, Conflict, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout
    from mydocker.cgroups.resources import Resources
    from mydocker.cgroups.stats import Stats
    from mydocker.steps.base import Step


def manager(layout: Layout, path: str) -> CgroupManager:
    """Return the manager of cgroup `path`: '/mydocker/ID', below every hierarchy's mount point. Raises BadInput for no such path."""
    names = path.split("/")[1:]
    if not path.startswith("/") or any(name in ("", ".", "..") or "\n" in name for name in names):
        raise BadInput(f"cgroup path {path!r}: expected an absolute path without . and ..")
    return CgroupManager(path, [Subsystem(Group(each, path), layout) for each in layout.hierarchies], layout)


def is_frozen(layout: Layout, path: str) -> bool:
    """Say whether cgroup `path` is frozen: what a manager says too, and costs less where many are asked for."""
    freezer, unified = layout.find("freezer"), layout.unified
    return life.is_frozen(Group(freezer, path) if freezer else None, Group(unified, path) if unified else None)


class CgroupManager:
    """Makes, fills, limits, reads, freezes, kills and removes one container's cgroups.

    Methods that end in _steps only plan: they read the present values and raise BadInput or Unsupported before anything has
    happened. `resources` is the OCI runtime specification's linux.resources.
    """

    __slots__ = ("path", "subsystems", "layout")

    def __init__(self, path: str, subsystems: list[Subsystem], layout: Layout) -> None:
        self.path = path
        self.subsystems = subsystems
        self.layout = layout

    def create_steps(self, resources: Resources, passing: bool = False) -> list[Step]:
        """Return the steps that make the cgroups and set their limits.

        Parents that they make stay for the next one ('/mydocker') or, if they are `passing`, until remove_parents().
        """
        limits = self.update_steps(resources)
        steps = [step for subsystem in self.subsystems for step in subsystem.create(resources, passing)] + limits
        if not passing or not self.subsystems:
            return steps
        from mydocker.cgroups.parents import HoldParents, LetParentsGo

        hold = HoldParents(self.subsystems[0].group.hierarchy.mount)
        return [hold, *steps, LetParentsGo(hold)]

    def update_steps(self, resources: Resources) -> list[Step]:
        """Return the steps that set the limits, and only what `resources` names."""
        from mydocker.cgroups.choice import missing_controllers

        for controller in missing_controllers(self.layout):
            controller.set(resources)
        return [step for subsystem in self.subsystems for step in subsystem.set(resources)]

    def enter_steps(self, pid: int) -> tuple[list[Step], list[Step]]:
        """Return (early, late): steps that move a process in; pid 0 is whoever applies the step.

        Memory's hierarchy is late, so that what the process uses before is not charged to the container.
        """
        early = [each.apply(pid) for each in self.subsystems if "memory" not in each.group.hierarchy.controllers]
        late = [each.apply(pid) for each in self.subsystems if "memory" in each.group.hierarchy.controllers]
        return early, late

    def exists(self) -> bool:
        """Say whether the container has a cgroup in any hierarchy."""
        return any(subsystem.group.exists() for subsystem in self.subsystems)

    def pids(self) -> list[int]:
        """Return the processes in these cgroups and below, whichever hierarchy shows them, in ascending order."""
        return sorted({pid for subsystem in self.subsystems for pid in subsystem.group.pids()})

    def group(self, controller: str) -> Group | None:
        """Return the cgroup that has a controller."""
        return next((each.group for each in self.subsystems if controller in each.group.hierarchy.controllers), None)

    @property
    def unified(self) -> Group | None:
        """The version 2 cgroup, on a hybrid machine too."""
        return next((each.group for each in self.subsystems if each.group.hierarchy.version == 2), None)

    def has_swap_limit(self) -> bool:
        """Say whether this host can limit swap: what decides if `--memory` may bring a default for it."""
        from mydocker.cgroups.stats import SWAP_LIMITS

        return any(group.offers(file, "memory") for group in [self.group("memory")] if group for file in SWAP_LIMITS)

    def stats(self) -> Stats:
        """Return what the container uses; see stats.read_stats."""
        from mydocker.cgroups.stats import read_stats

        return read_stats(self.group)

    def oom_kills(self) -> int:
        """Return how many processes the kernel has killed here for want of memory; 0 where nothing counts them."""
        from mydocker.cgroups.stats import oom_kills

        return oom_kills(self.group("memory")) or 0

    def freeze(self, frozen: bool) -> None:
        """Stop every process where it is, or let all go on; returns when it is so. Raises NotFound, Unsupported, Conflict."""
        if not self.exists():
            raise NotFound(f"cgroup {self.path} does not exist")
        life.freeze(self.group("freezer"), self.unified, frozen)

    def is_frozen(self) -> bool:
        """Say whether the processes are frozen, or being frozen."""
        return life.is_frozen(self.group("freezer"), self.unified)

    def kill(self) -> None:
        """SIGKILL every process and wait until the cgroups are empty. Raises Conflict when some will not end."""
        life.kill(self.path, self.pids, self.group("freezer"), self.unified)

    def remove_empty(self) -> bool:
        """Remove what nothing is in; say whether that was all. The kernel knows: what has processes or children cannot be removed."""
        # A list: none of them is left out because another one failed.
        return all([subsystem.group.remove_empty() for subsystem in self.subsystems])

    def remove_parents(self) -> None:
        """Remove those parents, made as passing, that have become empty."""
        from mydocker.cgroups.parents import remove_marked

        if self.subsystems:
            chains = (subsystem.group.chain()[1:-1] for subsystem in self.subsystems)
            remove_marked(self.subsystems[0].group.hierarchy.mount, chains)

    def remove(self) -> None:
        """Remove the cgroups, children first, going on past failures; what is gone is no error. Raises Conflict with all that is left."""
        deadline = monotonic() + REMOVE_SECONDS
        problems = []
        for subsystem in self.subsystems:
            try:
                subsystem.remove(deadline)
            except OSError as error:
                problems.append(f"{error.filename}: {error.strerror}")
        if problems:
            raise Conflict(f"cgroup {self.path} is still there: {'; '.join(problems)}")
