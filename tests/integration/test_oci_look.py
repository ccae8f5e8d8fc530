"""What mydocker-oci tells about containers: list, ps, events; and what exec, update and delete do at their edges."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from bundles import Runtime
from conftest import wait_until


def running(runtime: Runtime, *args: str) -> None:
    """Run a container 'one' in the background."""
    result = runtime("run", "--detach", "--bundle", runtime.bundle(*(args or ("sleep", "1000"))), "one")
    assert result.rc == 0, result.stderr


def test_list_as_a_table_as_json_and_ids_alone(any_runtime: Runtime) -> None:
    running(any_runtime)
    header, line = any_runtime("list").stdout.splitlines()
    assert header.split()[:5] == ["ID" if any_runtime.name != "crun" else "NAME", "PID", "STATUS", *header.split()[3:5]]
    assert line.split()[0] == "one" and "running" in line
    (entry,) = json.loads(any_runtime("list", "--format", "json").stdout)
    assert (entry["id"], entry["status"]) == ("one", "running")
    assert any_runtime("list", "-q").stdout.split() == ["one"]


def test_ps_as_a_table_and_as_json(any_runtime: Runtime) -> None:
    running(any_runtime)
    pid = any_runtime.state("one")["pid"]
    assert json.loads(any_runtime("ps", "--format", "json", "one").stdout) == [pid]
    if any_runtime.name != "crun":
        lines = any_runtime("ps", "one", "-o", "pid,args").stdout.splitlines()
        assert [line.split() for line in lines] == [["PID", "COMMAND"], [str(pid), "sleep", "1000"]]


def test_ps_with_options_that_hide_the_pid(oci: Runtime) -> None:
    running(oci)
    result = oci("ps", "one", "-o", "args")
    assert (result.rc, "the column PID" in result.stderr) == (1, True)


def test_events_once(any_runtime: Runtime, needs_controllers: None) -> None:
    any_runtime.leave_out("crun", "has no events")
    running(any_runtime)
    event = json.loads(any_runtime("events", "--stats", "one").stdout)
    assert (event["type"], event["id"]) == ("stats", "one")
    assert event["data"]["pids"]["current"] == 1
    assert event["data"]["cpu"]["usage"]["total"] > 0
    assert event["data"]["memory"]["usage"]["usage"] > 0


def test_events_go_on_until_the_container_ends(oci: Runtime, needs_controllers: None) -> None:
    running(oci)
    command = [*oci.prefixed.split(), "events", "--interval", "20ms", "one"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stream:
        assert stream.stdout
        lines = [json.loads(stream.stdout.readline()) for _ in range(3)]
        oci("kill", "one", "KILL")
        stream.communicate(timeout=10)
    assert [line["type"] for line in lines] == ["stats"] * 3
    assert stream.returncode == 0


@pytest.mark.parametrize("interval", ["0s", "soon", "-1s"])
def test_events_with_an_interval_that_is_none(oci: Runtime, interval: str) -> None:
    running(oci)
    result = oci("events", f"--interval={interval}", "one")
    assert (result.rc, "expected a duration" in result.stderr) == (1, True)


def test_exec_keeps_descriptors_that_it_is_asked_to_keep(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "has them at other numbers below nsenter")
    running(any_runtime)
    line = f"echo through > {any_runtime.directory}/data; exec 3< {any_runtime.directory}/data;"
    result = any_runtime.machine.sh(
        f"{line} {any_runtime.prefixed} exec --preserve-fds 1 one sh -c 'cat <&3' < {any_runtime.directory}/stdin"
    )
    assert (result.rc, result.stdout) == (0, "through\n"), result.stderr


def test_exec_in_what_does_not_run_and_in_what_is_paused(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "1.8 waits in what is paused")
    running(any_runtime)
    assert any_runtime("pause", "one").rc == 0
    assert any_runtime("exec", "one", "true").rc != 0
    assert any_runtime("resume", "one").rc == 0
    assert any_runtime("exec", "one", "nosuch").rc != 0
    any_runtime("kill", "one", "KILL")
    wait_until(lambda: any_runtime.state("one")["status"] == "stopped")
    assert any_runtime("exec", "one", "true").rc != 0


def test_exec_into_a_cgroup_that_cannot_be_says_which(oci: Runtime, needs_controllers: None) -> None:
    running(oci)
    assert ".. is not a sub cgroup path" in oci("exec", "--cgroup", "..", "one", "true").stderr
    assert "/nosuch/cgroup.procs: no such file" in oci("exec", "--cgroup", "cpu:nosuch", "one", "true").stderr
    refused = oci("exec", "--cgroup", "cpu,moon:/", "one", "true")
    assert refused.rc == 255
    assert "unknown controller 'moon'" in refused.stderr
    assert oci("exec", "--cgroup", "cpu:/", "one", "true").rc == 0


def test_debug_tells_the_steps_of_exec_too(oci: Runtime) -> None:
    running(oci)
    log = Path(f"{oci.directory}/log")
    told = oci("--debug", "exec", "one", "echo", "out")
    assert told.stdout == "out\n"
    assert "level=debug" in told.stderr and "execve echo out" in told.stderr
    assert oci("--debug", "--log", str(log), "exec", "one", "true").stderr == ""
    assert "execve true" in log.read_text()


def test_kill_in_a_shared_pid_namespace_reaches_all(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "1.8 kills the first one only")

    def shared(spec: dict) -> None:  # type: ignore[type-arg]
        spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != "pid"]

    bundle = any_runtime.bundle("sh", "-c", "sleep 1000 & sleep 1000 & wait", change=shared)
    assert any_runtime("run", "--detach", "--bundle", bundle, "one").rc == 0
    pids = wait_until(lambda: [pid for pid in [json.loads(any_runtime("ps", "--format", "json", "one").stdout)] if len(pid) == 3])[0]
    assert any_runtime("kill", "--all", "one", "KILL").rc == 0
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids))


def test_delete_while_a_create_goes_on_is_refused(oci: Runtime) -> None:
    gate = f"{oci.directory}/gate"
    os.mkfifo(gate)
    hooks = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat {gate}"]}]}
    bundle = oci.bundle("sleep", "1000", change=lambda spec: spec.update(hooks=hooks))
    with subprocess.Popen([*oci.prefixed.split(), "create", "--bundle", bundle, "one"], stdin=subprocess.DEVNULL) as create:
        wait_until(lambda: Path(oci.directory, "state/one/state.json").exists())
        assert oci.state("one")["status"] == "creating"
        for flags in ([], ["--force"]):
            result = oci("delete", *flags, "one")
            assert (result.rc, "creat" in result.stderr) == (1, True)
        with open(gate, "w"):
            pass
        assert create.wait(10) == 0
    assert oci("delete", "--force", "one").rc == 0
