"""What one process can learn about another from /proc (proc(5)).

A process is known by its pid and its start time together, because the kernel uses a pid again.
"""

from __future__ import annotations

PF_EXITING = 0x4  # include/linux/sched.h


def start_time(pid: int, proc: str = "/proc") -> int | None:
    """Return when a process started, in clock ticks since boot, or None if there is no such process, or only a zombie."""
    fields = _fields(pid, proc)
    return int(fields[19]) if fields else None


def is_ending(pid: int, proc: str = "/proc") -> bool:
    """Say whether a process is gone, or is ending.

    Ending can take a while: the first process of a pid namespace kills all others in it, and waits until they are reaped.
    """
    fields = _fields(pid, proc)
    return not fields or bool(int(fields[6]) & PF_EXITING)


def _fields(pid: int, proc: str) -> list[bytes]:
    """Return the fields of /proc/PID/stat from the third on, which is the state. There are none without a process, or for a zombie."""
    try:
        with open(f"{proc}/{pid}/stat", "rb", buffering=0) as file:
            # The command may contain blanks and parentheses, so field 3 starts after the last parenthesis.
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] in (b"Z", b"X") else fields


def is_alive(pid: int, started: int | None, proc: str = "/proc") -> bool:
    """Say whether the process that had this pid and this start time still runs.

    started: what start_time() said of it. None says that it was dead already.
    """
    return pid > 0 and started is not None and start_time(pid, proc) == started


def boot_id(proc: str = "/proc") -> str:
    """Return the id of this boot of the kernel (random(4)), or '' if there is none."""
    try:
        with open(f"{proc}/sys/kernel/random/boot_id", "rb", buffering=0) as file:
            return file.read().decode().strip()
    except FileNotFoundError:
        return ""
