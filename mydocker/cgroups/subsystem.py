"""A container's share of one hierarchy, with the verbs that the book gives to a subsystem: set, apply, remove."""

from __future__ import annotations

import os

from mydocker.cgroups.group import Group, read
from mydocker.errors import Conflict, Unsupported
from mydocker.steps.files import MakeDir, WriteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout
    from mydocker.cgroups.resources import Resources
    from mydocker.steps.base import Step

# These are switched on in version 2 for every container, with limits or without: they give statistics, and an update may set limits.
USUAL = ("cpuset", "cpu", "io", "memory", "pids")


class Subsystem:
    """One container's share of one hierarchy. Its controllers are one, several that are mounted together, or all of version 2."""

    __slots__ = ("name", "group", "layout")

    def __init__(self, group: Group, layout: Layout) -> None:
        self.name = group.hierarchy.title
        self.group = group
        self.layout = layout

    def create(self, resources: Resources) -> list[Step]:
        """Return the steps that make the cgroup and its parents, or use what is there, and write what the kernel wants before use."""
        if self.group.hierarchy.readonly:
            raise Unsupported(f"cgroup hierarchy {self.name}: {self.group.hierarchy.mount} is mounted read-only")
        *parents, leaf = self.group.chain()
        if self.group.hierarchy.version == 2:
            return self._create_v2(parents, leaf, resources)
        made = [make for directory in parents[1:] for make in (MakeDir(directory, exist_ok=True), *self.fill(directory))]
        return [*made, MakeDir(leaf, exist_ok=self.group.exists()), *self.fill(leaf)]

    def fill(self, directory: str) -> list[Step]:
        """Return the steps that give a version 1 cpuset its ancestor's CPUs and memory nodes. Without them it takes no process (ENOSPC)."""
        if self.group.hierarchy.version == 2 or "cpuset" not in self.group.hierarchy.controllers:
            return []
        files = ("cpuset.cpus", "cpuset.mems")
        return [WriteFile(f"{directory}/{file}", self._inherited(directory, file)) for file in files if not read(f"{directory}/{file}")]

    def _inherited(self, directory: str, file: str) -> str:
        ancestors = [other for other in self.group.chain() if directory.startswith(other + "/")]
        values = (read(f"{ancestor}/{file}") for ancestor in reversed(ancestors))
        return next((value for value in values if value), "0")

    def _create_v2(self, parents: list[str], leaf: str, resources: Resources) -> list[Step]:
        wanted = self._wanted(resources)
        steps: list[Step] = []
        for parent, child in zip(parents, [*parents[1:], leaf], strict=True):
            steps += self._enable(parent, wanted)
            steps.append(MakeDir(child, exist_ok=child != leaf or self.group.exists()))
        return steps

    def _wanted(self, resources: Resources) -> list[str]:
        """Return the controllers to switch on: the usual ones, and those that the limits need besides them."""
        named = {step.path.rpartition("/")[2].partition(".")[0] for step in self.set(resources) if isinstance(step, WriteFile)}
        return [name for name in self.group.hierarchy.controllers if name in named or name in USUAL]

    def _enable(self, directory: str, wanted: list[str]) -> list[Step]:
        """Return the step that switches on the controllers of a cgroup's children, if it is needed."""
        missing = [name for name in wanted if name not in read(f"{directory}/cgroup.subtree_control").split()]
        if not missing:
            return []
        # Only the real root, which has no cgroup.type, may have processes and also switch on the controllers of its children.
        if os.path.exists(f"{directory}/cgroup.type") and read(f"{directory}/cgroup.procs"):
            hint = "move them into a cgroup of their own"
            raise Conflict(f"cgroup {directory}: it holds processes, so its controllers cannot be switched on", hint)
        return [WriteFile(f"{directory}/cgroup.subtree_control", " ".join(f"+{name}" for name in missing))]

    def set(self, resources: Resources) -> list[Step]:
        """Return the steps that apply the limits."""
        # It is imported here, as a process that sets no limits does not need it.
        from mydocker.cgroups.choice import controllers

        return [step for controller in controllers(self.group, self.layout) for step in controller.set(resources)]

    def apply(self, pid: int) -> Step:
        """Return the step that moves a process into the cgroup. The pid 0 is the process that applies the step."""
        return self.group.write("cgroup.procs", pid)

    def remove(self, deadline: float) -> None:
        """Remove the container's cgroup and all below it, as Group.remove() does. A cgroup that is gone is not an error."""
        self.group.remove(deadline)
