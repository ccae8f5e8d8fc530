"""The confinement steps against the running kernel, in the two orders that steps/confinement.py writes down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mydocker.engine.request.capabilities import DEFAULT
from mydocker.engine.request.seccomp import profile
from mydocker.kernel.capabilities import mask
from mydocker.kernel.libseccomp import compile_filter

pytestmark = pytest.mark.kernel

REPOSITORY = Path(__file__).parents[2]

PRELUDE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from mydocker.steps.base import Run
from mydocker.steps.confinement import *
program = open(sys.argv[2], "rb").read()
run = Run("init")
"""
STATUS = "os.execv('/bin/cat', ['cat', '/proc/self/status'])"
AS_ROOT = """
caps = sys.argv[3].split(",")
run.execute([LoadSeccomp(program), DropBoundingSet(caps), SetCapabilities(caps, caps, [], [])])
"""
AS_USER = """
caps = sys.argv[3].split(",")
ambient = sys.argv[4].split(",") if sys.argv[4] else []
run.execute([SetNoNewPrivileges(), DropBoundingSet(caps), SetKeepCapabilities()])
os.setgroups([]); os.setresgid(1000, 1000, 1000); os.setresuid(1000, 1000, 1000)
run.execute([SetCapabilities(caps, caps, ambient, ambient), LoadSeccomp(program, 4)])
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seccomp") / "default.bpf"
    path.write_bytes(compile_filter(profile(list(DEFAULT), os.uname().machine, (6, 1))))
    return path


def run(script: str, program: Path, ambient: str = "") -> str:
    command = [sys.executable, "-I", "-S", "-c", PRELUDE + script, str(REPOSITORY), str(program), ",".join(DEFAULT), ambient]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def status(text: str) -> dict[str, int]:
    """Return what is set on a process: capability sets as masks, the rest as decimal numbers."""
    fields = dict(line.split(":\t", 1) for line in text.splitlines())
    sets = {name: int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    return {**sets, "NoNewPrivs": int(fields["NoNewPrivs"]), "Seccomp": int(fields["Seccomp"])}


def test_root_without_no_new_privs(program: Path) -> None:
    sets = dict.fromkeys(("CapPrm", "CapEff", "CapBnd"), mask(DEFAULT))
    assert status(run(AS_ROOT + STATUS, program)) == {**sets, "CapInh": 0, "CapAmb": 0, "NoNewPrivs": 0, "Seccomp": 2}


@pytest.mark.parametrize("ambient", [[], ["CAP_NET_BIND_SERVICE", "CAP_CHOWN"]])
def test_user_with_no_new_privs(program: Path, ambient: list[str]) -> None:
    sets = dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapAmb"), mask(ambient))
    expected = {**sets, "CapBnd": mask(DEFAULT), "NoNewPrivs": 1, "Seccomp": 2}
    assert status(run(AS_USER + STATUS, program, ",".join(ambient))) == expected


CALLS = """
from mydocker.kernel import libc
def result(name, *arguments):
    try:
        libc.call(name, *arguments)
        return "done"
    except OSError as error:
        return error.errno
print(result("mount", "none", "/proc", "tmpfs", 0, None), result("unshare", 0x10000000))
print(result("syscall", 100000), result("syscall", 435, 0, 0))
print(result("personality", 0xffffffff), result("socket", 2, 1, 0), result("socket", 38, 5, 0))
"""


@pytest.mark.parametrize("order", [AS_ROOT, AS_USER])
def test_default_profile_decides(program: Path, order: str) -> None:
    assert run(order + CALLS, program).split() == ["1", "1", "38", "38", "done", "done", "1"]


def test_without_no_new_privs_a_filter_needs_cap_sys_admin(program: Path) -> None:
    late = """
caps = sys.argv[3].split(",")
try:
    run.execute([SetCapabilities(caps, caps, [], []), LoadSeccomp(program)])
except Exception as error:
    print(error)
"""
    expected = "seccomp SECCOMP_SET_MODE_FILTER flags 0, {} instructions: Permission denied\n"
    assert run(late, program) == expected.format(program.stat().st_size // 8)
