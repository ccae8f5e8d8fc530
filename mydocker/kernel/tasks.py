"""Processes as others see them: a process is its pid and its start time, since pids come round again (proc(5))."""

from __future__ import annotations


def start_time(pid: int, proc: str = "/proc") -> int | None:
    """Return when a process started, in clock ticks since boot; None when there is no such process, or a zombie only."""
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:
            # The command may contain blanks and parentheses: field 3 starts after the last one.
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(pid: int, started: int | None, proc: str = "/proc") -> bool:
    """Say whether the process that had this pid when it started then still runs; one without a start time was dead already."""
    return pid > 0 and started is not None and start_time(pid, proc) == started


def boot_id(proc: str = "/proc") -> str:
    """Return what names this boot of this kernel (random(4)), '' where nothing does."""
    try:
        with open(f"{proc}/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""
