"""The trampoline's instructions, on this machine and, where QEMU's user emulation is installed, on the other one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from errno import ENOENT
from pathlib import Path

import pytest

from mydocker.errors import Unsupported
from mydocker.kernel.libc import MACHINE
from mydocker.kernel.trampoline import Filter, image

ALLOW_ALL = bytes.fromhex("060000000000ff7f")


def run(machine: str, directory: Path, program: str, loaded: Filter | None = None) -> tuple[int, str, bytes]:
    """Execute a trampoline that has a gate, which is its standard input. Return its status, its output and its report."""
    emulator = [] if machine == MACHINE else [shutil.which(f"qemu-{machine}") or pytest.skip(f"qemu-{machine} is not installed")]
    reader, report = os.pipe()
    path = directory / "trampoline"
    path.write_bytes(image(report, 0, loaded, machine))
    path.chmod(0o755)
    command = [*emulator, "-0", program, str(path), "echo", "hello"] if emulator else [program, "echo", "hello"]
    executable = None if emulator else str(path)
    ended = subprocess.run(command, executable=executable, input="\0", pass_fds=[report], capture_output=True, text=True, check=False)
    os.close(report)
    with open(reader, "rb") as file:
        return ended.returncode, ended.stdout, file.read()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_program_is_executed(machine: str, tmp_path: Path) -> None:
    assert run(machine, tmp_path, "/bin/echo") == (0, "hello\n", b"")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_execve_refuses_is_reported(machine: str, tmp_path: Path) -> None:
    assert run(machine, tmp_path, "/no/such") == (127, "", ENOENT.to_bytes(4, sys.byteorder))


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_any_other_call_refuses_is_reported_with_its_name(machine: str, tmp_path: Path) -> None:
    loaded = Filter(program=ALLOW_ALL, flags=1 << 30, words="seccomp, as told")
    status, output, report = run(machine, tmp_path, "/bin/echo", loaded)
    assert (status, output, report[4:]) == (127, "", b"seccomp, as told")


def test_a_machine_that_nobody_knows() -> None:
    with pytest.raises(Unsupported, match=r"^machine 'vax': expected x86_64 or aarch64$"):
        image(1, -1, machine="vax")
