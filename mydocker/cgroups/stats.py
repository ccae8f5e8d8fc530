"""Reading what a container uses. The result is the same for cgroup version 1 and 2."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mydocker.cgroups.group import Group

    Stats = dict[str, dict[str, int | None]]
    Finder = Callable[[str], Group | None]

SWAP_LIMITS = ("memory.memsw.limit_in_bytes", "memory.swap.max")
# Version 1 shows "no limit" as the largest multiple of the page size that fits. No real limit comes near it.
UNLIMITED = 2**62


def read_stats(find: Finder) -> Stats:
    """Return what a container uses. A figure is None if its controller is missing, and for a limit that is not set.

    find: returns the container's cgroup that has a controller, or None.

    The figures are:

        cpu       usage, user, system, throttled in nanoseconds; periods, throttled_periods are counts
        memory    usage, peak, limit, cache (inactive_file), swap in bytes; oom_kill is a count
        pids      current, limit are counts
        blkio     read, write in bytes
    """
    return {
        "cpu": read_cpu(find),
        "memory": read_memory(find("memory")),
        "pids": read_pids(find("pids")),
        "blkio": read_blkio(find),
    }


def read_cpu(find: Finder) -> dict[str, int | None]:
    cpu, account = find("cpu"), find("cpuacct")
    table = cpu.table("cpu.stat") if cpu else {}
    periods = {"periods": table.get("nr_periods"), "throttled_periods": table.get("nr_throttled")}
    if account:
        user, system, usage = (number(account.read(f"cpuacct.usage{part}")) for part in ("_user", "_sys", ""))
        return {"usage": usage, "user": user, "system": system, "throttled": table.get("throttled_time"), **periods}
    names = {"usage": "usage_usec", "user": "user_usec", "system": "system_usec", "throttled": "throttled_usec"}
    return {**{name: table[key] * 1000 if key in table else None for name, key in names.items()}, **periods}


def read_memory(group: Group | None) -> dict[str, int | None]:
    if group is None:
        return dict.fromkeys(("usage", "peak", "limit", "cache", "swap", "oom_kill"))
    table = group.table("memory.stat")
    is_second = group.hierarchy.version == 2
    files = ("current", "peak", "max", "swap.current") if is_second else ("usage", "max_usage", "limit", "memsw.usage")
    usage, peak, limit, swap = (number(group.read(f"memory.{file}{'' if is_second else '_in_bytes'}")) for file in files)
    if not is_second:  # there it is memory and swap together
        swap = None if swap is None or usage is None else max(0, swap - usage)
    cache = table.get("inactive_file" if is_second else "total_inactive_file")
    return {"usage": usage, "peak": peak, "limit": limit, "cache": cache, "swap": swap, "oom_kill": oom_kills(group)}


def oom_kills(group: Group | None) -> int | None:
    """Return the number of processes of a cgroup that the OOM killer has killed.

    It is None where nothing counts them: without the controller, and in version 1 before Linux 4.13.
    """
    if group is None:
        return None
    return group.table("memory.events" if group.hierarchy.version == 2 else "memory.oom_control").get("oom_kill")


def read_pids(group: Group | None) -> dict[str, int | None]:
    return {name: number(group.read(f"pids.{file}")) if group else None for name, file in (("current", "current"), ("limit", "max"))}


def read_blkio(find: Finder) -> dict[str, int | None]:
    blkio, io = find("blkio"), find("io")
    if blkio:
        lines = (blkio.read("blkio.throttle.io_service_bytes_recursive") or blkio.read("blkio.throttle.io_service_bytes")).splitlines()
        return {name: add(line.split()[2] for line in lines if f" {name.title()} " in line) for name in ("read", "write")}
    if io:
        words = io.read("io.stat").split()
        return {name: add(word.partition("=")[2] for word in words if word.startswith(f"{name[0]}bytes=")) for name in ("read", "write")}
    return {"read": None, "write": None}


def add(values: Iterable[str]) -> int:
    return sum(int(value) for value in values)


def number(content: str) -> int | None:
    """Return the number that a file contains, or None for 'max', for a number that means no limit, and for ''."""
    if not content.isdecimal() or int(content) >= UNLIMITED:
        return None
    return int(content)
