"""Steps on how the kernel schedules a process and which machine it believes to be on."""

from __future__ import annotations

import os

from mydocker.errors import BadInput
from mydocker.kernel import scheduling
from mydocker.steps.base import Step


class SetScheduler(Step):
    """sched_setattr(2). times: runtime, deadline and period in nanoseconds, for SCHED_DEADLINE."""

    policy: str
    flags: list[str]
    nice: int
    priority: int
    times: tuple[int, int, int]

    def apply(self) -> None:
        flags = sum(scheduling.FLAGS[flag] for flag in set(self.flags))
        scheduling.sched_setattr(scheduling.POLICIES[self.policy], flags, self.nice, self.priority, *self.times)

    def describe(self) -> str:
        return " ".join(["sched_setattr", self.policy, *self.flags, f"nice {self.nice} priority {self.priority}"])

    def shell(self) -> str:
        return f"chrt --{self.policy.removeprefix('SCHED_').lower()} --pid {self.priority} $$; renice {self.nice} $$"


class SetIoPriority(Step):
    """ioprio_set(2). priority: 0 (first) to 7."""

    io_class: str
    priority: int

    def apply(self) -> None:
        scheduling.ioprio_set(scheduling.IO_CLASSES[self.io_class], self.priority)

    def describe(self) -> str:
        return f"ioprio_set {self.io_class} {self.priority}"

    def shell(self) -> str:
        return f"ionice --class {scheduling.IO_CLASSES[self.io_class]} --classdata {self.priority} --pid $$"


class SetMemoryPolicy(Step):
    """set_mempolicy(2). nodes: a list such as '0-3,7'."""

    mode: str
    nodes: str
    flags: list[str]

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

    pid: int
    cpus: str

    def apply(self) -> None:
        os.sched_setaffinity(self.pid, members(self.cpus, "CPUs"))

    def describe(self) -> str:
        return f"sched_setaffinity {self.pid} to CPUs {self.cpus}"

    def shell(self) -> str:
        return f"taskset --pid --cpu-list {self.cpus} {self.pid or '$$'}"


class SetPersonality(Step):
    """personality(2)."""

    domain: str

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
