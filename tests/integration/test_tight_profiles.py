"""Seccomp profiles that allow a program its own system calls and nothing else: the filter sees none of ours but execve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime
from changes import refused
from conftest import Machine

# What busybox and its C library call to write a line. As an ordinary user busybox gives up what a set-user-ID bit may have given it.
ECHO = ["execve", "exit_group", "write", "arch_prctl", "brk", "fstat", "getrandom", "getuid", "mmap", "mprotect", "newfstatat", "prctl"]
ECHO += ["prlimit64", "readlink", "readlinkat", "rseq", "set_robust_list", "set_tid_address", "uname"]
GIVE_UP = ["getgid", "setgid", "setuid"]
PROFILE = {"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [{"names": ECHO, "action": "SCMP_ACT_ALLOW"}]}
# What `cat` needs to wait for input.
WAIT = ["fadvise64", "poll", "read", "sendfile"]
USERS = [(0, []), (1000, GIVE_UP)]

PROGRAMS = [
    ("missing", 127, "exec: 'missing': executable file not found in $PATH"),
    ("/missing", 127, "exec: '/missing': no such file or directory"),
    ("/etc/passwd", 126, "exec: '/etc/passwd': permission denied"),
]


def tight(uid: int, more: list[str], new_privileges: bool) -> Any:
    def change(spec: dict[str, Any]) -> None:
        spec["process"]["user"] = {"uid": uid, "gid": uid}
        spec["process"]["noNewPrivileges"] = not new_privileges
        spec["linux"]["seccomp"] = profile(more)

    return change


def profile(more: list[str]) -> dict[str, Any]:
    return {**PROFILE, "syscalls": [{"names": [*ECHO, *more], "action": "SCMP_ACT_ALLOW"}]}


@pytest.mark.parametrize("new_privileges", [False, True])
@pytest.mark.parametrize(("uid", "more"), USERS)
def test_the_runtime_runs_creates_and_executes(oci: Runtime, uid: int, more: list[str], new_privileges: bool) -> None:
    change = tight(uid, more, new_privileges)
    assert oci.run("echo", "hello", change=change).stdout == "hello\n"
    bundle = oci.bundle("cat", change=tight(uid, [*more, *WAIT], new_privileges))
    assert oci("create", "--bundle", bundle, "one").rc == 0
    said = oci("exec", "one", "echo", "hello")
    assert (said.rc, said.stdout) == (0, "hello\n")
    assert oci("start", "one").rc == 0


@pytest.mark.parametrize("new_privileges", [False, True])
@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("ambient", [[], ["CAP_CHOWN"], ["CAP_CHOWN", "CAP_SYS_ADMIN"]])
def test_no_capability_is_left_over_from_the_loading(oci: Runtime, uid: int, new_privileges: bool, ambient: list[str]) -> None:
    """The kernel decides what the program has; a filter makes no difference to that."""
    everything = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}

    def change(spec: dict[str, Any]) -> None:
        spec["process"]["user"] = {"uid": uid, "gid": uid}
        spec["process"]["noNewPrivileges"] = not new_privileges
        for kind in ("bounding", "effective", "permitted", "inheritable", "ambient"):
            spec["process"]["capabilities"][kind] = [*ambient, "CAP_KILL"] if kind != "ambient" else ambient

    def filtered(spec: dict[str, Any]) -> None:
        change(spec)
        spec["linux"]["seccomp"] = everything

    plain = oci.run("grep", "^Cap", "/proc/self/status", change=change).stdout
    assert plain.count("\n") == 5
    assert oci.run("grep", "^Cap", "/proc/self/status", change=filtered).stdout == plain


@pytest.mark.parametrize("new_privileges", [False, True])
@pytest.mark.parametrize("uid", [0, 1000])
def test_a_hook_inside_gets_no_capability_from_the_loading(oci: Runtime, uid: int, new_privileges: bool) -> None:
    """It is a program of the container, and runs when init has its capabilities and the filter may still be to come."""

    def change(spec: dict[str, Any]) -> None:
        spec["process"]["user"] = {"uid": uid, "gid": uid}
        spec["process"]["noNewPrivileges"] = not new_privileges
        spec["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}
        spec["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "grep ^Cap /proc/self/status > /tmp/caps"]}]}

    said = oci.run("sh", "-c", "cat /tmp/caps; echo; grep ^Cap /proc/self/status", change=change).stdout.split("\n\n")
    assert said[0].count("Cap") == 5
    assert "CapBnd:\t00000000000004e3" in said[0]
    assert all(int(line.split()[1], 16) & 1 << 21 == 0 for text in said for line in text.split("\n") if line)


@pytest.mark.parametrize(("path", "status", "message"), PROGRAMS)
def test_what_the_runtime_says_of_a_program_that_cannot_be_executed(oci: Runtime, path: str, status: int, message: str) -> None:
    for new_privileges in (False, True):
        assert message in refused(oci, tight(1000, GIVE_UP, new_privileges), path)


@pytest.mark.parametrize("flags", [[], ["--security-opt", "no-new-privileges"]])
@pytest.mark.parametrize(("uid", "more"), USERS)
def test_the_engine_runs_and_executes(mydocker: Machine, tmp_path: Path, uid: int, more: list[str], flags: list[str]) -> None:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(profile([*more, *WAIT])))
    common = ["-u", str(uid), *flags, "--security-opt", f"seccomp={path}", "--network", "none"]
    assert mydocker("run", "--rm", *common, "busybox", "echo", "hello").stdout == "hello\n"
    mydocker("run", "-d", "-i", "--name", "box", *common, "busybox", "cat")
    assert mydocker("exec", "box", "echo", "hello").stdout == "hello\n"
    for program, status, message in PROGRAMS:
        for verb in (["run", "--rm", *common, "busybox"], ["exec", "box"]):
            said = mydocker(*verb, program)
            assert (said.rc, message in said.stderr) == (status, True), said.stderr
    mydocker("rm", "-f", "box")
