"""A launcher of a few hundred bytes: it executes the interpreter of a program of ours from a read-only view, and blocks Ctrl-C meanwhile.

What enters a container must run from such a view (see kernel/seal.py). If the whole command does from its beginning, its monitor and init
can be forks of it, and no second interpreter has to be started. The launcher does this:

    rt_sigprocmask(SIG_BLOCK, {SIGINT})                              until the command can answer it, see cli/entry.py
    view = open_tree(AT_FDCWD, INTERPRETER, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
    mount_setattr(view, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY) == 0 and
        execveat(view, "", [INTERPRETER, -I, -S, -c, TEXT, ARGUMENT…], envp, AT_EMPTY_PATH)
    execve(INTERPRETER, the same)                                    where there is no such view: an old kernel, or a user who is not root
    write(2, an error), exit_group(127)

The arguments stay where the kernel has put them: the five new words take the places of argc and argv[0], and three places before them.

Sources: elf(5), syscall(2) for the registers, <asm/unistd.h> for the numbers, the architectures' manuals for the instructions.
"""

from __future__ import annotations

import os
from struct import pack

from mydocker.program import script, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BASE = 0x400000
_HEADERS = 64 + 56
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_CLONE = 0x80001  # OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
_ATTRIBUTES = pack("<QQQQ", 1, 0, 0, 0)  # struct mount_attr: set MOUNT_ATTR_RDONLY
_SIGINT = pack("<Q", 1 << 1)


def command(interpreter: str, module: str, *libraries: str) -> bytes:
    """Return an executable file that calls the main() of a module: the launcher, or a script where the launcher is not known.

    interpreter: the path of the interpreter
    libraries: the directories that our package and click are in
    """
    native = launcher(interpreter, text(module, libraries=libraries), os.uname().machine)
    return native or script(interpreter, module, *libraries).encode()


class _Data:
    """What comes before the code, and where each piece of it is."""

    def __init__(self, interpreter: str, program: str) -> None:
        self.content = b""
        self.attributes = self._put(_ATTRIBUTES)
        self.signals = self._put(_SIGINT)
        self.empty = self._put(b"\0")
        self.words = [self._put(word.encode() + b"\0") for word in (interpreter, "-I", "-S", "-c", program)]
        self.complaint = self._put(message := f"mydocker: {interpreter} cannot be executed\n".encode())
        self.length = len(message)
        self.content += bytes(-len(self.content) % 8)

    def _put(self, piece: bytes) -> int:
        """Add a piece, and return its address."""
        self.content += bytes(-len(self.content) % 8)
        address = _BASE + _HEADERS + len(self.content)
        self.content += piece
        return address


def launcher(interpreter: str, program: str, machine: str) -> bytes | None:
    """Return the launcher as an ELF file, or None for a machine whose instructions are not known here.

    interpreter: its path
    program: the Python text that it executes
    machine: as uname(2) says it
    """
    if machine not in _CODE:
        return None
    number, code = _CODE[machine]
    data = _Data(interpreter, program)
    body = data.content + code(data)
    size = _HEADERS + len(body)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    start = _BASE + _HEADERS + len(data.content)
    header = ident + pack("<HHIQQQIHHHHHH", 2, number, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000) + body


def _x86_64(data: _Data) -> bytes:
    moves = {"edi": b"\xbf", "esi": b"\xbe", "edx": b"\xba", "r10d": b"\x41\xba", "r8d": b"\x41\xb8", "eax": b"\xb8"}

    def call(number: int, **values: int) -> bytes:
        return b"".join(moves[name] + pack("<I", value & 0xFFFFFFFF) for name, value in {**values, "eax": number}.items()) + b"\x0f\x05"

    words = b"".join(
        b"\x49\xc7\x44\x24" + pack("<bi", place, address)  # mov qword [r12+place], address
        for place, address in zip((-24, -16, -8, 0, 8), data.words, strict=True)
    )
    sealed = (
        b"\x44\x89\xef"  # mov edi, r13d: the view
        b"\x49\x8d\x54\x24\xe8"  # lea rdx, [r12-24]: argv
        b"\x4d\x89\xfa" + call(322, esi=data.empty, r8d=_AT_EMPTY_PATH)  # mov r10, r15: envp
    )
    return (
        call(14, edi=0, esi=data.signals, edx=0, r10d=8)
        + b"\x49\x89\xe4"  # mov r12, rsp
        + call(428, edi=_AT_FDCWD, esi=data.words[0], edx=_CLONE)
        + b"\x49\x89\xc5\x89\xc7"  # mov r13, rax; mov edi, eax
        + call(442, esi=data.empty, edx=_AT_EMPTY_PATH, r10d=data.attributes, r8d=len(_ATTRIBUTES))
        + b"\x49\x89\xc6"  # mov r14, rax
        + b"\x49\x8b\x04\x24\x4d\x8d\x7c\xc4\x10"  # mov rax, [r12]; lea r15, [r12+rax*8+16]: envp
        + words
        + b"\x45\x85\xf6\x75"  # test r14d, r14d; jnz past what needs the view
        + pack("<b", len(sealed))
        + sealed
        + b"\x49\x8d\x74\x24\xe8\x4c\x89\xfa"  # lea rsi, [r12-24]; mov rdx, r15
        + call(59, edi=data.words[0])
        + call(1, edi=2, esi=data.complaint, edx=data.length)
        + call(231, edi=127)
    )


def _aarch64(data: _Data) -> bytes:
    def move(register: int, value: int) -> list[int]:
        if value < 0:
            return [0x92800000 | ~value << 5 | register]  # movn
        return [0xD2800000 | (value & 0xFFFF) << 5 | register, 0xF2A00000 | value >> 16 << 5 | register]  # movz; movk, lsl #16

    def call(number: int, **values: int) -> list[int]:
        moves = [word for name, value in values.items() for word in move(int(name[1:]), value)]
        return [*moves, *move(8, number), 0xD4000001]  # svc #0

    copies = {"x19": 0x910003F3, "x20": 0xAA0003F4, "x21": 0xAA0003F5}  # mov x19, sp; mov x20, x0; mov x21, x0
    words: list[int] = []
    for place, address in zip((-24, -16, -8, 0, 8), data.words, strict=True):
        words += [*move(9, address), 0xF8000269 | (place & 0x1FF) << 12]  # stur x9, [x19, #place]
    argv = 0xD1006260  # sub x0, x19, #24, with the register in its lowest bits
    envp = 0xAA1603E0  # mov x0, x22, alike
    sealed = [0xAA1403E0, argv | 2, envp | 3, *call(281, x1=data.empty, x4=_AT_EMPTY_PATH)]  # mov x0, x20: the view
    code = [
        *call(135, x0=0, x1=data.signals, x2=0, x3=8),
        copies["x19"],
        *call(428, x0=_AT_FDCWD, x1=data.words[0], x2=_CLONE),
        copies["x20"],
        *call(442, x1=data.empty, x2=_AT_EMPTY_PATH, x3=data.attributes, x4=len(_ATTRIBUTES)),
        copies["x21"],
        0xF9400276,  # ldr x22, [x19]: argc
        0x8B160E76,  # add x22, x19, x22, lsl #3
        0x910042D6,  # add x22, x22, #16: envp
        *words,
        0xB5000015 | (1 + len(sealed)) << 5,  # cbnz x21, past what needs the view
        *sealed,
        argv | 1,
        envp | 2,
        *call(221, x0=data.words[0]),
        *call(64, x0=2, x1=data.complaint, x2=data.length),
        *call(94, x0=127),
    ]
    return b"".join(pack("<I", word) for word in code)


_CODE: dict[str, tuple[int, Callable[[_Data], bytes]]] = {"x86_64": (62, _x86_64), "aarch64": (183, _aarch64)}
