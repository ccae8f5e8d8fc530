"""The head of a seccomp program. It answers ENOSYS to system calls that are newer than the profile.

A profile that denies with EPERM would deny the calls of the future too. But a C library that tries a new call first falls
back to the old one only on ENOSYS. So ENOSYS is the answer to each number above the highest that the profile names on the same
architecture. A call that is not decided here goes on to the instruction after the head.

The program is classic BPF. Sources: <linux/filter.h>, <linux/seccomp.h>.
"""

from __future__ import annotations

from errno import ENOSYS
from struct import pack

SCMP_ARCH_X86_64 = 0xC000003E
# Only libseccomp has this token. To the kernel, x32 is x86_64 with bit 30 of the number set.
SCMP_ARCH_X32 = 0x4000003E
X32_SYSCALL_BIT = 0x40000000
_UNLIMITED = 0xFFFFFFFF

_LD_ABS = 0x20
_JA = 0x05
_JEQ = 0x15
_JGT = 0x25
_JGE = 0x35
_RET = 0x06
_RET_ENOSYS = 0x00050000 | ENOSYS
# Offsets in struct seccomp_data.
_NR = 0
_ARCH = 4


def _instruction(code: int, k: int, jt: int = 0, jf: int = 0) -> bytes:
    return pack("HBBI", code, jt, jf, k)


def enosys_stub(newest: dict[int, int]) -> bytes:
    """Return the head of a program, or nothing if no architecture needs it.

    newest: the highest system call number that the profile names, by libseccomp's token of the architecture. A number that
        is not positive says that the profile names none there.
    """
    limits = {token: number for token, number in newest.items() if number > 0}
    x32 = limits.pop(SCMP_ARCH_X32, _UNLIMITED)
    if x32 != _UNLIMITED:
        limits.setdefault(SCMP_ARCH_X86_64, X32_SYSCALL_BIT - 1)
    program = b""
    # The program is built from its end, so that each section knows how far away the end is.
    for token, number in limits.items():
        program = _section(token, number, x32, len(program) // 8) + program
    return program and _instruction(_LD_ABS, _ARCH) + program


def _section(token: int, number: int, x32: int, rest: int) -> bytes:
    body = [_instruction(_LD_ABS, _NR)]
    if token == SCMP_ARCH_X86_64:
        body += [_instruction(_JGE, X32_SYSCALL_BIT, 0, 1), _instruction(_JGT, x32, 1, 2)]
    body += [_instruction(_JGT, number, 0, 1), _instruction(_RET, _RET_ENOSYS), _instruction(_JA, rest)]
    return _instruction(_JEQ, token, 0, len(body)) + b"".join(body)
