"""System calls that the os module lacks, one short wrapper each, under their own names.

Everything here raises OSError with the errno and the object, as the os module does. The only module besides
libseccomp.py that imports ctypes. Sources: the manual pages, section 2; <asm/unistd.h> for the numbers.
"""

from __future__ import annotations

import ctypes
import errno
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# Numbers from 424 on are the same on every architecture.
_NUMBERS = {
    "x86_64": {"pivot_root": 155, "capget": 125, "capset": 126, "keyctl": 250, "seccomp": 317, "bpf": 321, "execveat": 322}
    | {"set_mempolicy": 238, "ioprio_set": 251, "sched_setattr": 314},
    "aarch64": {"pivot_root": 41, "capget": 90, "capset": 91, "keyctl": 219, "seccomp": 277, "bpf": 280, "execveat": 281}
    | {"set_mempolicy": 237, "ioprio_set": 30, "sched_setattr": 274},
}
_COMMON = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "openat2": 437, "mount_setattr": 442}

MACHINE = os.uname().machine
NUMBERS: dict[str, int] = {**_COMMON, **_NUMBERS.get(MACHINE, {})}

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

_Argument = int | str | bytes | ctypes.Array[ctypes.c_char] | None


def _encoded(argument: _Argument) -> int | ctypes.c_long | bytes | ctypes.Array[ctypes.c_char] | None:
    # Integers must be longs: ctypes passes a bare int as 32 bits, and flags and pointers have 64.
    if isinstance(argument, str):
        return os.fsencode(argument)
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _checked(function: ctypes._NamedFuncPointer, arguments: list[object], subject: str | None) -> int:
    # ctypes is outside PEP 475, so EINTR is retried here.
    while True:
        result: int = function(*arguments)
        if result != -1:
            return result
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), subject)


def call(name: str, *arguments: _Argument, subject: str | None = None) -> int:
    """Call a libc function by name; raise OSError about `subject` when it returns -1."""
    return _checked(getattr(_libc, name), [_encoded(a) for a in arguments], subject)


def syscall(name: str, *arguments: _Argument, subject: str | None = None) -> int:
    """Make a system call that libc has no function for; ENOSYS where this architecture's number is not known."""
    if name not in NUMBERS:
        raise OSError(errno.ENOSYS, f"no number for system call {name} on {MACHINE}", subject)
    return _checked(_libc.syscall, [ctypes.c_long(NUMBERS[name]), *(_encoded(a) for a in arguments)], subject)


def buffer(data: bytes) -> ctypes.Array[ctypes.c_char]:
    """Return a mutable C buffer that holds exactly `data`, without a terminating zero."""
    return (ctypes.c_char * len(data)).from_buffer_copy(data)


def address(data: ctypes.Array[ctypes.c_char]) -> int:
    """Return where a buffer lies in memory, for structures that point to it."""
    return ctypes.addressof(data)


def string_array(values: list[bytes]) -> tuple[int, object]:
    """Return the address of a NULL-terminated array of C strings, and the object that must outlive its use."""
    array = (ctypes.c_char_p * (len(values) + 1))(*values, None)
    return ctypes.addressof(array), array
