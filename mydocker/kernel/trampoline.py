"""A program of a few hundred bytes that executes the container's program, so that the interpreter does not do it.

A container may say that its program is /proc/self/exe. It then gets the program that executes it. If that were an interpreter
of the host, the container could open it and, once nobody runs it, overwrite it (CVE-2019-5736). seal.py prevents that by
executing the interpreter again from a read-only view, which takes as long as an interpreter takes to start. The trampoline takes
no time. It is a sealed file in memory, and it is what a container finds in /proc/self/exe.

It also waits for `start` in the interpreter's place: a container that is created and not started holds a few pages of memory.
And it loads the seccomp filter, which therefore sees nothing of ours but execve and, if that fails, write and exit_group.

The program makes these calls:

    fcntl(report, F_SETFD, FD_CLOEXEC)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SYS_ADMIN), capset()      only if it has been carried, see Filter
    read(gate, buffer, 1), close(gate)                                        only with a gate
    seccomp(SECCOMP_SET_MODE_FILTER, flags, filter)                           only with a filter
    execve(argv[0], argv + 1, envp)

After one that fails: write(report, the errno as four bytes and what failed), exit_group(127).

Sources: elf(5), syscall(2) for the registers, <asm/unistd.h> for the numbers, the architectures' manuals for the instructions.
"""

from __future__ import annotations

import os
from fcntl import F_SETFD, FD_CLOEXEC
from struct import pack

from mydocker.errors import Unsupported
from mydocker.kernel import capabilities, process
from mydocker.kernel.libc import MACHINE
from mydocker.kernel.seal import executable_memfd, sealed
from mydocker.kernel.seccomp import INSTRUCTION_SIZE, SECCOMP_SET_MODE_FILTER
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    # A system call: its number's name, its arguments, and what is reported if it fails. Without arguments it is the execve.
    Call = tuple[str, tuple[int, ...], str]

# The file is mapped twice: once to execute it, and once to read and write it.
_TEXT = 0x400000
_DATA = 0x10000000
_HEADERS = 64 + 3 * 56
_FAILED = 127


class Filter(Value):
    """The seccomp filter that the trampoline loads.

    Without no_new_privs that takes CAP_SYS_ADMIN. Then the trampoline was executed with this capability in the inheritable set and, for an
    ordinary user, in the ambient set. It takes it out of both, so that the container's program does not get it.
    """

    program: bytes  # as kernel.seccomp.load() takes it
    flags: int  # as kernel.seccomp.load() takes them
    words: str  # what is reported if the kernel refuses the filter
    held: tuple[int, int] | None = None  # the sets (permitted and effective, inheritable) to go on with; None if nothing was carried
    ambient: bool = False  # whether CAP_SYS_ADMIN is taken out of the ambient set


class Memory:
    """What the trampoline reads and writes. Its address is known before it is complete."""

    def __init__(self) -> None:
        self.data = b""

    def put(self, data: bytes) -> int:
        """Add data, and return its address."""
        address = _DATA + _HEADERS + len(self.data)
        self.data += data + bytes(-len(data) % 8)
        return address


def execute(program: str, args: list[str], environment: dict[str, str], report: int, gate: int = -1, loaded: Filter | None = None) -> None:
    """Execute the trampoline in this process, which then executes a program.

    program: the program's path.
    args: its arguments, the first of which is its name.
    environment: its environment.
    report: a descriptor to which the trampoline writes what fails: an errno, four bytes, and which call it was, nothing for execve. It is
        closed if the program is executed.
    gate: a descriptor from which the trampoline first reads one byte, or -1 for none.
    loaded: the seccomp filter, or None.

    Raises Unsupported or OSError if the trampoline itself cannot be executed.
    """
    for descriptor in (report, *([gate] if gate >= 0 else [])):
        os.set_inheritable(descriptor, True)
    memfd = executable_memfd("mydocker-init")
    os.write(memfd, image(report, gate, loaded))
    try:
        os.execve(sealed(memfd), [program, *args], environment)
    except PermissionError as error:
        hint = "sysctl vm.memfd_noexec=2 and some security modules forbid it"
        raise Unsupported("a program in memory cannot be executed on this host", hint) from error


def image(report: int, gate: int, loaded: Filter | None = None, machine: str = MACHINE) -> bytes:
    """Return the trampoline as an ELF file. Raises Unsupported for a machine whose instructions are not known here.

    report, gate, loaded: as execute() takes them.
    """
    if machine not in _CODE:
        raise Unsupported(f"machine {machine!r}: expected {' or '.join(_CODE)}")
    number, code = _CODE[machine]
    memory = Memory()
    text = b"".join(code(call, report, memory.put(bytes(4) + call[2].encode())) for call in _calls(memory, report, gate, loaded))
    entry = _HEADERS + len(memory.data)
    size = entry + len(text)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = ident + pack("<HHIQQQIHHHHHH", 2, number, 1, _TEXT + entry, 64, 0, 0, 64, 56, 3, 0, 0, 0)
    loads = [pack("<IIQQQQQQ", 1, flags, 0, base, base, size, size, 0x1000) for flags, base in ((5, _TEXT), (6, _DATA))]
    stack = pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)
    return b"".join([header, *loads, stack, memory.data, text])


def _calls(memory: Memory, report: int, gate: int, loaded: Filter | None) -> list[Call]:
    calls: list[Call] = [("fcntl", (report, F_SETFD, FD_CLOEXEC), "fcntl")]
    if loaded and loaded.held:
        if loaded.ambient:
            lower = (process.PR_CAP_AMBIENT, process.PR_CAP_AMBIENT_LOWER, capabilities.NUMBERS["CAP_SYS_ADMIN"], 0, 0)
            calls.append(("prctl", lower, "prctl PR_CAP_AMBIENT_LOWER"))
        sets = capabilities.capset_arguments(loaded.held[0], *loaded.held)
        calls.append(("capset", tuple(map(memory.put, sets)), "capset"))
    if gate >= 0:
        calls += [("read", (gate, memory.put(b"\0"), 1), "read"), ("close", (gate,), "close")]
    if loaded:
        filtering = pack("HxxxxxxQ", len(loaded.program) // INSTRUCTION_SIZE, memory.put(loaded.program))
        calls.append(("seccomp", (SECCOMP_SET_MODE_FILTER, loaded.flags, memory.put(filtering)), loaded.words))
    return [*calls, ("execve", (), "")]


def _x86_64(call: Call, report: int, told: int) -> bytes:
    """Return the instructions of one call, and of the report and the end if it fails.

    told: the address of the report: four bytes for the errno, and then the text.
    """
    name, arguments, text = call

    def make(name: str, *values: int) -> bytes:
        moves = (move + pack("<Q", value) for move, value in zip(_X86_MOVES, values, strict=False))
        return b"".join(moves) + b"\xb8" + pack("<I", _X86_NUMBERS[name]) + b"\x0f\x05"  # mov eax, number; syscall

    failed = b"\xf7\xd8\x89\x04\x25" + pack("<I", told)  # neg eax; mov [told], eax
    failed += make("write", report, told, 4 + len(text.encode())) + make("exit_group", _FAILED) + b"\x0f\x0b"  # ud2
    behind = b"\x85\xc0\x0f\x89" + pack("<I", len(failed)) if arguments else b""  # test eax, eax; jns behind it
    return (b"" if arguments else _X86_EXECVE) + make(name, *arguments) + behind + failed


_X86_NUMBERS = {
    "read": 0,
    "write": 1,
    "close": 3,
    "execve": 59,
    "fcntl": 72,
    "capset": 126,
    "prctl": 157,
    "exit_group": 231,
    "seccomp": 317,
}
# mov rdi, mov rsi, mov rdx, mov r10, mov r8
_X86_MOVES = (b"\x48\xbf", b"\x48\xbe", b"\x48\xba", b"\x49\xba", b"\x49\xb8")
_X86_EXECVE = (
    b"\x48\x8b\x7c\x24\x08"  # mov rdi, [rsp+8]: argv[0]
    b"\x48\x8d\x74\x24\x10"  # lea rsi, [rsp+16]: argv + 1
    b"\x48\x8b\x14\x24"  # mov rdx, [rsp]: argc
    b"\x48\x8d\x54\xd4\x10"  # lea rdx, [rsp+rdx*8+16]: envp
)


def _aarch64(call: Call, report: int, told: int) -> bytes:
    name, arguments, text = call

    def move(register: int, value: int) -> list[int]:
        return [0xD2800000 | (value & 0xFFFF) << 5 | register, 0xF2A00000 | value >> 16 << 5 | register]  # movz; movk, lsl #16

    def make(name: str, *values: int) -> list[int]:
        moves = [word for register, value in enumerate(values) for word in move(register, value)]
        return [*moves, *move(8, _ARM_NUMBERS[name]), 0xD4000001]  # svc #0

    failed = [0x4B0003E0, *move(1, told), 0xB9000020]  # neg w0, w0; str w0, [x1]
    failed += [*make("write", report, told, 4 + len(text.encode())), *make("exit_group", _FAILED), 0xD4200000]  # brk #0
    behind = [0xB6F80000 | (1 + len(failed)) << 5] if arguments else []  # tbz x0, #63, behind it
    words = [*(() if arguments else _ARM_EXECVE), *make(name, *arguments), *behind, *failed]
    return b"".join(pack("<I", word) for word in words)


_ARM_NUMBERS = {
    "read": 63,
    "write": 64,
    "close": 57,
    "execve": 221,
    "fcntl": 25,
    "capset": 91,
    "prctl": 167,
    "exit_group": 94,
    "seccomp": 277,
}
_ARM_EXECVE = (
    0xF94007E0,  # ldr x0, [sp, #8]: argv[0]
    0x910043E1,  # add x1, sp, #16: argv + 1
    0xF94003E2,  # ldr x2, [sp]: argc
    0x8B020C22,  # add x2, x1, x2, lsl #3: envp
)


_CODE = {"x86_64": (62, _x86_64), "aarch64": (183, _aarch64)}
