"""Engines that people already run, with mydocker-oci as their runtime: podman, dockerd with Swarm, containerd, buildah."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from changes import file_in_container
from conftest import REPOSITORY, Machine, Terminal, wait_until

pytestmark = pytest.mark.usefixtures("mydocker")
# CAP_SYS_RESOURCE may be missing: podman's defaults would raise limits.
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network", "none"]


class Engine:
    """A command line of an engine on the machine."""

    def __init__(self, machine: Machine, words: list[str]) -> None:
        self.machine = machine
        self.words = words

    def __call__(self, *arguments: str) -> Any:
        return self.machine.sh(f"{shlex.join([*self.words, *arguments])} < /dev/null")

    def ok(self, *arguments: str) -> str:
        """Run it, expect success, return what it printed."""
        result = self(*arguments)
        assert result.rc == 0, result.stderr + result.stdout
        text: str = result.stdout
        return text.strip()

    def line(self, *arguments: str) -> str:
        """Run what prints a line and then reads; return the line, and let the command end only now."""
        with subprocess.Popen([*self.words, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin and process.stdout
            line = process.stdout.readline()
            process.stdin.close()
            assert process.wait(30) == 0
        return line.strip()

    def on_terminal(self, *arguments: str) -> str:
        """Run it on a terminal, expect success, return what it showed."""
        with Terminal([*self.words, *arguments], dict(os.environ), (24, 80)) as terminal:
            status = terminal.wait(30)
            assert status == 0, terminal.seen
            return terminal.seen.replace("\r\n", "\n").strip()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tar of busybox to import."""
    path = tmp_path_factory.mktemp("archive") / "busybox.tar"
    subprocess.run(f"{REPOSITORY}/mydocker/engine/system/busybox-image > {path}", shell=True, check=True)
    return str(path)


def needs(machine: Machine, *programs: str) -> None:
    """Skip without these programs."""
    for program in programs:
        if not machine.host.exists(program):
            pytest.skip(f"{program} is not installed")


@pytest.fixture
def podman(mydocker: Machine, runtime_program: str, archive: str) -> Iterator[Engine]:
    """Podman with storage of its own."""
    needs(mydocker, "podman", "conmon")
    # Its run directory must have a short name.
    places = ["--root", f"{mydocker.directory}/podman", "--runroot", f"{mydocker.directory}/run", "--storage-driver", "vfs"]
    places += ["--tmpdir", f"{mydocker.directory}/libpod"]
    # What an infra container gets, which takes no --ulimit; and locks among its own files, not in the machine's shared memory for good.
    settings = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nlock_type = "file"\n'
    Path(f"{mydocker.directory}/containers.conf").write_text(settings)
    command = ["env", f"CONTAINERS_CONF={mydocker.directory}/containers.conf", "podman"]
    engine = Engine(mydocker, [*command, *places, "--cgroup-manager", "cgroupfs", "--runtime", runtime_program, "--events-backend", "none"])
    engine.ok("import", "-q", archive, "busybox")
    yield engine
    engine("rm", "-af", "-t", "0")
    mydocker.sh("rmdir /sys/fs/cgroup/*/libpod_parent/* /sys/fs/cgroup/*/libpod_parent 2>/dev/null; true")


def test_podman_runs_enters_pauses_limits_and_stops_containers(podman: Engine, needs_controllers: None) -> None:
    assert podman.ok("run", "--rm", *LIMITS, "busybox", "echo", "hello") == "hello"
    assert podman("run", "--rm", *LIMITS, "busybox", "sh", "-c", "exit 9").rc == 9
    assert podman("run", "--rm", *LIMITS, "busybox", "nosuch").rc == 127
    assert podman("run", "--rm", *LIMITS, "busybox", "/etc").rc == 126
    assert podman.on_terminal("run", "--rm", "-it", *LIMITS, "busybox", "tty") == "/dev/pts/0"
    limit = podman.ok(
        "run", "--rm", "-m", "64m", *LIMITS, "busybox", "cat", file_in_container("memory", "memory.limit_in_bytes", "memory.max")
    )
    assert limit == str(64 << 20)
    podman.ok("run", "-d", "--name", "one", *LIMITS, "busybox", "sh", "-c", "echo said; trap 'exit 5' TERM; while :; do sleep 0.05; done")
    assert podman("exec", "one", "sh", "-c", "echo inside; exit 4").rc == 4
    assert podman.on_terminal("exec", "-it", "one", "tty") == "/dev/pts/0"
    wait_until(lambda: podman.ok("logs", "one") == "said")
    podman.ok("pause", "one")
    assert podman.ok("inspect", "-f", "{{.State.Status}}", "one") == "paused"
    podman.ok("unpause", "one")
    assert "one" in podman.ok("stats", "--no-stream", "one")
    assert "sleep" in podman.ok("top", "one")
    podman.ok("stop", "-t", "5", "one")
    assert podman.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "one") == "exited 5"
    podman.ok("start", "one")
    podman.ok("kill", "one")
    podman.ok("rm", "-f", "-t", "0", "one")


def test_podman_volumes_and_health(podman: Engine) -> None:
    podman.ok("run", "--rm", *LIMITS, "-v", "data:/data", "busybox", "sh", "-c", "echo kept > /data/file")
    assert podman.ok("run", "--rm", *LIMITS, "-v", "data:/data:ro", "busybox", "cat", "/data/file") == "kept"
    flags = ["--health-cmd", "test -e /tmp/well", "--health-interval", "disable"]
    podman.ok("run", "-d", "--name", "one", *LIMITS, *flags, "busybox", "sleep", "1000")
    assert podman("healthcheck", "run", "one").rc == 1
    podman.ok("exec", "one", "touch", "/tmp/well")
    assert podman("healthcheck", "run", "one").rc == 0


@pytest.fixture
def needs_pods(mydocker: Machine) -> None:
    """Skip where podman cannot make pods: with version 1 it takes every directory in /sys/fs/cgroup for a hierarchy."""
    if mydocker.sh("test -e /sys/fs/cgroup/cgroup.controllers").rc:
        plain = mydocker.sh("for each in /sys/fs/cgroup/*/; do mountpoint -q $each || echo $each; done").stdout.split()
        if plain:
            pytest.skip(f"podman's pods: {plain[0]} is no hierarchy")


def test_podman_pods_share_namespaces_and_live_and_die_together(podman: Engine, needs_pods: None) -> None:
    infra = ["--infra-image", "localhost/busybox", "--infra-command", "/bin/sleep 1000", "--network", "none"]
    podman.ok("pod", "create", "--name", "pod", *infra)
    flags = [*LIMITS[:4], "--pod", "pod"]
    podman.ok("run", "-d", "--name", "one", *flags, "busybox", "sleep", "1000")
    script = "for kind in net uts ipc; do readlink /proc/self/ns/$kind; done"
    shown = [podman.ok("run", "--rm", *flags, "busybox", "sh", "-c", script), podman.ok("exec", "one", "sh", "-c", script)]
    assert shown[0] == shown[1]
    podman.ok("pod", "pause", "pod")
    assert podman.ok("inspect", "-f", "{{.State.Status}}", "one") == "paused"
    podman.ok("pod", "unpause", "pod")
    podman.ok("pod", "rm", "-f", "-t", "0", "pod")
    assert podman.ok("ps", "-aq") == ""


def test_podman_update_changes_a_limit(podman: Engine, needs_controllers: None) -> None:
    podman.ok("run", "-d", "--name", "one", *LIMITS, "busybox", "sleep", "1000")
    result = podman("update", "--memory", "64m", "one")
    assert result.rc == 0, result.stderr
    assert podman.ok("exec", "one", "cat", file_in_container("memory", "memory.limit_in_bytes", "memory.max")) == str(64 << 20)


def test_buildah_runs_in_a_working_container(mydocker: Machine, runtime_program: str, archive: str, tmp_path: Path) -> None:
    needs(mydocker, "buildah")
    places = ["--root", f"{tmp_path}/root", "--runroot", f"{tmp_path}/run", "--storage-driver", "vfs"]
    buildah = Engine(mydocker, ["buildah", *places])
    container = buildah.ok("from", "scratch")
    buildah.ok("add", container, archive, "/")
    flags = ["--runtime", runtime_program, "--isolation", "oci", "--network", "none", "--cgroupns", "host"]
    assert buildah.ok("run", *flags, container, "--", "sh", "-c", "echo built > /made; cat /made") == "built"
    assert buildah("run", *flags, container, "--", "sh", "-c", "exit 3").rc == 3
    buildah.ok("rm", container)


def wait_until_it_answers(daemon: subprocess.Popen[bytes], engine: Engine, log: Path) -> None:
    """Wait for a daemon that was started; fail with its log when it ended."""
    wait_until(lambda: daemon.poll() is not None or engine("version").rc == 0, 30)
    assert daemon.poll() is None, log.read_text()


@pytest.fixture
def ctr(mydocker: Machine, tmp_path: Path) -> Iterator[Engine]:
    """A containerd of its own, in a network namespace of its own, with busybox as mydocker saves it."""
    needs(mydocker, "containerd", "ctr")
    places = f"--root {tmp_path}/root --state {tmp_path}/state --address {tmp_path}/sock"
    (tmp_path / "config.toml").write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    line = f"ip link set lo up; exec containerd --config {tmp_path}/config.toml {places} > {tmp_path}/log 2>&1"
    engine = Engine(mydocker, ["ctr", "--address", f"{tmp_path}/sock"])
    daemon = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", line])
    try:
        wait_until_it_answers(daemon, engine, tmp_path / "log")
        assert mydocker("save", "-o", f"{tmp_path}/busybox.tar", "busybox").rc == 0
        engine.ok("image", "import", "--snapshotter", "native", f"{tmp_path}/busybox.tar")
        yield engine
    finally:
        for task in engine("task", "ls", "-q").stdout.split():  # a failed test's, which outlive the daemon
            engine("task", "delete", "--force", task)
        daemon.terminate()
        daemon.wait(30)
        mydocker.sh("rmdir /sys/fs/cgroup/*/default 2>/dev/null; true")


def test_containerd_runs_enters_pauses_measures_and_kills(ctr: Engine, runtime_program: str, needs_controllers: None) -> None:
    # --runc-binary is what a configuration's BinaryName is.
    run = ["run", "--runtime", "io.containerd.runc.v2", "--runc-binary", runtime_program, "--snapshotter", "native"]
    image = ctr.ok("image", "ls", "-q").splitlines()[0]
    # What prints something here reads afterwards, so that it does not end before it is told to: containerd's client gives up pipes
    # that it is still opening when the command has ended, and all output is lost (containerd 14120; 4 of 350 times with runc).
    assert ctr.line(*run, "--rm", image, "hello", "sh", "-c", "echo hello; cat") == "hello"
    assert ctr(*run, "--rm", image, "nine", "sh", "-c", "exit 9").rc == 9
    assert "executable file not found" in ctr(*run, "--rm", image, "none", "nosuch").stderr
    with Terminal([*ctr.words, *run, "--rm", "-t", image, "terminal", "sh", "-c", "tty; read x"], dict(os.environ), (24, 80)) as terminal:
        terminal.expect("/dev/pts/0")
        terminal.send("\n")
        assert terminal.wait(30) == 0
    ctr.ok(*run, "-d", "--memory-limit", str(64 << 20), image, "one", "sleep", "1000")
    assert ctr.line("task", "exec", "--exec-id", "e", "one", "sh", "-c", "cat /proc/1/comm; cat") == "sleep"
    assert ctr("task", "exec", "--exec-id", "f", "one", "sh", "-c", "exit 4").rc == 4
    # containerd gives the shim two seconds for them, which a busy machine may need more than once.
    told = wait_until(lambda: [each.stdout for each in [ctr("task", "metrics", "--format", "json", "one")] if each.rc == 0])
    metrics = json.loads(told[0])
    assert metrics["memory"]["usage"]["limit"] == 64 << 20
    ctr.ok("task", "pause", "one")
    assert ctr.ok("task", "ls").split()[-1] == "PAUSED"
    ctr.ok("task", "resume", "one")
    assert ctr.ok("task", "ls").split()[-1] == "RUNNING"
    assert "neither makes nor restores checkpoints" in ctr("task", "checkpoint", "one").stderr
    assert len(ctr.ok("task", "ps", "one").splitlines()) == 2
    ctr.ok("task", "kill", "-s", "SIGKILL", "one")
    wait_until(lambda: ctr.ok("task", "ls").split()[-1] == "STOPPED")
    ctr("task", "delete", "one")
    ctr.ok("container", "delete", "one")
    assert ctr.ok("task", "ls", "-q") == ""


@pytest.fixture
def docker(mydocker: Machine, runtime_program: str, archive: str) -> Iterator[Engine]:
    """A dockerd whose default runtime is ours."""
    with dockerd(mydocker, runtime_program, archive) as engine:
        yield engine


@contextmanager
def dockerd(mydocker: Machine, runtime_program: str, archive: str, before: str = "true", flags: str = "") -> Iterator[Engine]:
    """Give a dockerd of its own, in network and mount namespaces of its own. before: what is done there first."""
    needs(mydocker, "dockerd", "containerd", "docker")
    own = f"{mydocker.directory}/dockerd"  # short, as containerd's sockets lie below it
    mydocker.sh(f"mkdir {own}")
    roots = f"--data-root {own}/data --exec-root {own}/exec -H unix://{own}/sock --pidfile {own}/pid"
    runtime = f"--add-runtime mydocker={runtime_program} --default-runtime mydocker"
    line = f"ip link set lo up; {before}; exec dockerd {roots} {runtime} {flags} --bip 172.30.0.1/24 > {own}/log 2>&1"
    engine = Engine(mydocker, ["docker", "-H", f"unix://{own}/sock"])
    daemon = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", line])
    try:
        wait_until_it_answers(daemon, engine, Path(own, "log"))
        engine.ok("import", archive, "busybox")
        yield engine
    finally:
        daemon.terminate()
        daemon.wait(30)
        mydocker.sh("rmdir /sys/fs/cgroup/*/docker 2>/dev/null; true")


def test_docker_runs_enters_limits_restarts_and_replicates(docker: Engine, needs_controllers: None) -> None:
    assert docker.ok("run", "--rm", "busybox", "echo", "hello") == "hello"
    assert docker("run", "--rm", "busybox", "nosuch").rc == 127
    assert docker("run", "--rm", "busybox", "/etc").rc == 126
    assert docker.on_terminal("run", "--rm", "-it", "busybox", "tty") == "/dev/pts/0"
    docker.ok("run", "-d", "--name", "one", "--pids-limit", "33", "busybox", "sh", "-c", "echo said; exec sleep 1000")
    assert docker("exec", "one", "sh", "-c", "exit 4").rc == 4
    assert docker.on_terminal("exec", "-it", "one", "tty") == "/dev/pts/0"
    assert docker.ok("exec", "one", "cat", file_in_container("pids", "pids.max", "pids.max")) == "33"
    docker.ok("update", "--memory", "64m", "--memory-swap", "64m", "one")
    assert docker.ok("exec", "one", "cat", file_in_container("memory", "memory.limit_in_bytes", "memory.max")) == str(64 << 20)
    docker.ok("pause", "one")
    assert docker.ok("inspect", "-f", "{{.State.Status}}", "one") == "paused"
    docker.ok("unpause", "one")
    docker.ok("restart", "-t", "0", "one")
    wait_until(lambda: docker.ok("logs", "one") == "said\nsaid")
    docker.ok("rm", "-f", "one")
    docker.ok("run", "-d", "--name", "again", "--restart", "always", "busybox", "false")
    wait_until(lambda: int(docker.ok("inspect", "-f", "{{.RestartCount}}", "again")) > 1)
    docker.ok("rm", "-f", "again")
    docker.ok("network", "create", "both")
    docker.ok("run", "-d", "--name", "server", "--network", "both", "busybox", "sh", "-c", "echo answer | nc -l -p 80")
    assert wait_until(lambda: docker("run", "--rm", "--network", "both", "busybox", "nc", "server", "80").stdout.strip()) == "answer"
    docker.ok("rm", "-f", "server")
    docker.ok("network", "rm", "both")
    docker.ok("swarm", "init", "--advertise-addr", "127.0.0.1")
    docker.ok("service", "create", "--name", "web", "--replicas", "3", "--stop-grace-period", "0s", "--detach", "busybox", "sleep", "1000")
    wait_until(lambda: docker.ok("service", "ls", "--format", "{{.Replicas}}") == "3/3", 60)
    docker.ok("service", "rm", "web")
    wait_until(lambda: not docker.ok("ps", "-aq"), 30)
    docker.ok("swarm", "leave", "--force")
