"""What a process decides about itself. Most of it is prctl(2)."""

from __future__ import annotations

from errno import EINVAL, ENOENT

from mydocker.kernel import capabilities
from mydocker.kernel.files import content
from mydocker.kernel.libc import call

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_LOWER = 3
PR_CAP_AMBIENT_CLEAR_ALL = 4


def prctl(option: int, value: int = 0, third: int = 0, subject: str | None = None) -> int:
    """Set or ask what an option stands for. subject: what an error is about"""
    # The kernel refuses some options (EINVAL) unless the arguments that they do not use are zero.
    return call("prctl", option, value, third, 0, 0, subject=subject)


def set_dumpable(dumpable: bool) -> None:
    """Set whether other processes of the same user may ptrace this one and open its files in /proc/PID. execve(2) resets this."""
    prctl(PR_SET_DUMPABLE, int(dumpable))


def bounding_set() -> list[int]:
    """Return the numbers of the capabilities in the bounding set.

    The kernel itself is asked which is the last one, because a container need not have a /proc.
    """
    found = []
    for number in range(64):
        try:
            if prctl(PR_CAPBSET_READ, number, subject=f"capability {number}"):
                found.append(number)
        except OSError as error:
            if error.errno != EINVAL:
                raise
            break
    return found


def set_name(name: str) -> None:
    """Set the name that /proc/self/comm and ps show. Only the first 15 bytes count."""
    call("prctl", PR_SET_NAME, name[:15], 0, 0, 0)


def may_set_groups(proc: str = "/proc") -> bool:
    """Say whether this user namespace allows setgroups(2), see user_namespaces(7). Without a /proc that says so, it counts as allowed."""
    return content(f"{proc}/self/setgroups", ENOENT).strip() in ("allow", "")


def set_fs_ids(uid: int, gid: int) -> None:
    """Set the user and the group that this process is to file systems.

    setfsuid(2) takes some capabilities away from anybody but user 0. They are given back here.
    """
    held = capabilities.mask(capabilities.available())
    call("setfsgid", gid)
    call("setfsuid", uid)
    capabilities.capset(held, held, 0)
