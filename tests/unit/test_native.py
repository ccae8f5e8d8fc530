"""The native launcher: what its bytes do on this machine, and what they say on another one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mydocker import native, program

INTERPRETER = os.path.realpath(sys.executable)
SHOW = "import os, sys; print(sys.argv[1:], sys.executable, os.environ['GIVEN'], sys.flags.isolated, sys.flags.no_site)"

on_this_machine = pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="no launcher is known for this machine")


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    path = tmp_path / "launcher"
    path.write_bytes(native.launcher(INTERPRETER, SHOW, os.uname().machine) or b"")
    path.chmod(0o755)
    return path


@on_this_machine
@pytest.mark.parametrize("words", [[], ["a", "b c", "", "--", "-x"], [str(number) for number in range(1000)]])
def test_it_executes_the_interpreter_with_all_arguments(launcher: Path, words: list[str]) -> None:
    told = subprocess.run([launcher, *words], env={"GIVEN": "yes"}, capture_output=True, text=True, check=True).stdout
    assert told == f"{words} {INTERPRETER} yes 1 1\n"


@on_this_machine
def test_it_says_what_it_cannot_execute(tmp_path: Path) -> None:
    path = tmp_path / "launcher"
    path.write_bytes(native.launcher(f"{tmp_path}/missing", "pass", os.uname().machine) or b"")
    path.chmod(0o755)
    done = subprocess.run([path], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (127, "", f"mydocker: {tmp_path}/missing cannot be executed\n")


@on_this_machine
def test_ctrl_c_waits_until_it_can_be_answered(launcher: Path, tmp_path: Path) -> None:
    blocked = "import _signal; print(_signal.SIGINT in _signal.pthread_sigmask(_signal.SIG_BLOCK, []))"
    launcher.write_bytes(native.launcher(INTERPRETER, blocked, os.uname().machine) or b"")
    assert subprocess.run([launcher], capture_output=True, text=True, check=True).stdout == "True\n"


def test_an_unknown_machine_gets_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    assert native.launcher(INTERPRETER, "pass", "riscv64") is None
    monkeypatch.setattr(native, "_CODE", {})
    assert native.command(INTERPRETER, "mydocker.oci.entry", "/lib") == program.script(INTERPRETER, "mydocker.oci.entry", "/lib").encode()


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_its_header(machine: str, number: int) -> None:
    image = native.launcher("/usr/bin/python3", "pass", machine)
    assert image
    assert image[:7] == b"\x7fELF\x02\x01\x01"
    assert int.from_bytes(image[18:20], "little") == number
    assert len(image) < 1000
    for word in (b"/usr/bin/python3\0", b"-I\0", b"-S\0", b"-c\0", b"pass\0"):
        assert word in image


def test_the_instructions_for_aarch64() -> None:
    """No machine of this kind is at hand, so this is what a disassembler was shown: the words around the branch past the view."""
    image = native.launcher("/usr/bin/python3", "pass", "aarch64") or b""
    words = [int.from_bytes(image[at : at + 4], "little") for at in range(0, len(image), 4)]
    branch = words.index(0xB5000175)  # cbnz x21, eleven instructions ahead
    assert words[branch + 1 : branch + 4] == [0xAA1403E0, 0xD1006262, 0xAA1603E3]  # mov x0, x20; sub x2, x19, #24; mov x3, x22
    assert words[branch + 11] == 0xD1006261  # sub x1, x19, #24, for execve
    assert words[-1] == 0xD4000001  # svc #0
