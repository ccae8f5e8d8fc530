"""The steps for what config.json says of scheduling: scheduler, ioPriority, memoryPolicy, and personality, the machine that it sees."""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.kernel.scheduling import FLAGS, IO_CLASSES, MEMORY_FLAGS, MEMORY_MODES, PERSONALITIES, POLICIES
from mydocker.numberlist import numbers
from mydocker.steps.scheduling import SetIoPriority, SetMemoryPolicy, SetPersonality, SetScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import IoPriority, MemoryPolicy, Personality, Scheduler, Spec
    from mydocker.steps.base import Step


def steps(spec: Spec) -> list[Step]:
    """Return the steps for what config.json says of scheduling. Raises BadInput for names and numbers that do not exist."""
    process, linux = spec["process"], spec["linux"]
    found: list[Step] = []
    if "scheduler" in process:
        found.append(_scheduler(process["scheduler"]))
    if "ioPriority" in process:
        found.append(_io_priority(process["ioPriority"]))
    if "memoryPolicy" in linux:
        found.append(_memory_policy(linux["memoryPolicy"]))
    if "personality" in linux:
        found.append(_personality(linux["personality"]))
    return found


def _scheduler(wanted: Scheduler) -> Step:
    _check("scheduler policy", wanted["policy"], POLICIES)
    for flag in wanted["flags"]:
        _check("scheduler flag", flag, FLAGS)
    times = (wanted["runtime"], wanted["deadline"], wanted["period"])
    return SetScheduler(wanted["policy"], wanted["flags"], wanted["nice"], wanted["priority"], times)


def _io_priority(wanted: IoPriority) -> Step:
    _check("ioPriority class", wanted["class"], IO_CLASSES)
    if not 0 <= wanted["priority"] <= 7:
        raise BadInput(f"ioPriority {wanted['priority']!r}: expected a number from 0 to 7")
    return SetIoPriority(wanted["class"], wanted["priority"])


def _memory_policy(wanted: MemoryPolicy) -> Step:
    _check("memoryPolicy mode", wanted["mode"], MEMORY_MODES)
    for flag in wanted["flags"]:
        _check("memoryPolicy flag", flag, MEMORY_FLAGS)
    numbers(wanted["nodes"], "memoryPolicy nodes")
    return SetMemoryPolicy(wanted["mode"], wanted["nodes"], wanted["flags"])


def _personality(wanted: Personality) -> Step:
    _check("personality domain", wanted["domain"], PERSONALITIES)
    if wanted["flags"]:
        raise BadInput(f"personality flags {' '.join(wanted['flags'])}: expected none, as the specification knows none")
    return SetPersonality(wanted["domain"])


def _check(what: str, name: str, known: dict[str, int]) -> None:
    if name not in known:
        raise BadInput(f"{what} {name!r}: expected one of {', '.join(known)}")
