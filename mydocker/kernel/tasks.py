"""What one process can learn about another from /proc (proc(5)).

A process is known by its pid and its start time together, because the kernel uses a pid again.
"""

from __future__ import annotations

from errno import ENOENT, ESRCH

from mydocker.kernel.files import content

PF_EXITING = 0x4  # include/linux/sched.h
# What says that there is no such process, or not any more.
_GONE = (ENOENT, ESRCH)


def start_time(pid: int, proc: str = "/proc") -> int | None:
    """Return when a process started, in clock ticks since boot, or None if there is no such process, or only a zombie."""
    fields = _fields(pid, proc)
    return int(fields[19]) if fields else None


def parent(pid: int, proc: str = "/proc") -> int:
    """Return the pid of a process's parent; 0 when there is no such process, or a zombie only."""
    fields = _fields(pid, proc)
    return int(fields[1]) if fields else 0


def name(pid: int, proc: str = "/proc") -> str:
    """Return what a process calls itself, at most 15 characters (comm); '' when there is none."""
    return content(f"{proc}/{pid}/comm", *_GONE).rstrip("\n")


def is_in_cgroup(pid: int, path: str, proc: str = "/proc") -> bool:
    """Say whether a process is in cgroup `path`, or below, of some hierarchy. path: one that no other cgroup ends in."""
    lines = content(f"{proc}/{pid}/cgroup", *_GONE).splitlines()
    return any(f"{path}/" in f"{line}/" for line in lines)


def is_ending(pid: int, proc: str = "/proc") -> bool:
    """Say whether a process is gone, or is ending.

    Ending can take a while: the first process of a pid namespace kills all others in it, and waits until they are reaped.
    """
    fields = _fields(pid, proc)
    return not fields or bool(int(fields[6]) & PF_EXITING)


def _fields(pid: int, proc: str) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on, which is the state. There are none without a process, or for a zombie."""
    # The command may contain blanks and parentheses, so field 3 starts after the last parenthesis.
    fields = content(f"{proc}/{pid}/stat", *_GONE).rpartition(")")[2].split()
    return [] if fields[:1] in (["Z"], ["X"]) else fields


def is_alive(pid: int, started: int | None, proc: str = "/proc") -> bool:
    """Say whether the process that had this pid and this start time still runs.

    started: what start_time() said of it. None says that it was dead already.
    """
    return pid > 0 and started is not None and start_time(pid, proc) == started


def boot_id(proc: str = "/proc") -> str:
    """Return the id of this boot of the kernel (random(4)), or '' if there is none."""
    return content(f"{proc}/sys/kernel/random/boot_id", *_GONE).strip()
