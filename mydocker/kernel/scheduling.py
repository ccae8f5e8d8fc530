"""What a process gets of the machine, and what it is told about the machine.

That is sched_setattr(2), ioprio_set(2), set_mempolicy(2) and personality(2). Sources: the manual pages; <linux/sched/types.h>,
<linux/ioprio.h>, <linux/mempolicy.h>, <sys/personality.h>.
"""

from __future__ import annotations

from struct import calcsize, pack

from mydocker.kernel.libc import buffer, call, syscall

POLICIES = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
MEMORY_MODES = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
MEMORY_FLAGS = {"MPOL_F_STATIC_NODES": 0x8000, "MPOL_F_RELATIVE_NODES": 0x4000, "MPOL_F_NUMA_BALANCING": 0x2000}
PERSONALITIES = {"LINUX": 0x0000, "LINUX32": 0x0008}

_IOPRIO_WHO_PROCESS = 1
_IOPRIO_CLASS_SHIFT = 13
# struct sched_attr, version 0: size, policy, flags, nice, priority, runtime, deadline, period (nanoseconds).
_SCHED_ATTR = "IIQiIQQQ"


def sched_setattr(policy: int, flags: int, nice: int, priority: int, runtime: int, deadline: int, period: int) -> None:
    """Set this process's scheduling policy, with the values that the policy takes. Times are in nanoseconds.

    Raises OSError: EPERM for a real-time policy without CAP_SYS_NICE.
    """
    attributes = buffer(pack(_SCHED_ATTR, calcsize(_SCHED_ATTR), policy, flags, nice, priority, runtime, deadline, period))
    syscall("sched_setattr", 0, attributes, 0, subject="scheduler")


def ioprio_set(io_class: int, priority: int) -> None:
    """Set this process's I/O class, and its priority in that class, from 0 (served first) to 7."""
    syscall("ioprio_set", _IOPRIO_WHO_PROCESS, 0, io_class << _IOPRIO_CLASS_SHIFT | priority, subject="I/O priority")


def set_mempolicy(mode: int, nodes: set[int]) -> None:
    """Set from which memory nodes this process's memory comes.

    mode: one of MEMORY_MODES, with any of MEMORY_FLAGS.
    nodes: the numbers of the nodes.
    """
    mask = sum(1 << node for node in nodes)
    words = max(nodes, default=0) // 64 + 1
    # The kernel reads one bit less than it is told.
    syscall(
        "set_mempolicy",
        mode,
        buffer(mask.to_bytes(words * 8, "little")) if nodes else None,
        words * 64 + 1 if nodes else 0,
        subject="memory policy",
    )


def set_personality(persona: int) -> None:
    """Set this process's execution domain, which decides what uname(2) says of the machine."""
    call("personality", persona, subject="personality")
