"""Loading a compiled filter by seccomp(2). libseccomp.py compiles filters, and a process that only loads one does not need it.

A filter is classic BPF. An instruction has 8 bytes: code u16, jt u8, jf u8, k u32 (struct sock_filter, <linux/filter.h>).
"""

from __future__ import annotations

from struct import pack

from mydocker.kernel.libc import address, buffer, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.kernel.seccomp_object import Seccomp

INSTRUCTION_SIZE = 8

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_LOG = 0x2
SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4
SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 0x20
FLAG_NAMES = {value: name for name, value in list(globals().items()) if name.startswith("SECCOMP_FILTER_FLAG_")}


def load(program: bytes, flags: int = 0) -> int:
    """Install a filter on this thread for good. Return the listener's descriptor if NEW_LISTENER is among the flags, else 0.

    program: at most 4,096 instructions.
    flags: SECCOMP_FILTER_FLAG_*. SPEC_ALLOW came with Linux 4.17, NEW_LISTENER with 5.0, WAIT_KILLABLE_RECV with 5.19.

    Raises OSError: EACCES without no_new_privs or CAP_SYS_ADMIN, EBUSY if there is a listener already.
    """
    instructions = buffer(program)
    # struct sock_fprog: unsigned short len, then a pointer at its natural alignment.
    fprog = buffer(pack("HP", len(program) // INSTRUCTION_SIZE, address(instructions)))
    return syscall("seccomp", SECCOMP_SET_MODE_FILTER, flags, fprog, subject="seccomp filter")


def notifies(seccomp: Seccomp) -> bool:
    """Say whether an OCI `linux.seccomp` object leaves the decision on any system call to a listener."""
    return any(rule["action"] == "SCMP_ACT_NOTIFY" for rule in seccomp["syscalls"])


def describe_flags(flags: int) -> str:
    """Return the names of flags as seccomp(2) spells them, or '0' if there are none."""
    return "|".join(name for flag, name in FLAG_NAMES.items() if flags & flag) or "0"
