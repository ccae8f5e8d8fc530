"""What runc and crun have beyond the specification and their callers use: flags, annotations, the socket of systemd."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime
from changes import both, created, linux, namespace, refused
from conftest import wait_until

KEEP = {"run.oci.keep_original_groups": "1"}


@pytest.mark.parametrize("is_relative", [False, True])
def test_config_names_another_file_than_the_bundles_own(any_runtime: Runtime, is_relative: bool) -> None:
    any_runtime.leave_out("runc", "has no --config")
    if is_relative:
        any_runtime.leave_out("crun", "is not where the caller is when it reads the file")
    bundle = Path(any_runtime.bundle("echo", "other"))
    other = (bundle / "config.json").rename(bundle / "other.json")
    result = any_runtime("run", "--config", os.path.relpath(other) if is_relative else str(other), "--bundle", str(bundle), "one")
    assert (result.rc, result.stdout) == (0, "other\n")


def test_delete_all_whose_ids_fit_an_expression(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "has no --regex")
    for name in ("web-1", "web-2", "data"):
        assert any_runtime("run", "--detach", "--bundle", any_runtime.bundle("sleep", "1000"), name).rc == 0
    assert any_runtime("delete", "--force", "--regex", "eb-[0-9]$").rc == 0
    assert any_runtime("list", "-q").stdout.split() == ["data"]
    assert any_runtime("delete", "--regex", "web").rc == 0, "none is no error"


def test_delete_with_an_expression_goes_on_past_one_that_cannot_be_deleted(oci: Runtime) -> None:
    created(oci)
    assert oci("run", "--detach", "--bundle", oci.bundle("sleep", "1000"), "other").rc == 0
    result = oci("delete", "--regex", "o")
    assert result.rc == 1
    assert "cannot delete container other that is not stopped: running" in result.stderr
    assert oci("list", "-q").stdout.split() == ["other"]
    assert "--regex '(': missing )" in oci("delete", "--regex", "(").stderr


@pytest.mark.parametrize("users", [False, True])
def test_the_annotation_that_keeps_the_groups_of_the_caller(any_runtime: Runtime, users: bool) -> None:
    any_runtime.leave_out("runc", "does not know it")
    mapped = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    change = both(lambda spec: spec.update(annotations=KEEP), lambda spec: spec["process"]["user"].update(additionalGids=[7]))
    if users:
        change = both(change, namespace("user"), linux(uidMappings=mapped, gidMappings=mapped))
    bundle = any_runtime.bundle("grep", "^Groups", "/proc/self/status", change=change)
    result = any_runtime("run", "--bundle", bundle, "one", prefix="setpriv --groups 100003,100004")
    # A group that is not mapped looks like 65534 inside; these two are 3 and 4 there.
    assert result.stdout.split() == ["Groups:", *(["3", "4"] if users else ["100003", "100004"])], result.stderr


class Systemd:
    """What plays systemd: a socket that services tell their state to."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(20)
        self.path = path

    def heard(self) -> str:
        return self.socket.recv(4096).decode()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    played = Systemd(f"{tmp_path}/systemd")
    yield played
    played.socket.close()


def say(pid: int, text: str) -> None:
    """Send a datagram to the socket that a container sees, when it is there."""
    path = f"/proc/{pid}/root/run/notify/notify.sock"
    wait_until(lambda: os.path.exists(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(path)
        sender.send(text.encode())


@contextmanager
def in_background(runtime: Runtime, systemd: Systemd, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "NOTIFY_SOCKET": systemd.path}
    with open("/dev/null", "r+b") as null:
        process = subprocess.Popen([*shlex.split(runtime.prefixed), *words], env=environment, stdin=null, stdout=null, stderr=null)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("users", [False, True])
def test_start_returns_when_the_program_says_that_it_is_ready(oci: Runtime, systemd: Systemd, users: bool) -> None:
    mapped = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    change = both(namespace("user"), linux(uidMappings=mapped, gidMappings=mapped)) if users else lambda spec: None
    bundle = oci.bundle("sleep", "1000", change=change)
    assert oci("create", "--bundle", bundle, "one", prefix=f"NOTIFY_SOCKET={systemd.path}").rc == 0
    pid = oci.state("one")["pid"]
    with in_background(oci, systemd, "start", "one") as start:
        say(pid, "STATUS=soon")
        assert start.poll() is None
        say(pid, "STATUS=there\nREADY=1")
        said = systemd.heard()
        assert said == f"READY=1\nMAINPID={pid}\n"
        assert start.wait(20) == 0
    assert "NOTIFY_SOCKET=/run/notify/notify.sock" in Path(f"/proc/{pid}/environ").read_text().split("\0")


def test_start_returns_when_a_program_ends_that_was_never_ready(oci: Runtime, systemd: Systemd) -> None:
    bundle = oci.bundle("sleep", "1000")
    assert oci("create", "--bundle", bundle, "one", prefix=f"NOTIFY_SOCKET={systemd.path}").rc == 0
    with in_background(oci, systemd, "start", "one") as start:
        wait_until(lambda: oci.state("one")["status"] == "running")
        assert oci("kill", "one", "KILL").rc == 0
        assert start.wait(20) == 0


@pytest.mark.parametrize("detach", [False, True])
def test_run_passes_on_that_the_program_is_ready(any_runtime: Runtime, systemd: Systemd, detach: bool) -> None:
    any_runtime.leave_out("crun", "shows the caller's own socket")
    words = ["run", *(["--detach"] if detach else []), "--bundle", any_runtime.bundle("sleep", "1000"), "one"]
    with in_background(any_runtime, systemd, *words) as run:
        wait_until(lambda: any_runtime("state", "one").rc == 0 and any_runtime.state("one")["status"] == "running")
        pid = any_runtime.state("one")["pid"]
        say(pid, "READY=1")
        said = systemd.heard()
        assert said.startswith("READY=1\n")
        assert ("MAINPID" in said) == detach or any_runtime.name == "runc"
        assert any_runtime.state("one")["status"] == "running"
        assert any_runtime("kill", "one", "KILL").rc == 0
        assert run.wait(20) == (0 if detach else 137)


def test_a_domain_name_may_be_given_twice_if_it_is_the_same(oci: Runtime) -> None:
    def change(domain: str) -> Any:
        return lambda spec: spec.update(domainname=domain, linux={**spec["linux"], "sysctl": {"kernel.domainname": "example.org"}})

    assert oci.run("cat", "/proc/sys/kernel/domainname", change=change("example.org")).stdout == "example.org\n"
    assert "expected the property domainname alone" in refused(oci, change("example.com"))


def test_features_tell_the_version_of_libseccomp(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "has no features")
    version = json.loads(any_runtime("features").stdout)["annotations"]["io.github.seccomp.libseccomp.version"]
    assert len(version.split(".")) == 3 and all(part.isdigit() for part in version.split("."))


def test_a_namespace_that_cannot_be_reached_is_refused_with_the_reason(oci: Runtime, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "not a directory" in refused(oci, namespace("network", path=f"{tmp_path}/file/net"))
    assert "no such file" in refused(oci, namespace("network", path=f"{tmp_path}/net"))


def test_a_container_without_cgroups_of_its_own(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "has no --cgroup-manager")
    bundle = any_runtime.bundle("sleep", "1000", change=linux(resources={}))
    assert any_runtime("--cgroup-manager", "disabled", "run", "--detach", "--bundle", bundle, "one").rc == 0
    pid = any_runtime.state("one")["pid"]
    ours, theirs = (Path(f"/proc/{each}/cgroup").read_text() for each in ("self", pid))
    assert theirs == ours
    assert any_runtime("exec", "one", "true").rc == 0
    assert any_runtime("delete", "--force", "one").rc == 0
    limited = any_runtime.bundle("true", change=linux(resources={"pids": {"limit": 5}}))
    refused = any_runtime("--cgroup-manager", "disabled", "run", "--bundle", limited, "two")
    assert any_runtime.name == "crun" or "resources pids: expected none with --cgroup-manager disabled" in refused.stderr
