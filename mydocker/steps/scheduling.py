"""Steps on how the kernel schedules a process and which machine it believes to be on, from config.json's objects."""

from __future__ import annotations

import os

from mydocker.errors import BadInput
from mydocker.kernel import scheduling
from mydocker.steps.base import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SetScheduler(Step):
    """sched_setattr(2). times: runtime, deadline and period in nanoseconds, for SCHED_DEADLINE."""

    __slots__ = ("policy", "flags", "nice", "priority", "times")

    def __init__(self, policy: str, flags: list[str], nice: int, priority: int, times: tuple[int, int, int]) -> None:
        self.policy = policy
        self.flags = flags
        self.nice = nice
        self.priority = priority
        self.times = times

    @classmethod
    def from_oci(cls, scheduler: dict[str, Any]) -> SetScheduler:
        """Make the step from `process.scheduler`. Raises BadInput for names that do not exist."""
        policy, flags = scheduler.get("policy", ""), scheduler.get("flags") or []
        _check("scheduler policy", policy, scheduling.POLICIES)
        for flag in flags:
            _check("scheduler flag", flag, scheduling.FLAGS)
        times = (scheduler.get("runtime", 0), scheduler.get("deadline", 0), scheduler.get("period", 0))
        return cls(policy, flags, scheduler.get("nice", 0), scheduler.get("priority", 0), times)

    def apply(self) -> None:
        flags = sum(scheduling.FLAGS[flag] for flag in set(self.flags))
        scheduling.sched_setattr(scheduling.POLICIES[self.policy], flags, self.nice, self.priority, *self.times)

    def describe(self) -> str:
        return " ".join(["sched_setattr", self.policy, *self.flags, f"nice {self.nice} priority {self.priority}"])

    def shell(self) -> str:
        return f"chrt --{self.policy.removeprefix('SCHED_').lower()} --pid {self.priority} $$; renice {self.nice} $$"


class SetIoPriority(Step):
    """ioprio_set(2). priority: 0 (first) to 7."""

    __slots__ = ("io_class", "priority")

    def __init__(self, io_class: str, priority: int) -> None:
        self.io_class = io_class
        self.priority = priority

    @classmethod
    def from_oci(cls, wanted: dict[str, Any]) -> SetIoPriority:
        """Make the step from `process.ioPriority`. Raises BadInput for a class that does not exist and other numbers."""
        io_class, priority = wanted.get("class", ""), wanted.get("priority", 0)
        _check("ioPriority class", io_class, scheduling.IO_CLASSES)
        if not 0 <= priority <= 7:
            raise BadInput(f"ioPriority {priority!r}: expected a number from 0 to 7")
        return cls(io_class, priority)

    def apply(self) -> None:
        scheduling.ioprio_set(scheduling.IO_CLASSES[self.io_class], self.priority)

    def describe(self) -> str:
        return f"ioprio_set {self.io_class} {self.priority}"

    def shell(self) -> str:
        return f"ionice --class {scheduling.IO_CLASSES[self.io_class]} --classdata {self.priority} --pid $$"


class SetMemoryPolicy(Step):
    """set_mempolicy(2). nodes: a list such as '0-3,7'."""

    __slots__ = ("mode", "nodes", "flags")

    def __init__(self, mode: str, nodes: str, flags: list[str]) -> None:
        self.mode = mode
        self.nodes = nodes
        self.flags = flags

    @classmethod
    def from_oci(cls, wanted: dict[str, Any]) -> SetMemoryPolicy:
        """Make the step from `linux.memoryPolicy`. Raises BadInput for names that do not exist and no list of nodes."""
        mode, nodes, flags = wanted.get("mode", ""), wanted.get("nodes") or "", wanted.get("flags") or []
        _check("memoryPolicy mode", mode, scheduling.MEMORY_MODES)
        for flag in flags:
            _check("memoryPolicy flag", flag, scheduling.MEMORY_FLAGS)
        members(nodes, "memoryPolicy nodes")
        return cls(mode, nodes, flags)

    def apply(self) -> None:
        flags = sum(scheduling.MEMORY_FLAGS[flag] for flag in set(self.flags))
        scheduling.set_mempolicy(scheduling.MEMORY_MODES[self.mode] | flags, members(self.nodes, "memoryPolicy nodes"))

    def describe(self) -> str:
        return " ".join(["set_mempolicy", self.mode, *self.flags, *([f"nodes {self.nodes}"] if self.nodes else [])])

    def shell(self) -> str:
        kind = self.mode.removeprefix("MPOL_").lower().replace("bind", "membind")
        return f"# numactl --{kind}={self.nodes}, before the command"


class SetAffinity(Step):
    """sched_setaffinity(2) of a process. cpus: a list such as '0-3,7'."""

    __slots__ = ("pid", "cpus")

    def __init__(self, pid: int, cpus: str) -> None:
        self.pid = pid
        self.cpus = cpus

    def apply(self) -> None:
        os.sched_setaffinity(self.pid, members(self.cpus, "CPUs"))

    def describe(self) -> str:
        return f"sched_setaffinity {self.pid} to CPUs {self.cpus}"

    def shell(self) -> str:
        return f"taskset --pid --cpu-list {self.cpus} {self.pid or '$$'}"


class SetPersonality(Step):
    """personality(2)."""

    __slots__ = ("domain",)

    def __init__(self, domain: str) -> None:
        self.domain = domain

    @classmethod
    def from_oci(cls, wanted: dict[str, Any]) -> SetPersonality:
        """Make the step from `linux.personality`. Raises BadInput for another domain than LINUX and LINUX32, and for flags."""
        _check("personality domain", wanted.get("domain", ""), scheduling.PERSONALITIES)
        if wanted.get("flags"):
            raise BadInput(f"personality flags {' '.join(wanted['flags'])}: expected none, as the specification knows none")
        return cls(wanted["domain"])

    def apply(self) -> None:
        scheduling.set_personality(scheduling.PERSONALITIES[self.domain])

    def describe(self) -> str:
        return f"personality PER_{self.domain}"

    def shell(self) -> str:
        return f"# setarch {self.domain.lower()}, before the command"


def members(text: str, what: str) -> set[int]:
    """Return the numbers of a list such as '0-3,7'. Raises BadInput."""
    found: set[int] = set()
    for part in text.split(",") if text else []:
        first, dash, last = part.partition("-")
        numbers = (first, last) if dash else (first, first)
        if not all(number.isascii() and number.isdigit() and len(number) < 6 for number in numbers):
            raise BadInput(f"{what} {text!r}: expected a list such as 0-3,7")
        found.update(range(int(numbers[0]), int(numbers[1]) + 1))
    return found


def _check(what: str, name: object, known: dict[str, int]) -> None:
    if name not in known:
        raise BadInput(f"{what} {name!r}: expected one of {', '.join(known)}")
