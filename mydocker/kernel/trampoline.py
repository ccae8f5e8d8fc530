"""A program of a few hundred bytes that executes the container's program, so that the interpreter does not do it.

A container may say that its program is /proc/self/exe. It then gets the program that executes it. If that were an interpreter
of the host, the container could open it and, once nobody runs it, overwrite it (CVE-2019-5736). seal.py prevents that by
executing the interpreter again from a read-only view, which takes as long as an interpreter takes to start. The trampoline takes
no time. It is a sealed file in memory, and it is what a container finds in /proc/self/exe.

It also waits for `start` in the interpreter's place: a container that is created and not started holds two pages of memory.

The program does this:

    fcntl(report, F_SETFD, FD_CLOEXEC)
    read(gate, buffer, 1) == 1, close(gate)                 only with a gate; anything else: exit_group(127)
    execve(argv[0], argv + 1, envp)
    write(report, the errno as four bytes), exit_group(127)

Sources: elf(5), syscall(2) for the registers, <asm/unistd.h> for the numbers, the architectures' manuals for the instructions.
"""

from __future__ import annotations

import os
from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl
from struct import pack

from mydocker.errors import Unsupported
from mydocker.kernel.libc import MACHINE
from mydocker.kernel.seal import executable_memfd

_BASE = 0x400000
_HEADERS = 64 + 2 * 56
_FAILED = 127


def execute(program: str, args: list[str], environment: dict[str, str], report: int, gate: int = -1) -> None:
    """Execute the trampoline in this process, which then executes a program.

    program: the program's path.
    args: its arguments, the first of which is its name.
    environment: its environment.
    report: a descriptor to which the trampoline writes an errno, four bytes, if it cannot execute the program. It is closed
        if it can.
    gate: a descriptor from which the trampoline first reads one byte, or -1 for none.

    Raises Unsupported or OSError if the trampoline itself cannot be executed.
    """
    for descriptor in (report, *([gate] if gate >= 0 else [])):
        os.set_inheritable(descriptor, True)
    try:
        os.execve(_sealed(image(report, gate)), [program, *args], environment)
    except PermissionError as error:
        hint = "sysctl vm.memfd_noexec=2 and some security modules forbid it"
        raise Unsupported("a program in memory cannot be executed on this host", hint) from error


def _sealed(content: bytes) -> int:
    descriptor = executable_memfd("mydocker-init")
    os.write(descriptor, content)
    fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    return descriptor


def image(report: int, gate: int, machine: str = MACHINE) -> bytes:
    """Return the trampoline as an ELF file. Raises Unsupported for a machine whose instructions are not known here.

    report, gate: as execute() takes them.
    """
    if machine not in _CODE:
        raise Unsupported(f"machine {machine!r}: expected {' or '.join(_CODE)}")
    number, code = _CODE[machine]
    text = code(report, gate)
    size = _HEADERS + len(text)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = ident + pack("<HHIQQQIHHHHHH", 2, number, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    stack = pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)
    return header + load + stack + text


def _x86_64(report: int, gate: int) -> bytes:
    syscall = b"\x0f\x05"

    def registers(**values: int) -> bytes:
        return b"".join(_X86_MOVE[name] + pack("<I", value) for name, value in values.items())

    scratch = b"\x48\x8d\x74\x24\xf8"  # lea rsi, [rsp-8]
    end = registers(edi=_FAILED, eax=231) + syscall
    attempt = (
        b"\x48\x8b\x7c\x24\x08"  # mov rdi, [rsp+8]: argv[0]
        b"\x48\x8d\x74\x24\x10"  # lea rsi, [rsp+16]: argv + 1
        b"\x48\x8b\x14\x24"  # mov rdx, [rsp]: argc
        b"\x48\x8d\x54\xd4\x10"  # lea rdx, [rsp+rdx*8+16]: envp
        + registers(eax=59)
        + syscall
        + b"\xf7\xd8\x89\x44\x24\xf8"  # neg eax; mov [rsp-8], eax
        + scratch
        + registers(edi=report, edx=4, eax=1)
        + syscall
    )
    opened = registers(edi=gate & 0xFFFFFFFF, eax=3) + syscall
    wait = scratch + registers(edi=gate & 0xFFFFFFFF, edx=1, eax=0) + syscall
    wait += b"\x83\xf8\x01\x0f\x85" + pack("<i", len(opened) + len(attempt)) + opened  # cmp eax, 1; jne to the end
    start = registers(edi=report, esi=2, edx=1, eax=72) + syscall
    return start + (wait if gate >= 0 else b"") + attempt + end


_X86_MOVE = {"eax": b"\xb8", "edx": b"\xba", "esi": b"\xbe", "edi": b"\xbf"}


def _aarch64(report: int, gate: int) -> bytes:
    scratch = 0xD10043E1  # sub x1, sp, #16

    def move(register: int, value: int) -> int:
        return 0xD2800000 | value << 5 | register  # movz

    def call(number: int) -> list[int]:
        return [move(8, number), 0xD4000001]  # svc #0

    end = [move(0, _FAILED), *call(94)]
    attempt = [
        0xF94007E0,  # ldr x0, [sp, #8]: argv[0]
        0x910043E1,  # add x1, sp, #16: argv + 1
        0xF94003E2,  # ldr x2, [sp]: argc
        0x8B020C22,  # add x2, x1, x2, lsl #3: envp
        *call(221),
        0x4B0003E0,  # neg w0, w0
        scratch,
        0xB9000020,  # str w0, [x1]
        move(0, report),
        move(2, 4),
        *call(64),
    ]
    opened = [move(0, gate), *call(57)] if gate >= 0 else []
    wait = [move(0, gate), scratch, move(2, 1), *call(63), 0x7100041F] if gate >= 0 else []  # cmp w0, #1
    if wait:
        wait.append(0x54000001 | (1 + len(opened) + len(attempt)) << 5)  # b.ne to the end
    start = [move(0, report), move(1, 2), move(2, 1), *call(25)]
    return b"".join(pack("<I", word) for word in [*start, *wait, *opened, *attempt, *end])


_CODE = {"x86_64": (62, _x86_64), "aarch64": (183, _aarch64)}
