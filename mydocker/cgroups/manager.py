"""One container's cgroups, in every hierarchy. What is to be done with them is planned here as steps, and what they are is read here."""

from __future__ import annotations

from time import monotonic

from mydocker.cgroups import life
from mydocker.cgroups.group import REMOVE_SECONDS, Group
from mydocker.cgroups.layout import read_positions, relative
from mydocker.cgroups.subsystem import Subsystem
from mydocker.errors import BadInput, Conflict, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout
    from mydocker.cgroups.resources import Resources
    from mydocker.cgroups.stats import Stats
    from mydocker.steps.base import Step


def manager(layout: Layout, path: str) -> CgroupManager:
    """Return the manager of a container's cgroups. Raises BadInput for a path that no cgroup can have.

    path: where they are below each hierarchy's mount point, such as '/mydocker/ID'.
    """
    names = path.split("/")[1:]
    if not path.startswith("/") or any(name in ("", ".", "..") or "\n" in name for name in names):
        raise BadInput(f"cgroup path {path!r}: expected an absolute path without . and ..")
    return CgroupManager(path, [Subsystem(Group(each, path), layout) for each in layout.hierarchies], layout)


def is_frozen(layout: Layout, path: str) -> bool:
    """Say whether the processes of cgroup `path` are frozen, or being frozen. For many cgroups this costs less than a manager of each."""
    if freezer := layout.find("freezer"):
        return life.is_frozen(Group(freezer, path), None)
    return life.is_frozen(None, Group(layout.unified, path) if layout.unified else None)


class CgroupManager:
    """Makes, fills, limits, reads, freezes, kills and removes one container's cgroups.

    A method whose name ends in _steps only plans. It reads the present values, and it raises BadInput or Unsupported before
    anything has happened. `resources` is the OCI runtime specification's linux.resources.
    """

    __slots__ = ("path", "subsystems", "layout")

    def __init__(self, path: str, subsystems: list[Subsystem], layout: Layout) -> None:
        self.path = path
        self.subsystems = subsystems
        self.layout = layout

    def create_steps(self, resources: Resources) -> list[Step]:
        """Return the steps that make the cgroups and set their limits. Parents that they make ('/mydocker') stay for other containers."""
        limits = self.update_steps(resources)
        return [step for subsystem in self.subsystems for step in subsystem.create(resources)] + limits

    def update_steps(self, resources: Resources) -> list[Step]:
        """Return the steps that set the limits which `resources` names. All others stay as they are."""
        from mydocker.cgroups.choice import missing_controllers

        for controller in missing_controllers(self.layout):
            controller.set(resources)
        return [step for subsystem in self.subsystems for step in subsystem.set(resources)]

    def enter_steps(self, pid: int) -> list[Step]:
        """Return the steps that move a process into the cgroups. The pid 0 is the process that applies the step."""
        return [each.apply(pid) for each in self.subsystems]

    def join_steps(self) -> list[Step]:
        """Return the steps by which a process of one thread, born in the version 2 cgroup, enters those of version 1, without a wait."""
        return [each.group.write("tasks", 0) for each in self.subsystems if each.group.hierarchy.version == 1]

    def beside(self, pid: int) -> CgroupManager:
        """Return where one more process goes, when the first one is `pid`.

        A version 2 cgroup that passes controllers on to children takes no process (EBUSY). Then it goes into that of the first one.
        """
        group = self.unified
        own = read_positions(self.layout.proc, pid).get("") if group and group.read("cgroup.subtree_control") else None
        if not group or not own:
            return self
        there = Group(group.hierarchy, relative(own, group.hierarchy.root))
        groups = [there if each.group is group else each.group for each in self.subsystems]
        return CgroupManager(self.path, [Subsystem(each, self.layout) for each in groups], self.layout)

    def exists(self) -> bool:
        """Say whether the container has a cgroup in any hierarchy."""
        return any(subsystem.group.exists() for subsystem in self.subsystems)

    def pids(self) -> list[int]:
        """Return the processes in these cgroups and below them, in ascending order. One hierarchy that shows a process is enough."""
        return sorted({pid for subsystem in self.subsystems for pid in subsystem.group.pids()})

    def group(self, controller: str) -> Group | None:
        """Return the container's cgroup in the hierarchy that has a controller, or None."""
        return next((each.group for each in self.subsystems if controller in each.group.hierarchy.controllers), None)

    @property
    def unified(self) -> Group | None:
        """The container's version 2 cgroup, or None. A hybrid machine has one too."""
        return next((each.group for each in self.subsystems if each.group.hierarchy.version == 2), None)

    def has_swap_limit(self) -> bool:
        """Say whether this host can limit swap. That decides whether `--memory` brings a default for it."""
        from mydocker.cgroups.stats import SWAP_LIMITS

        return any(group.offers(file, "memory") for group in [self.group("memory")] if group for file in SWAP_LIMITS)

    def stats(self) -> Stats:
        """Return what the container uses. See stats.read_stats()."""
        from mydocker.cgroups.stats import read_stats

        return read_stats(self.group)

    def oom_kills(self) -> int:
        """Return the number of processes that the kernel has killed here for want of memory. It is 0 where nothing counts them."""
        from mydocker.cgroups.stats import oom_kills

        return oom_kills(self.group("memory")) or 0

    def freeze(self, frozen: bool) -> None:
        """Stop every process where it is, or let all go on, and wait until it is so.

        Raises NotFound if there is no cgroup, Unsupported if this host cannot do it, and Conflict if the processes would not.
        """
        if not self.exists():
            raise NotFound(f"cgroup {self.path} does not exist")
        life.freeze(self.group("freezer"), self.unified, frozen)

    def is_frozen(self) -> bool:
        """Say whether the processes are frozen, or being frozen."""
        return life.is_frozen(self.group("freezer"), self.unified)

    def kill(self) -> None:
        """Send SIGKILL to every process and wait until the cgroups are empty. Raises Conflict if some do not end."""
        life.kill(self.path, self.pids, self.group("freezer"), self.unified)

    def remove_empty(self) -> bool:
        """Remove those cgroups that nothing is in. Say whether these were all.

        It is the kernel that decides: it does not remove a cgroup with processes or children.
        """
        # This is a list, so that none is left out because another one could not be removed.
        return all([subsystem.group.remove_empty() for subsystem in self.subsystems])

    def remove(self) -> None:
        """Remove the cgroups, children first. A cgroup that is gone is not an error.

        Raises Conflict at the end if some could not be removed, with all of them in its message.
        """
        deadline = monotonic() + REMOVE_SECONDS
        problems = []
        for subsystem in self.subsystems:
            try:
                subsystem.remove(deadline)
            except OSError as error:
                problems.append(f"{error.filename}: {error.strerror}")
        if problems:
            raise Conflict(f"cgroup {self.path} is still there: {'; '.join(problems)}")
