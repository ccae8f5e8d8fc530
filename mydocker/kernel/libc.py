"""Calling system calls, and functions of the C library, that the os module lacks.

Everything here raises OSError with the errno and the object, as the os module does. Only _ctypes is imported, the part of
ctypes that costs nothing; the package itself takes 2 ms. Sources: section 2 of the manual; <asm/unistd.h> for the numbers.
"""

from __future__ import annotations

import errno
import os
from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO, CFuncPtr, _SimpleCData, addressof, dlopen, dlsym, get_errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import Array, c_char

    _Argument = int | str | bytes | Array[c_char] | None


class _Int(_SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class _Long(_SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class _Char(_SimpleCData):  # type: ignore[type-arg]
    _type_ = "c"


class _Function(CFuncPtr):
    """A function of the C library that returns an int."""

    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
    _restype_ = _Int


class _LongFunction(CFuncPtr):
    """One that returns a long, and is called without giving up the interpreter's lock: a child could not take it back (clone3)."""

    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO | FUNCFLAG_PYTHONAPI
    _restype_ = _Long


_libc = dlopen(None, 0)  # type: ignore[arg-type]  # None is this very program
_syscall = _LongFunction(dlsym(_libc, "syscall"))

# Numbers from 424 on are the same on every architecture.
_NUMBERS = {
    "x86_64": {"pivot_root": 155, "capget": 125, "capset": 126, "keyctl": 250, "seccomp": 317, "bpf": 321, "execveat": 322}
    | {"set_mempolicy": 238, "ioprio_set": 251, "sched_setattr": 314},
    "aarch64": {"pivot_root": 41, "capget": 90, "capset": 91, "keyctl": 219, "seccomp": 277, "bpf": 280, "execveat": 281}
    | {"set_mempolicy": 237, "ioprio_set": 30, "sched_setattr": 274},
}
_COMMON = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "clone3": 435}
_COMMON |= {"openat2": 437, "mount_setattr": 442}

MACHINE = os.uname().machine
NUMBERS: dict[str, int] = {**_COMMON, **_NUMBERS.get(MACHINE, {})}

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000


def _encoded(argument: _Argument) -> object:
    # Integers must be longs, because ctypes passes a bare int as 32 bits, and flags and pointers have 64.
    if isinstance(argument, str):
        return os.fsencode(argument)
    return _Long(argument) if isinstance(argument, int) else argument


def _checked(function: CFuncPtr, arguments: list[object], subject: str | None) -> int:
    # ctypes is outside PEP 475, so EINTR is retried here.
    while True:
        result: int = function(*arguments)
        if result != -1:
            return result
        number = get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), subject)


def call(name: str, *arguments: _Argument, subject: str | None = None) -> int:
    """Call a function of the C library by its name and return its result. Raises OSError about `subject` if that is -1."""
    return _checked(_Function(dlsym(_libc, name)), [_encoded(a) for a in arguments], subject)


def syscall(name: str, *arguments: _Argument, subject: str | None = None) -> int:
    """Make a system call for which the C library has no function, and return its result.

    Raises OSError about `subject` if that is -1, and with ENOSYS if the call's number is not known on this architecture.
    """
    if name not in NUMBERS:
        raise OSError(errno.ENOSYS, f"no number for system call {name} on {MACHINE}", subject)
    return _checked(_syscall, [_Long(NUMBERS[name]), *(_encoded(a) for a in arguments)], subject)


def interpreter(name: str) -> None:
    """Call a function of Python's own that takes nothing and returns nothing."""
    _LongFunction(dlsym(_libc, name))()


def buffer(data: bytes) -> Array[c_char]:
    """Return a buffer for C that holds exactly `data`, without a final zero, and that the kernel may change."""
    return (_Char * len(data)).from_buffer_copy(data)  # type: ignore[return-value]  # our c_char


def address(data: Array[c_char]) -> int:
    """Return where a buffer lies in memory, for structures that point to it."""
    return addressof(data)
