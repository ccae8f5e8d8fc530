"""CVE-2019-5736: the executable of a sealed process cannot be written through /proc/PID/exe, not even after it ended.

The victim is always a copy of the interpreter, never the real one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel

REPOSITORY = Path(__file__).parents[2]
INTERPRETER = os.path.realpath(sys.executable)

# Executes itself again by the variant in argv[1]; the second life says "ready" and waits for its input to end.
VICTIM = """
import os, sys
sys.path.insert(0, sys.argv[2])
from mydocker.kernel import seal
variant = {"view": seal.read_only_view, "copy": seal.sealed_copy, "unsealed": lambda path: None}[sys.argv[1]]
wait = "import os; os.write(1, b'ready'); os.read(0, 1)"
seal.exec_sealed(variant("/proc/self/exe"), [sys.executable, "-I", "-S", "-c", wait], {})
"""


@pytest.fixture
def views() -> None:
    """For tests of read-only views, which need a newer kernel than sealed copies."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); from mydocker.kernel import seal; seal.read_only_view('/proc/self/exe')"
    result = subprocess.run([INTERPRETER, "-I", "-S", "-c", script, str(REPOSITORY)], capture_output=True, text=True)
    if "Function not implemented" in result.stderr:
        pytest.skip("this kernel has no mount_setattr (Linux 5.12)")
    assert result.returncode == 0, result.stderr


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    copy = tmp_path / "python"
    shutil.copy(INTERPRETER, copy)
    return copy


def executable_after_death(interpreter: Path, variant: str) -> int:
    """Return an O_PATH descriptor of /proc/PID/exe of a victim that has run and ended."""
    command = [INTERPRETER, "-I", "-S", "-c", VICTIM, variant, str(REPOSITORY)]
    with subprocess.Popen(command, executable=interpreter, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.read(5) == b"ready"
        return os.open(f"/proc/{victim.pid}/exe", os.O_PATH)


def overwrite(descriptor: int) -> None:
    writable = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY)
    try:
        os.pwrite(writable, b"#!/evil", 0)
    finally:
        os.close(writable)


@pytest.mark.parametrize(("variant", "error"), [("view", "Read-only file system"), ("copy", "Operation not permitted")])
def test_sealed_interpreter_cannot_be_overwritten(request: pytest.FixtureRequest, interpreter: Path, variant: str, error: str) -> None:
    if variant == "view":
        request.getfixturevalue("views")
    held = executable_after_death(interpreter, variant)
    try:
        with pytest.raises(OSError, match=error):
            overwrite(held)
    finally:
        os.close(held)
    assert interpreter.read_bytes() == Path(INTERPRETER).read_bytes()


def test_unsealed_interpreter_can_be_overwritten(interpreter: Path) -> None:
    """The attack is real: without this, the tests above would prove nothing."""
    held = executable_after_death(interpreter, "unsealed")
    try:
        overwrite(held)
    finally:
        os.close(held)
    assert interpreter.read_bytes().startswith(b"#!/evil")


def interpreters(tmp_path: Path) -> dict[str, str]:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    return {"plain": INTERPRETER, "venv": str(venv / "bin/python")}


REEXECUTE = """
import sys
sys.path.insert(0, sys.argv[1])
from mydocker.kernel import seal
descriptor = seal.{variant}("/proc/self/exe")
seal.exec_sealed(descriptor, [sys.executable, "-I", "-S", "-c", "import json, sys; print(json.__file__, sys.executable)"], {{}})
"""


@pytest.mark.parametrize("variant", ["read_only_view", "sealed_copy"])
@pytest.mark.parametrize("kind", ["plain", "venv"])
def test_sealed_interpreter_finds_its_library(request: pytest.FixtureRequest, tmp_path: Path, variant: str, kind: str) -> None:
    if variant == "read_only_view":
        request.getfixturevalue("views")
    python = interpreters(tmp_path)[kind]
    command = [python, "-I", "-S", "-c", REEXECUTE.format(variant=variant), str(REPOSITORY)]
    library, executable = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert (library, executable) == (json.__file__, python)


def test_a_sealed_interpreter_is_not_sealed_again(views: None) -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); from mydocker.kernel import seal; print(seal.sealed_interpreter())"
    inside = ["-I", "-S", "-c", script, str(REPOSITORY)]
    outside = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from mydocker.kernel import seal
seal.exec_sealed(seal.read_only_view("/proc/self/exe"), [sys.executable, *{inside!r}], {{}})
"""
    assert subprocess.run([INTERPRETER, "-I", "-S", "-c", outside], capture_output=True, text=True, check=True).stdout == "None\n"


def test_without_cap_sys_admin_a_copy_is_sealed() -> None:
    script = """
import os, sys
sys.path.insert(0, sys.argv[1])
from mydocker.kernel import capabilities, seal
capabilities.capset(0, 0, 0)
print(os.readlink(f"/proc/self/fd/{seal.sealed_interpreter()}"))
"""
    command = [INTERPRETER, "-I", "-S", "-c", script, str(REPOSITORY)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "/memfd:mydocker (deleted)\n"
