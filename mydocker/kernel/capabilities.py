"""Capabilities by name and number, and capset(2).

The bounding and the ambient set are changed by prctl(2), which is in process.py. Sources: <linux/capability.h>, capabilities(7), capget(2).
"""

from __future__ import annotations

from struct import pack, unpack

from mydocker.kernel.libc import buffer, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# In the order of their numbers, from 0.
NAMES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)
NUMBERS = {name: number for number, name in enumerate(NAMES)}

_LINUX_CAPABILITY_VERSION_3 = 0x20080522


def available(proc: str = "/proc") -> list[str]:
    """Return the names of this process's effective capabilities. It can give a container no others."""
    with open(proc + "/self/status") as file:
        bits = next(int(line[7:], 16) for line in file if line.startswith("CapEff:"))
    return [name for number, name in enumerate(NAMES) if bits >> number & 1]


def mask(names: Iterable[str]) -> int:
    """Return capabilities, given by name, as the kernel's 64 bits: bit N stands for capability N. Raises KeyError for an unknown name."""
    bits = 0
    for name in names:
        bits |= 1 << NUMBERS[name]
    return bits


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Set this thread's three sets of capabilities, given as masks of 64 bits. What leaves the permitted set cannot come back."""
    header, data = capset_arguments(effective, permitted, inheritable)
    syscall("capset", buffer(header), buffer(data), subject=f"permitted {permitted:#x}")


def capset_arguments(effective: int, permitted: int, inheritable: int) -> tuple[bytes, bytes]:
    """Return what capset(2) reads: the header and the sets."""
    low, high = ([(word >> shift) & 0xFFFFFFFF for word in (effective, permitted, inheritable)] for shift in (0, 32))
    return pack("Ii", _LINUX_CAPABILITY_VERSION_3, 0), pack("6I", *low, *high)


def capget() -> tuple[int, int, int]:
    """Return this thread's sets (effective, permitted, inheritable) as masks of 64 bits."""
    header, data = map(buffer, capset_arguments(0, 0, 0))
    syscall("capget", header, data)
    words = unpack("6I", data.raw)
    return words[0] | words[3] << 32, words[1] | words[4] << 32, words[2] | words[5] << 32
