"""What the compiled default profile decides, found out by running the BPF program as the kernel would."""

from __future__ import annotations

from struct import iter_unpack, pack, unpack_from
from typing import Any

import pytest

from mydocker.engine.request.capabilities import DEFAULT
from mydocker.engine.request.seccomp import profile
from mydocker.kernel.libseccomp import compile_filter

X86_64, I386, X32_BIT = 0xC000003E, 0x40000003, 0x40000000
ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x0

JUMPS = {0x15: int.__eq__, 0x25: int.__gt__, 0x35: int.__ge__, 0x45: int.__and__}


def run(program: bytes, number: int, arguments: tuple[int, ...] = (), architecture: int = X86_64) -> int:
    """Return what a classic BPF program returns for one call; only the instructions that libseccomp emits."""
    packet = pack("IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    instructions = list(iter_unpack("HBBI", program))
    accumulator, at = 0, 0
    while True:
        code, jt, jf, k = instructions[at]
        at += 1
        if code == 0x20:
            (accumulator,) = unpack_from("I", packet, k)
        elif code == 0x54:
            accumulator &= k
        elif code == 0x05:
            at += k
        elif code == 0x06:
            return int(k)
        else:
            at += jt if JUMPS[code](accumulator, k) else jf


@pytest.fixture(scope="module")
def default() -> bytes:
    return compile_filter(profile(list(DEFAULT), "x86_64", (6, 1)))


# Numbers from <asm/unistd_64.h>.
ALLOWED = {"read": 0, "execve": 59, "mmap": 9, "chroot": 161, "ptrace": 101, "openat2": 437, "clone": 56, "capset": 126, "arch_prctl": 158}
REFUSED = {
    "mount": 165,
    "umount2": 166,
    "pivot_root": 155,
    "unshare": 272,
    "setns": 308,
    "keyctl": 250,
    "add_key": 248,
    "request_key": 249,
    "bpf": 321,
    "kexec_load": 246,
    "reboot": 169,
    "init_module": 175,
    "finit_module": 313,
    "swapon": 167,
    "settimeofday": 164,
    "open_by_handle_at": 304,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "perf_event_open": 298,
    "iopl": 172,
    "acct": 163,
    "syslog": 103,
    "mbind": 237,
    "kcmp": 312,
    "vhangup": 153,
    "move_mount": 429,
    "quotactl": 179,
    "nfsservctl": 180,
}


@pytest.mark.parametrize("name", ALLOWED)
def test_allows(default: bytes, name: str) -> None:
    assert run(default, ALLOWED[name]) == ALLOW


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(default: bytes, name: str) -> None:
    assert run(default, REFUSED[name]) == EPERM


@pytest.mark.parametrize(
    ("number", "arguments", "decision"),
    [
        pytest.param(56, (0x11,), ALLOW, id="clone SIGCHLD"),
        pytest.param(56, (0x10000000,), EPERM, id="clone CLONE_NEWUSER"),
        pytest.param(56, (0x00020000 | 0x11,), EPERM, id="clone CLONE_NEWNS"),
        pytest.param(56, (0x02000000,), EPERM, id="clone CLONE_NEWCGROUP"),
        pytest.param(435, (), ENOSYS, id="clone3"),
        pytest.param(135, (0,), ALLOW, id="personality PER_LINUX"),
        pytest.param(135, (0x20008,), ALLOW, id="personality UNAME26|PER_LINUX32"),
        pytest.param(135, (0xFFFFFFFF,), ALLOW, id="personality query"),
        pytest.param(135, (0x0040000,), EPERM, id="personality ADDR_NO_RANDOMIZE"),
        pytest.param(41, (1,), ALLOW, id="socket AF_UNIX"),
        pytest.param(41, (2,), ALLOW, id="socket AF_INET"),
        pytest.param(41, (16,), ALLOW, id="socket AF_NETLINK"),
        pytest.param(41, (45,), ALLOW, id="socket AF_MCTP"),
        pytest.param(41, (12,), EPERM, id="socket AF_DECnet"),
        pytest.param(41, (38,), EPERM, id="socket AF_ALG"),
        pytest.param(41, (40,), EPERM, id="socket AF_VSOCK"),
        pytest.param(41, (46,), EPERM, id="socket AF_MAX"),
        pytest.param(41, (0x1_0000_0002,), EPERM, id="socket, upper half set"),
    ],
)
def test_decides_by_argument(default: bytes, number: int, arguments: tuple[int, ...], decision: int) -> None:
    assert run(default, number, arguments) == decision


@pytest.mark.parametrize(
    ("number", "architecture", "decision"),
    [
        pytest.param(3, I386, ALLOW, id="i386 read"),
        pytest.param(102, I386, ALLOW, id="i386 socketcall"),
        pytest.param(21, I386, EPERM, id="i386 mount"),
        pytest.param(100_000, I386, ENOSYS, id="i386 future"),
        pytest.param(X32_BIT, X86_64, ALLOW, id="x32 read"),
        pytest.param(X32_BIT | 165, X86_64, EPERM, id="x32 mount"),
        pytest.param(X32_BIT | 100_000, X86_64, ENOSYS, id="x32 future"),
        pytest.param(100_000, X86_64, ENOSYS, id="x86_64 future"),
        pytest.param(63, 0xC00000B7, KILL, id="aarch64 read on x86_64"),
    ],
)
def test_decides_by_architecture(default: bytes, number: int, architecture: int, decision: int) -> None:
    assert run(default, number, architecture=architecture) == decision


@pytest.mark.parametrize(
    ("capability", "number"),
    [
        ("CAP_SYS_ADMIN", 165),
        ("CAP_SYS_ADMIN", 435),
        ("CAP_SYS_ADMIN", 272),
        ("CAP_SYS_BOOT", 169),
        ("CAP_SYS_MODULE", 313),
        ("CAP_SYS_PACCT", 163),
        ("CAP_SYS_PTRACE", 312),
        ("CAP_SYS_RAWIO", 172),
        ("CAP_SYS_TIME", 164),
        ("CAP_SYS_TTY_CONFIG", 153),
        ("CAP_SYS_NICE", 237),
        ("CAP_SYSLOG", 103),
        ("CAP_BPF", 321),
        ("CAP_PERFMON", 298),
        ("CAP_DAC_READ_SEARCH", 304),
        ("CAP_SYS_CHROOT", 161),
    ],
)
def test_capability_allows(capability: str, number: int) -> None:
    assert run(compile_filter(profile([capability], "x86_64", (6, 1))), number) == ALLOW
    assert run(compile_filter(profile([], "x86_64", (6, 1))), number) in (EPERM, ENOSYS)


def test_sys_admin_may_clone_namespaces() -> None:
    assert run(compile_filter(profile(["CAP_SYS_ADMIN"], "x86_64", (6, 1))), 56, (0x7E020000,)) == ALLOW


def test_ptrace_needs_linux_4_8() -> None:
    assert run(compile_filter(profile([], "x86_64", (4, 7))), 101) == EPERM
    assert run(compile_filter(profile([], "x86_64", (4, 8))), 101) == ALLOW


def test_permissive_default_needs_no_answer_for_the_future() -> None:
    rule: Any = {"names": ["chmod"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}
    program = compile_filter({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [rule]})
    assert [run(program, number) for number in (90, 91, 100_000)] == [0x5000D, ALLOW, ALLOW]


def test_conditions_on_one_argument_are_alternatives() -> None:
    conditions = [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"} for value in (1, 2)]
    rule: Any = {"names": ["close"], "action": "SCMP_ACT_ALLOW", "args": conditions}
    program = compile_filter({"defaultAction": "SCMP_ACT_ERRNO", "architectures": [], "syscalls": [rule]})
    assert [run(program, 3, (value,)) for value in (0, 1, 2, 3)] == [EPERM, ALLOW, ALLOW, EPERM]


def test_conditions_on_several_arguments_must_all_hold() -> None:
    conditions = [{"index": index, "value": 7, "op": "SCMP_CMP_GE"} for index in (0, 1)]
    rule: Any = {"names": ["dup2", "no_such_call"], "action": "SCMP_ACT_ALLOW", "args": conditions}
    program = compile_filter({"defaultAction": "SCMP_ACT_ERRNO", "architectures": [], "syscalls": [rule]})
    assert [run(program, 33, arguments) for arguments in ((7, 7), (7, 6), (6, 7))] == [ALLOW, EPERM, EPERM]
