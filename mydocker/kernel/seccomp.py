"""seccomp(2): load a compiled filter. libseccomp.py compiles one; a process that only loads never needs it.

A filter is classic BPF, 8 bytes an instruction (struct sock_filter, <linux/filter.h>): code u16, jt u8, jf u8, k u32.
"""

from __future__ import annotations

from struct import pack

from mydocker.kernel.libc import address, buffer, syscall

INSTRUCTION_SIZE = 8

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_LOG = 0x2
SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4
FLAG_NAMES = {SECCOMP_FILTER_FLAG_LOG: "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_SPEC_ALLOW: "SECCOMP_FILTER_FLAG_SPEC_ALLOW"}


def load(program: bytes, flags: int = 0) -> None:
    """Install a filter on this thread for good. Needs no_new_privs or CAP_SYS_ADMIN (else EACCES).

    program: at most 4,096 instructions. flags: SECCOMP_FILTER_FLAG_*; SPEC_ALLOW is Linux 4.17's.
    """
    instructions = buffer(program)
    # struct sock_fprog: unsigned short len, then a pointer at its natural alignment.
    fprog = buffer(pack("HP", len(program) // INSTRUCTION_SIZE, address(instructions)))
    syscall("seccomp", SECCOMP_SET_MODE_FILTER, flags, fprog, subject="seccomp filter")


def describe_flags(flags: int) -> str:
    """Return flags by name, as seccomp(2) spells them; '0' for none."""
    return "|".join(name for flag, name in FLAG_NAMES.items() if flags & flag) or "0"
