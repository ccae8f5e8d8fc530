"""Steps on how the kernel schedules a process, and on which machine it tells the process that it runs."""

from __future__ import annotations

import os

from mydocker.kernel import scheduling
from mydocker.numberlist import numbers
from mydocker.steps.base import Step


class SetScheduler(Step):
    """Set this process's scheduling policy, by sched_setattr(2)."""

    policy: str  # one of scheduling.POLICIES
    flags: list[str]  # of scheduling.FLAGS
    nice: int
    priority: int
    times: tuple[int, int, int]  # runtime, deadline and period in nanoseconds, for SCHED_DEADLINE

    def apply(self) -> None:
        flags = sum(scheduling.FLAGS[flag] for flag in set(self.flags))
        scheduling.sched_setattr(scheduling.POLICIES[self.policy], flags, self.nice, self.priority, *self.times)

    def describe(self) -> str:
        return " ".join(["sched_setattr", self.policy, *self.flags, f"nice {self.nice} priority {self.priority}"])

    def shell(self) -> str:
        return f"chrt --{self.policy.removeprefix('SCHED_').lower()} --pid {self.priority} $$; renice {self.nice} $$"


class SetIoPriority(Step):
    """Set this process's I/O class and priority, by ioprio_set(2)."""

    io_class: str  # one of scheduling.IO_CLASSES
    priority: int  # from 0 (served first) to 7

    def apply(self) -> None:
        scheduling.ioprio_set(scheduling.IO_CLASSES[self.io_class], self.priority)

    def describe(self) -> str:
        return f"ioprio_set {self.io_class} {self.priority}"

    def shell(self) -> str:
        return f"ionice --class {scheduling.IO_CLASSES[self.io_class]} --classdata {self.priority} --pid $$"


class SetMemoryPolicy(Step):
    """Set from which memory nodes this process's memory comes, by set_mempolicy(2)."""

    mode: str  # one of scheduling.MEMORY_MODES
    nodes: str  # a list such as '0-3,7', or ''
    flags: list[str]  # of scheduling.MEMORY_FLAGS

    def apply(self) -> None:
        flags = sum(scheduling.MEMORY_FLAGS[flag] for flag in set(self.flags))
        scheduling.set_mempolicy(scheduling.MEMORY_MODES[self.mode] | flags, numbers(self.nodes, "memoryPolicy nodes"))

    def describe(self) -> str:
        return " ".join(["set_mempolicy", self.mode, *self.flags, *([f"nodes {self.nodes}"] if self.nodes else [])])

    def shell(self) -> str:
        kind = self.mode.removeprefix("MPOL_").lower().replace("bind", "membind")
        return f"# numactl --{kind}={self.nodes}, before the command"


class SetAffinity(Step):
    """Set on which CPUs a process runs, by sched_setaffinity(2)."""

    pid: int  # 0 is this process
    cpus: str  # a list such as '0-3,7'

    def apply(self) -> None:
        os.sched_setaffinity(self.pid, numbers(self.cpus, "CPUs"))

    def describe(self) -> str:
        return f"sched_setaffinity {self.pid} to CPUs {self.cpus}"

    def shell(self) -> str:
        return f"taskset --pid --cpu-list {self.cpus} {self.pid or '$$'}"


class SetPersonality(Step):
    """Set this process's execution domain, by personality(2)."""

    domain: str  # one of scheduling.PERSONALITIES

    def apply(self) -> None:
        scheduling.set_personality(scheduling.PERSONALITIES[self.domain])

    def describe(self) -> str:
        return f"personality PER_{self.domain}"

    def shell(self) -> str:
        return f"# setarch {self.domain.lower()}, before the command"
