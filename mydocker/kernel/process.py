"""What a process decides about itself, and where its child is born. Most of it is prctl(2)."""

from __future__ import annotations

import os
from errno import E2BIG, EACCES, EAGAIN, EBUSY, EINVAL, ENOENT, ENOSYS, EPERM
from struct import pack

from mydocker.kernel import capabilities
from mydocker.kernel.files import Held, content
from mydocker.kernel.libc import buffer, call, interpreter, syscall

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

CLONE_INTO_CGROUP = 1 << 33
_SIGCHLD = 17  # signal(7)
# What fork_into() fails with where a move may still work: on older kernels (5.4: E2BIG), under filters, in a cgroup that takes nobody so.
NOT_BORN = (ENOSYS, E2BIG, EINVAL, EPERM, EACCES, EBUSY, EAGAIN)


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


def fork_into(directory: str) -> int:
    """Fork, as os.fork() does, a child that is born in the version 2 cgroup of a directory (clone3(2), since Linux 5.7). Raises OSError.

    Whoever is moved there waits for an RCU grace period, 10 ms on a machine at rest (cgroup_threadgroup_rwsem, kernel/cgroup/cgroup.c).
    """
    pid = -1
    with Held(os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as descriptor:
        arguments = buffer(pack("11Q", CLONE_INTO_CGROUP, 0, 0, 0, _SIGCHLD, 0, 0, 0, 0, 0, descriptor))  # struct clone_args
        interpreter("PyOS_BeforeFork")
        try:
            pid = syscall("clone3", arguments, len(arguments), subject=directory)
        finally:
            interpreter("PyOS_AfterFork_Parent" if pid else "PyOS_AfterFork_Child")
    return pid
