"""mydocker-oci as engines call it. What the specification or runc's users rely on is asked of runc and crun too, so a wrong test shows."""

from __future__ import annotations

import json
import os
import signal
import socket
from fcntl import LOCK_EX, LOCK_UN, flock
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from bundles import Runtime
from changes import cgroup_of, version_of
from conftest import wait_until


def test_run_returns_what_the_program_printed_and_its_status(any_runtime: Runtime) -> None:
    result = any_runtime.run("sh", "-c", "echo out; echo err >&2; hostname; exit 7")
    assert (result.rc, result.stdout, result.stderr) == (7, "out\ninside\n", "err\n")


def test_a_container_goes_through_its_life(any_runtime: Runtime) -> None:
    bundle = any_runtime.bundle("sh", "-c", "echo started > /tmp/it; exec sleep 1000")
    pid_file = f"{any_runtime.directory}/pid"
    assert any_runtime("create", "--bundle", bundle, "--pid-file", pid_file, "one").rc == 0
    pid = int(Path(pid_file).read_text())
    state = any_runtime.state("one")
    assert (state["id"], state["status"], state["pid"], state["bundle"]) == ("one", "created", pid, bundle)
    assert not Path(f"/proc/{pid}/root/tmp/it").exists()
    assert any_runtime("start", "one").rc == 0
    wait_until(lambda: Path(f"/proc/{pid}/root/tmp/it").exists())
    assert any_runtime.state("one")["status"] == "running"
    assert any_runtime("start", "one").rc != 0
    assert any_runtime("delete", "one").rc != 0, "what runs is not deleted"
    assert any_runtime("kill", "one", "0").rc == 0, "no signal: it only asks whether there is a process"
    assert any_runtime.state("one")["status"] == "running"
    assert any_runtime("kill", "one", "KILL").rc == 0
    wait_until(lambda: any_runtime.state("one")["status"] == "stopped")
    assert any_runtime("kill", "one", "0").rc != 0
    assert any_runtime("delete", "one").rc == 0
    assert any_runtime("state", "one").rc != 0


def test_what_is_not_there_is_said_in_the_words_that_callers_look_for(oci: Runtime) -> None:
    for verb in ("state", "start", "kill", "delete", "pause"):
        result = oci(verb, "nothing")
        assert result.rc == 1
        assert "container does not exist" in result.stderr
    assert oci("delete", "--force", "nothing").rc == 0
    bundle = oci.bundle("sleep", "1000")
    assert oci("create", "--bundle", bundle, "one").rc == 0
    assert "container with given ID already exists" in oci("create", "--bundle", bundle, "one").stderr
    oci("kill", "one", "KILL")
    wait_until(lambda: oci.state("one")["status"] == "stopped")
    assert "container not running" in oci("kill", "one", "TERM").stderr
    assert oci("kill", "--all", "one", "TERM").rc == 0


@pytest.mark.parametrize(
    "word, complaint", [("nosuch", "executable file not found"), ("/no/such", "no such file"), ("/etc", "permission denied")]
)
def test_a_program_that_cannot_be_executed_fails_at_create_and_leaves_nothing(any_runtime: Runtime, word: str, complaint: str) -> None:
    any_runtime.leave_out("crun", "says it at start")
    result = any_runtime("create", "--bundle", any_runtime.bundle(word), "one")
    assert result.rc == 1
    assert complaint in result.stderr or (any_runtime.name == "runc" and "is a directory" in result.stderr)
    assert any_runtime("list", "-q").stdout == ""


def test_a_program_of_no_known_format_is_told_at_start(oci: Runtime, tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"\x00\x01\x02 no program")
    (tmp_path / "odd").chmod(0o755)
    mount = {"destination": "/tmp/odd", "type": "bind", "source": str(tmp_path / "odd"), "options": ["bind", "ro"]}
    bundle = oci.bundle("/tmp/odd", change=lambda spec: spec["mounts"].append(mount))
    assert oci("create", "--bundle", bundle, "one").rc == 0
    result = oci("start", "one")
    assert result.rc == 1
    assert "exec format error" in result.stderr


def test_exec_with_a_process_file_and_by_words(any_runtime: Runtime) -> None:
    bundle = any_runtime.bundle("sleep", "1000")
    assert any_runtime("run", "--detach", "--bundle", bundle, "one").rc == 0
    result = any_runtime("exec", "--env", "A=b", "--cwd", "/tmp", "one", "/bin/sh", "-c", "echo $A; pwd; exit 5")
    assert (result.rc, result.stdout) == (5, "b\n/tmp\n")
    process = {"args": ["sh", "-c", "id -u; id -g; exit 6"], "cwd": "/", "user": {"uid": 12, "gid": 13}, "env": ["PATH=/bin"]}
    Path(any_runtime.directory, "process.json").write_text(json.dumps(process))
    result = any_runtime("exec", "--process", f"{any_runtime.directory}/process.json", "one")
    assert (result.rc, result.stdout) == (6, "12\n13\n")


def test_the_console_socket_gets_the_master_of_the_containers_terminal(any_runtime: Runtime) -> None:
    path = f"{any_runtime.directory}/console"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def terminal(spec: dict[str, Any]) -> None:
            spec["process"]["terminal"] = True
            spec["process"]["consoleSize"] = {"height": 33, "width": 99}

        bundle = any_runtime.bundle("sh", "-c", "tty; stty size; read line; echo got $line", change=terminal)
        assert any_runtime("create", "--bundle", bundle, "--console-socket", path, "one").rc == 0
        connection, _ = listener.accept()
        _, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
        connection.close()
    assert any_runtime("start", "one").rc == 0
    seen = b""
    while b"/dev/pts/0\r\n33 99\r\n" not in seen:
        seen += os.read(descriptors[0], 1000)
    os.write(descriptors[0], b"hello\n")
    while b"got hello" not in seen:
        seen += os.read(descriptors[0], 1000)
    os.close(descriptors[0])


def test_hooks_run_at_their_moments_in_their_order_with_the_state(any_runtime: Runtime, tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "hook").write_text(f'#!/bin/sh\nread -r state\necho "$1 $state" >> {log}\n')
    (tmp_path / "hook").chmod(0o755)

    def change(spec: dict[str, Any]) -> None:
        kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
        hook = str(tmp_path / "hook")
        spec["hooks"] = {kind: [{"path": hook, "args": ["hook", f"{kind}{n}"]} for n in (1, 2)] for kind in kinds}
        spec["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat > /tmp/state"]}]

    bundle = any_runtime.bundle("sh", "-c", "sleep 0.3; cat /tmp/state >&2", change=change)
    assert any_runtime("create", "--bundle", bundle, "one").rc == 0
    created = [line.split()[0] for line in log.read_text().splitlines()]
    # runc 1.1 runs those of poststart already here.
    assert created[:6] == [f"{kind}{n}" for kind in ("prestart", "createRuntime", "createContainer") for n in (1, 2)]
    assert any_runtime("start", "one").rc == 0
    wait_until(lambda: any_runtime.state("one")["status"] == "stopped")
    assert any_runtime("delete", "one").rc == 0
    lines = [line.split(" ", 1) for line in log.read_text().splitlines()]
    assert [name for name, _ in lines if name.startswith("post")] == ["poststart1", "poststart2", "poststop1", "poststop2"]
    assert {json.loads(state)["id"] for _, state in lines} == {"one"}


def test_a_failing_hook_undoes_the_creation(any_runtime: Runtime) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo no luck; exit 3"]}
    bundle = any_runtime.bundle("true", change=lambda spec: spec.update(hooks={"createRuntime": [hook]}))
    result = any_runtime("create", "--bundle", bundle, "one")
    assert result.rc != 0
    assert any_runtime("list", "-q").stdout == ""


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_where_a_hook_runs_and_what_it_has_if_nothing_is_said(any_runtime: Runtime, tmp_path: Path, kind: str) -> None:
    any_runtime.leave_out("crun", "runs it where the caller is")
    if kind == "createContainer":
        any_runtime.leave_out("runc", "its init has no variables")
    words = ["sh", "-c", f'echo "$PWD $OF_THE_CALLER" >> {tmp_path}/said']
    hooks = [{"path": "/bin/sh", "args": words}, {"path": "/bin/sh", "args": words, "env": ["OF_THE_CALLER=no"]}]
    bundle = any_runtime.bundle("true", change=lambda spec: spec.update(hooks={kind: hooks}))
    assert any_runtime("create", "--bundle", bundle, "one", prefix="OF_THE_CALLER=yes").rc == 0
    where = any_runtime.rootfs if kind == "createContainer" else bundle
    assert (tmp_path / "said").read_text() == f"{where} yes\n{where} no\n"


def test_a_hook_that_takes_too_long_is_ended(any_runtime: Runtime) -> None:
    hook = {"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}
    bundle = any_runtime.bundle("true", change=lambda spec: spec.update(hooks={"createRuntime": [hook]}))
    assert any_runtime("create", "--bundle", bundle, "one").rc != 0


def test_pause_and_resume(any_runtime: Runtime) -> None:
    bundle = any_runtime.bundle("sh", "-c", "while :; do echo x >> /tmp/grows; sleep 0.02; done")
    assert any_runtime("run", "--detach", "--bundle", bundle, "one").rc == 0
    grows = Path(f"/proc/{any_runtime.state('one')['pid']}/root/tmp/grows")
    wait_until(grows.exists)
    assert any_runtime("pause", "one").rc == 0
    wait_until(lambda: any_runtime.state("one")["status"] == "paused")  # crun does not wait until the kernel has frozen all
    size = grows.stat().st_size
    assert any_runtime("resume", "one").rc == 0
    wait_until(lambda: grows.stat().st_size > size)


@pytest.mark.kernel
def test_update_by_flags_and_from_standard_input(oci: Runtime, needs_controllers: None) -> None:
    bundle = oci.bundle("sleep", "1000")
    assert oci("run", "--detach", "--bundle", bundle, "one").rc == 0
    assert oci("update", "--pids-limit", "33", "one").rc == 0
    resources = json.dumps({"memory": {"limit": 64 << 20}})
    assert oci.machine.sh(f"printf %s '{resources}' | {oci.prefixed} update -r - one").rc == 0
    file = "memory.max" if version_of("memory") == 2 else "memory.limit_in_bytes"
    limits = [(cgroup_of(oci, name) / file).read_text().strip() for name, file in (("pids", "pids.max"), ("memory", file))]
    assert limits == ["33", str(64 << 20)]
    assert oci("update", "--pids-limit", "many", "one").rc == 1


def test_kill_all_reaches_every_process(any_runtime: Runtime) -> None:
    bundle = any_runtime.bundle("sh", "-c", "sleep 1000 & sleep 1000 & wait")
    assert any_runtime("run", "--detach", "--bundle", bundle, "one").rc == 0
    wait_until(lambda: len(json.loads(any_runtime("ps", "--format", "json", "one").stdout)) == 3)
    assert any_runtime("kill", "--all", "one", "KILL").rc == 0
    wait_until(lambda: any_runtime.state("one")["status"] == "stopped")


def test_descriptors_are_kept_only_when_asked_for(any_runtime: Runtime) -> None:
    script = "ls /proc/self/fd | tr '\\n' ' '; cat <&3"
    bundle = any_runtime.bundle("sh", "-c", script)
    line = f"echo through > {any_runtime.directory}/data; exec 3< {any_runtime.directory}/data 4< /etc/passwd;"
    result = any_runtime.machine.sh(f"{line} {any_runtime.prefixed} run --preserve-fds 1 --bundle {bundle} one < /dev/null")
    assert (result.rc, result.stdout.replace(" 4 ", " ")) == (0, "0 1 2 3 through\n") or any_runtime.name == "crun"


def test_errors_go_to_the_log_as_json(oci: Runtime) -> None:
    log = f"{oci.directory}/log.json"
    assert oci("--log", log, "--log-format", "json", "start", "nothing").rc == 1
    entry = json.loads(Path(log).read_text().splitlines()[-1])
    assert (entry["level"], entry["msg"]) == ("error", "container does not exist: 'nothing'")
    assert "T" in entry["time"]
    assert Path(log).read_text().startswith('{"level":"error","msg":"'), "without blanks, as scripts look for it"


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda spec: spec.update(ociVersion="2.0.0"), "ociVersion '2.0.0'"),
        (lambda spec: spec["process"].update(args=[]), "process.args"),
        (lambda spec: spec["process"].update(cwd="tmp"), "process.cwd 'tmp'"),
        (lambda spec: spec["linux"]["namespaces"].append({"type": "moon"}), "'moon'"),
        (lambda spec: spec["linux"]["namespaces"].append({"type": "pid"}), "each type once"),
        (lambda spec: spec["linux"].update(sysctl={"kernel.panic": "1"}), "kernel.panic"),
        (lambda spec: spec["process"].update(rlimits=[{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]), "RLIMIT_CORE 2:1"),
        (lambda spec: spec.update(root={"path": "/no/such/root"}), "/no/such/root"),
        (lambda spec: spec.update(hooks={"poststop": [{"path": "relative"}]}), "absolute path"),
    ],
)
def test_a_config_that_cannot_be_is_refused_before_anything_happens(oci: Runtime, change: Any, words: str) -> None:
    result = oci("create", "--bundle", oci.bundle("true", change=change), "one")
    assert result.rc == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert oci("list", "-q").stdout == ""


@pytest.mark.parametrize("who", ["runtime", "init"])
def test_a_create_that_is_killed_after_any_step_leaves_nothing_that_delete_does_not_remove(oci: Runtime, who: str) -> None:
    bundle = oci.bundle("sleep", "1000")
    state, cgroup = Path(oci.directory, "state"), json.loads(Path(bundle, "config.json").read_text())["linux"]["cgroupsPath"]
    for number in range(1, 200):
        result = oci("create", "--bundle", bundle, "one", prefix=f"MYDOCKER_CRASH_AFTER={who}:{number}")
        if result.rc == 0:
            break
        if who == "runtime":
            assert oci("delete", "--force", "one").rc == 0, number
        assert list(state.iterdir()) == [], number
        assert [*Path("/sys/fs/cgroup").glob(f"*{cgroup}"), *Path("/sys/fs/cgroup").glob(cgroup[1:])] == [], number
    # With cgroup version 2 alone there is little for the runtime to do.
    assert (30 if who == "init" or version_of("pids") == 1 else 4) < number < 199
    assert oci("delete", "--force", "one").rc == 0
    wait_until(lambda: not oci.machine.sh(f"grep -l {oci.rootfs} /proc/[0-9]*/mountinfo 2>/dev/null").stdout)


def test_delete_force_waits_a_moment_for_whoever_creates(oci: Runtime) -> None:
    oci("create", "--bundle", oci.bundle("true"), "one", prefix="MYDOCKER_CRASH_AFTER=runtime:1")
    with Path(oci.directory, "state/one/lock").open() as lock:
        flock(lock, LOCK_EX)
        assert "it is being created" in oci("delete", "--force", "one").stderr
        Timer(0.3, flock, (lock, LOCK_UN)).start()
        assert oci("delete", "--force", "one").rc == 0
    assert oci("list", "-q").stdout == ""


def test_the_truth_is_told_after_the_first_process_was_killed_by_somebody_else(oci: Runtime) -> None:
    bundle = oci.bundle("sleep", "1000")
    assert oci("create", "--bundle", bundle, "one").rc == 0
    os.kill(oci.state("one")["pid"], signal.SIGKILL)
    wait_until(lambda: oci.state("one")["status"] == "stopped")
    result = oci("start", "one")
    assert (result.rc, "cannot start a container that has stopped" in result.stderr) == (1, True)
    assert oci("delete", "one").rc == 0


def test_what_waits_for_start_is_no_interpreter(oci: Runtime) -> None:
    assert oci("create", "--bundle", oci.bundle("sleep", "1000"), "one").rc == 0
    status = Path(f"/proc/{oci.state('one')['pid']}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    assert int(resident.split()[1]) < 100, resident


def test_proc_self_exe_as_the_program_is_not_the_hosts_interpreter(oci: Runtime) -> None:
    result = oci.run("/proc/self/exe", "-c", "print('an interpreter')")
    assert (result.rc, result.stdout) == (127, "")


def test_version_and_help(oci: Runtime) -> None:
    lines = oci.machine.sh(f"{oci.command} --version").stdout.splitlines()
    assert lines[0].startswith("mydocker-oci version ")
    assert any(line.startswith("spec: 1.") for line in lines)
    assert "pause" in oci.machine.sh(f"{oci.command} --help").stdout
