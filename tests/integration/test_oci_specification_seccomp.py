"""Each MUST of the runtime specification in config-linux.md of seccomp: tests named after sections, asked of runc and crun too."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime
from changes import (
    SHELL,
    both,
    created,
    process,
    refused,
    seccomp,
)


@pytest.mark.parametrize("action, status", [("SCMP_ACT_ERRNO", 1), ("SCMP_ACT_KILL", 128 + 31), ("SCMP_ACT_TRAP", 128 + 31)])
def test_seccomp_actions(any_runtime: Runtime, action: str, status: int) -> None:
    change = seccomp(syscalls=[{"names": ["mkdir", "mkdirat"], "action": action}])
    result = any_runtime.run(*SHELL, "mkdir /tmp/x; exit $?", change=change)
    assert result.rc == status


def test_seccomp_errno_and_arguments(any_runtime: Runtime) -> None:
    arguments = [{"index": 0, "value": 15, "op": "SCMP_CMP_EQ"}]
    change = seccomp(syscalls=[{"names": ["umask"], "action": "SCMP_ACT_KILL", "args": arguments}])
    assert any_runtime.run(*SHELL, "umask 016; umask 017", change=change).rc == 128 + 31
    assert any_runtime.run(*SHELL, "umask 016", change=change).rc == 0
    change = seccomp(syscalls=[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}])
    assert "No space left" in any_runtime.run("mkdir", "/tmp/x", change=change).stderr


@pytest.mark.parametrize("action", ["SCMP_ACT_LOG", "SCMP_ACT_ALLOW", "SCMP_ACT_TRACE", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"])
def test_seccomp_actions_of_a_process_alone(any_runtime: Runtime, action: str) -> None:
    if "KILL" in action:
        any_runtime.leave_out("runc", "was built with an older libseccomp")
    result = any_runtime.run(*SHELL, "mkdir /tmp/x; exit $?", change=seccomp(syscalls=[{"names": ["mkdir", "mkdirat"], "action": action}]))
    # Nobody traces: then the call is refused with ENOSYS.
    assert result.rc == {"SCMP_ACT_LOG": 0, "SCMP_ACT_ALLOW": 0, "SCMP_ACT_TRACE": 1}.get(action, 128 + 31), result.stderr


@pytest.mark.parametrize("new_privileges", [False, True])
def test_seccomp_reaches_the_hooks_that_run_in_the_container(any_runtime: Runtime, new_privileges: bool) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "mkdir /tmp/hooks"]}
    kill = seccomp(syscalls=[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL"}])
    change = both(kill, process(noNewPrivileges=not new_privileges), lambda spec: spec.update(hooks={"startContainer": [hook]}))
    result = any_runtime.run("true", change=change)
    assert result.rc != 0
    assert "bad system call" in result.stderr or any_runtime.name == "crun", result.stderr


@pytest.mark.parametrize("flag", ["TSYNC", "LOG", "SPEC_ALLOW"])
def test_seccomp_flags(any_runtime: Runtime, flag: str) -> None:
    change = seccomp(flags=[f"SECCOMP_FILTER_FLAG_{flag}"], syscalls=[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}])
    assert any_runtime.run(*SHELL, "mkdir /tmp/x; exit $?", change=change).rc == 1


@pytest.mark.parametrize(
    "values",
    [
        {"flags": ["SECCOMP_FILTER_FLAG_MOON"]},
        {"architectures": ["SCMP_ARCH_MOON"]},
        {"defaultAction": "SCMP_ACT_MOON"},
        {"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_MOON"}]},
        {"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_MOON"}]}]},
    ],
    ids=["flag", "architecture", "default action", "action", "operator"],
)
def test_seccomp_words_that_do_not_exist_are_errors(any_runtime: Runtime, values: dict[str, Any]) -> None:
    if "flags" in values:
        any_runtime.leave_out("crun", "ignores it")
    assert "MOON" in refused(any_runtime, seccomp(**values)) or any_runtime.name != "mydocker-oci"


def test_seccomp_several_architectures_of_one_byte_order(any_runtime: Runtime) -> None:
    names = [f"SCMP_ARCH_{name}" for name in ("X86_64", "X86", "X32", "AARCH64", "ARM", "MIPSEL", "MIPSEL64", "PPC64LE")]
    change = seccomp(architectures=names, syscalls=[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}])
    assert any_runtime.run(*SHELL, "mkdir /tmp/x; exit $?", change=change).rc == 1
    if any_runtime.name == "mydocker-oci":
        assert set(names) <= set(json.loads(any_runtime("features").stdout)["linux"]["seccomp"]["archs"])


def test_seccomp_names_must_have_an_entry(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "takes it")
    any_runtime.leave_out("crun", "takes it")
    refused(any_runtime, seccomp(syscalls=[{"names": [], "action": "SCMP_ACT_ERRNO"}]))


def test_seccomp_notify_without_a_listener_path_is_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "takes the annotation")
    refused(any_runtime, seccomp(syscalls=[{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]))


def test_seccomp_the_container_process_state_goes_to_the_listener(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("crun", "was built without it")
    got: list[tuple[bytes, list[int]]] = []
    path = str(tmp_path / "agent")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                data, descriptors, _, _ = socket.recv_fds(connection, 65536, 4)
            got.append((data, descriptors))

        agent = threading.Thread(target=accept)
        agent.start()
        change = seccomp(syscalls=[{"names": ["swapon"], "action": "SCMP_ACT_NOTIFY"}], listenerPath=path, listenerMetadata="meta")
        state = created(any_runtime, change=change)
        agent.join(10)
    (data, descriptors) = got[0]
    told = json.loads(data)
    links = [os.readlink(f"/proc/self/fd/{descriptor}") for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    assert (told["fds"], told["metadata"], told["pid"], told["state"]["id"]) == (["seccompFd"], "meta", state["pid"], "one")
    assert links == ["anon_inode:seccomp notify"]


def test_nothing_but_containers_is_below_the_root(any_runtime: Runtime) -> None:
    """Engines list that directory, and take what is there for containers. The compiled filter is kept elsewhere."""
    created(any_runtime, change=seccomp(syscalls=[{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]))
    assert os.listdir(f"{any_runtime.directory}/state") == ["one"]
