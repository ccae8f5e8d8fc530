"""What a container uses, in the form of `runc events --stats`, from both cgroup versions.

Times are in nanoseconds and sizes in bytes. A part whose controller is missing is an empty object.
"""

from __future__ import annotations

from mydocker.numberlist import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.cgroups.group import Group
    from mydocker.cgroups.manager import CgroupManager

    class CpuFigures(TypedDict):
        """The time that a container has used on CPUs, and how often it was held back."""

        usage: dict[str, int | list[int]]  # total, kernel, user; with version 1 also percpu, percpu_kernel, percpu_user
        throttling: dict[str, int]  # periods, throttledPeriods, throttledTime

    class MemoryFigures(TypedDict, total=False):
        """The memory that a container uses. Every part except cache and raw has limit, usage, max and failcnt."""

        cache: int
        usage: dict[str, int]
        swap: dict[str, int]  # memory and swap together, as version 1 counts
        kernel: dict[str, int]  # only with version 1
        kernelTCP: dict[str, int]  # only with version 1
        raw: dict[str, int]  # the kernel's memory.stat

    class IoFigure(TypedDict):
        """How much of one operation was done on one device."""

        major: int
        minor: int
        op: str  # Read, Write, Discard and, with version 1, further ones
        value: int  # bytes, or a number of operations

    class Figures(TypedDict):
        """The object that is an event's `data`."""

        cpu: CpuFigures
        cpuset: dict[str, int | list[int]]
        memory: MemoryFigures
        pids: dict[str, int]  # current, limit
        blkio: dict[str, list[IoFigure]]  # ioServiceBytesRecursive, ioServicedRecursive
        hugetlb: dict[str, dict[str, int]]  # by the size of the pages: usage, max, failcnt
        intel_rdt: dict[str, int]
        network_interfaces: None


# The number that stands for "no limit" in this form.
_UNLIMITED = 2**64 - 1
_CPUSET_FLAGS = ("cpu_exclusive", "mem_exclusive", "mem_hardwall", "memory_migrate", "memory_pressure", "memory_spread_page")
_MORE_CPUSET_FLAGS = ("memory_spread_slab", "sched_load_balance", "sched_relax_domain_level")


def figures(manager: CgroupManager) -> Figures:
    """Return the object that is an event's `data`."""
    return {
        "cpu": _cpu(manager),
        "cpuset": _cpuset(manager.group("cpuset")),
        "memory": _memory(manager.group("memory")),
        "pids": _pids(manager.group("pids")),
        "blkio": {name: entries for name, entries in _blkio(manager).items() if entries},
        "hugetlb": _hugetlb(manager.group("hugetlb")),
        "intel_rdt": {},
        # The runtime does not know the network traffic. Whoever has made the network counts it.
        "network_interfaces": None,
    }


def _number(group: Group, file: str) -> int:
    """Return the number in a file of a cgroup, or 0 if there is none."""
    text = group.read(file)
    return _UNLIMITED if text == "max" else int(text) if text.lstrip("-").isdecimal() else 0


def _cpu(manager: CgroupManager) -> CpuFigures:
    group, account = manager.group("cpu"), manager.group("cpuacct")
    table = group.table("cpu.stat") if group else {}
    throttled = table.get("throttled_time", table.get("throttled_usec", 0) * 1000)
    throttling = {"periods": table.get("nr_periods", 0), "throttledPeriods": table.get("nr_throttled", 0), "throttledTime": throttled}
    if account:
        usage = {name: _number(account, f"cpuacct.usage{part}") for name, part in (("total", ""), ("kernel", "_sys"), ("user", "_user"))}
        parts = (("percpu", ""), ("percpu_kernel", "_sys"), ("percpu_user", "_user"))
        each = {name: [int(word) for word in account.read(f"cpuacct.usage_percpu{part}").split()] for name, part in parts}
        return {"usage": {**usage, **each}, "throttling": throttling}
    names = {"total": "usage_usec", "kernel": "system_usec", "user": "user_usec"}
    return {"usage": {name: table.get(key, 0) * 1000 for name, key in names.items()}, "throttling": throttling}


def _cpuset(group: Group | None) -> dict[str, int | list[int]]:
    if not group:
        return {}
    unified = group.hierarchy.version == 2
    lists: dict[str, int | list[int]] = {
        name: sorted(numbers(group.read(f"cpuset.{name}{'.effective' if unified else ''}"), name)) for name in ("cpus", "mems")
    }
    if unified:
        return lists
    return {**lists, **{name: _number(group, f"cpuset.{name}") for name in (*_CPUSET_FLAGS, *_MORE_CPUSET_FLAGS)}}


def _memory(group: Group | None) -> MemoryFigures:
    if not group:
        return {}
    table = group.table("memory.stat")
    if group.hierarchy.version == 2:
        return {"cache": table.get("file", 0), "usage": _entry_v2(group, "memory"), "swap": _swap_v2(group), "raw": table}
    return {
        "cache": table.get("cache", 0),
        "usage": _entry_v1(group, "memory"),
        "swap": _entry_v1(group, "memory.memsw"),
        "kernel": _entry_v1(group, "memory.kmem"),
        "kernelTCP": _entry_v1(group, "memory.kmem.tcp"),
        "raw": table,
    }


def _entry_v1(group: Group, prefix: str) -> dict[str, int]:
    files = {"limit": "limit_in_bytes", "usage": "usage_in_bytes", "max": "max_usage_in_bytes", "failcnt": "failcnt"}
    return {name: _number(group, f"{prefix}.{file}") for name, file in files.items()}


def _entry_v2(group: Group, prefix: str) -> dict[str, int]:
    entry = {name: _number(group, f"{prefix}.{file}") for name, file in (("limit", "max"), ("usage", "current"), ("max", "peak"))}
    return {**entry, "failcnt": group.table(f"{prefix}.events").get("max", 0)}


def _swap_v2(group: Group) -> dict[str, int]:
    """Return the figures of swap as version 1 counts them: memory and swap together."""
    memory, swap = _entry_v2(group, "memory"), _entry_v2(group, "memory.swap")
    limit = _UNLIMITED if _UNLIMITED in (memory["limit"], swap["limit"]) else memory["limit"] + swap["limit"]
    return {"limit": limit, "usage": memory["usage"] + swap["usage"], "max": 0, "failcnt": swap["failcnt"]}


def _pids(group: Group | None) -> dict[str, int]:
    if not group:
        return {}
    limit = _number(group, "pids.max")
    return {"current": _number(group, "pids.current"), "limit": 0 if limit == _UNLIMITED else limit}


def _blkio(manager: CgroupManager) -> dict[str, list[IoFigure]]:
    blkio, io = manager.group("blkio"), manager.group("io")
    if blkio:
        files = {"ioServiceBytesRecursive": "io_service_bytes", "ioServicedRecursive": "io_serviced"}
        return {name: _entries_v1(blkio.read(f"blkio.throttle.{file}_recursive")) for name, file in files.items()}
    if io:
        text = io.read("io.stat")
        return {"ioServiceBytesRecursive": _entries_v2(text, "bytes"), "ioServicedRecursive": _entries_v2(text, "ios")}
    return {}


def _entries_v1(text: str) -> list[IoFigure]:
    lines = [line.split() for line in text.splitlines()]
    return [_entry(device, operation, int(value)) for device, operation, value in (line for line in lines if len(line) == 3)]


def _entries_v2(text: str, unit: str) -> list[IoFigure]:
    found = []
    for device, *words in (line.split() for line in text.splitlines()):
        values = dict(word.split("=", 1) for word in words if "=" in word)
        for operation in ("Read", "Write", "Discard"):
            key = operation[0].lower() + unit
            if key in values:
                found.append(_entry(device, operation, int(values[key])))
    return found


def _entry(device: str, operation: str, value: int) -> IoFigure:
    major, _, minor = device.partition(":")
    return {"major": int(major), "minor": int(minor), "op": operation, "value": value}


def _hugetlb(group: Group | None) -> dict[str, dict[str, int]]:
    if not group or not group.exists():
        return {}
    import os

    second = group.hierarchy.version == 2
    usage, most = ("current", "max") if second else ("usage_in_bytes", "max_usage_in_bytes")
    sizes = {name.split(".")[1] for name in os.listdir(group.directory) if name.startswith("hugetlb.") and "rsvd" not in name}
    return {
        size: {
            "usage": _number(group, f"hugetlb.{size}.{usage}"),
            "max": 0 if second else _number(group, f"hugetlb.{size}.{most}"),
            "failcnt": group.table(f"hugetlb.{size}.events").get("max", 0) if second else _number(group, f"hugetlb.{size}.failcnt"),
        }
        for size in sorted(sizes)
    }
