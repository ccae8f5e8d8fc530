"""A container or a network that is removed, or ends, while a verb waits for its lock: one line that says so, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import FACTOR, Machine

from mydocker import store
from mydocker.engine.connection.networks import RemoveNetwork
from mydocker.engine.container.life import process
from mydocker.engine.container.orphans import discard, settle
from mydocker.kernel import tasks
from mydocker.network import records
from mydocker.network.drivers import driver
from mydocker.paths import Paths
from mydocker.steps.base import Run

# Verbs on a container that does not run, and on one that runs.
STOPPED = (
    "start box",
    "restart box",
    "stop box",
    "rename box other",
    "update --restart no box",
    "cp f box:/f",
    "cp - box:/",
    "cp box:/etc/hosts -",
    "export -o out box",
    "network connect net box",
    "network disconnect net box",
)
RUNNING = (
    "pause box",
    "commit box made",
    "update -m 64m box",
    "network connect net box",
    "cp box:/etc/hosts -",
    "export -o out box",
    "stop box",
    "kill box",
)


@pytest.fixture
def paths(mydocker: Machine) -> Paths:
    mydocker.sh("echo f > f")
    return Paths(mydocker.environment["MYDOCKER_ROOT"], mydocker.environment["MYDOCKER_STATE"])


@pytest.fixture
def net(mydocker: Machine) -> Iterator[None]:
    mydocker("network", "create", "--driver", "none", "net")
    yield
    mydocker("network", "rm", "net")


def is_waited_for(inode: int) -> bool:
    return any("->" in row and f":{inode} " in row for row in Path("/proc/locks").read_text().splitlines())


def told(mydocker: Machine, lock: str, line: str, change: Callable[[], object]) -> tuple[int, str]:
    """Change something while a verb waits for a lock. Return the verb's exit status, and what it said."""
    words, environment = [mydocker.command, *line.split()], {**os.environ, **mydocker.environment}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with store.Lock(lock):
        inode = os.stat(lock).st_ino
        verb = subprocess.Popen(words, env=environment, cwd=mydocker.directory, text=True, **streams)  # type: ignore[call-overload]
        mydocker.wait_until(lambda: is_waited_for(inode) or verb.poll() is not None)
        assert verb.poll() is None, (line, verb.communicate())
        change()
    said = verb.communicate(timeout=20 * FACTOR)[1]
    return verb.returncode, said


def killed(paths: Paths, container_id: str) -> None:
    """Kill a container and its monitor. The caller holds its lock."""
    init = process(paths, container_id)
    assert init
    for pid in (init.known["monitor"], init.pid):
        os.kill(pid, 9)
    init.wait(None)
    init.close()


def created(mydocker: Machine, *flags: str, env: dict[str, str] | None = None) -> str:
    return mydocker("create", "--name", "box", "--network", "none", *flags, "busybox", "sleep", "60", env=env).stdout.strip()


def test_a_stopped_container_is_removed(mydocker: Machine, paths: Paths, net: None) -> None:
    for line in STOPPED:
        container_id = created(mydocker, *(["--restart", "always"] if line == "stop box" else []))
        gone = told(mydocker, f"{paths.container(container_id)}/lock", line, partial(discard, paths, container_id))
        assert (line, *gone) == (line, 1, f"mydocker: no such container: {container_id[:12]}\n")


def test_a_running_container_is_removed(mydocker: Machine, paths: Paths, needs_controllers: None, net: None) -> None:
    for line in RUNNING:
        container_id = created(mydocker, *(["--restart", "always"] if line in ("stop box", "kill box") else []))
        mydocker("start", "box")

        def remove(doomed: str = container_id) -> None:
            killed(paths, doomed)
            assert not settle(paths, doomed) + discard(paths, doomed)

        gone = told(mydocker, f"{paths.container(container_id)}/lock", line, remove)
        assert (line, *gone) == (line, 1, f"mydocker: no such container: {container_id[:12]}\n")


def test_a_container_ends(mydocker: Machine, paths: Paths, needs_controllers: None) -> None:
    for line in ("pause box", "commit box made", "update -m 64m box", "cp box:/etc/passwd -", "export -o out box"):
        container_id = created(mydocker)
        mydocker("start", "box")

        def finish(ended: str = container_id) -> None:
            killed(paths, ended)
            assert not settle(paths, ended)

        expected = (1, "mydocker: container box is not running\n") if line == "pause box" else (0, "")
        assert (line, *told(mydocker, f"{paths.container(container_id)}/lock", line, finish)) == (line, *expected)
        mydocker("rm", "box")
    mydocker("rmi", "made")


def test_a_container_whose_maker_died(mydocker: Machine, paths: Paths, net: None) -> None:
    half = (1, "mydocker: container box is only half made\nhint: mydocker rm box\n")
    for line in STOPPED:
        created(mydocker, env={"MYDOCKER_CRASH_AFTER": "cli:12"})
        result = mydocker(*line.split())
        assert (line, result.rc, result.stderr) == (line, *((0, "") if line == "stop box" else half))
        assert mydocker("rm", "box").stderr == ""


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_a_network_is_removed(mydocker: Machine, paths: Paths, is_made_anew: bool) -> None:
    made = ("network", "create", "--driver", "none")
    mydocker(*made, "first")
    mydocker("run", "-d", "--name", "box", "--network", "first", "busybox", "sleep", "60")

    def remove() -> None:
        store.discard(f"{paths.networks}/net")
        if is_made_anew:
            mydocker(*made, "net")

    for line in ("network rm net", "network connect net box"):
        mydocker(*made, "net")
        gone, said = told(mydocker, f"{paths.networks}/net/lock", line, remove)
        assert (line, gone, said.splitlines()[0]) == (line, 1, "mydocker: no such network: net")
        assert ("net" in mydocker("network", "ls", "--format", "{{.Name}}").stdout.split()) == is_made_anew
        mydocker("network", "rm", "net")
    mydocker("rm", "-f", "box")
    mydocker("network", "rm", "first")


def test_a_start_makes_the_default_network_again_that_is_removed_meanwhile(mydocker: Machine, paths: Paths) -> None:
    mydocker("run", "--rm", "busybox", "true")

    def remove() -> None:
        network = records.load(paths, "bridge")
        Run("test").execute([*driver(network["driver"], paths).delete(network), RemoveNetwork(paths, network)])

    assert told(mydocker, f"{paths.networks}/bridge/lock", "run --rm busybox true", remove) == (0, "")


@pytest.mark.parametrize(
    ("line", "state"), [("rm -f box", ""), ("rm box", ""), ("start box", "running 0\n"), ("rename box other", "exited 137\n")]
)
def test_the_monitor_of_a_container_that_has_ended_comes_first(mydocker: Machine, paths: Paths, line: str, state: str) -> None:
    container_id = created(mydocker)
    mydocker("start", "box")
    init = process(paths, container_id)
    assert init
    os.kill(init.known["monitor"], signal.SIGSTOP)
    os.kill(init.pid, signal.SIGKILL)
    init.wait(None)
    init.close()
    words, environment = [mydocker.command, *line.split()], {**os.environ, **mydocker.environment}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as verb:
        # It has had the lock, and waits for the monitor.
        mydocker.wait_until(lambda: "hrtimer" in Path(f"/proc/{verb.pid}/wchan").read_text() or verb.poll() is not None)
        assert verb.poll() is None, verb.communicate()
        os.kill(init.known["monitor"], signal.SIGCONT)
        said = verb.communicate(timeout=20 * FACTOR)[1]
    assert (verb.returncode, said) == (0, "")
    mydocker.wait_until(lambda: not tasks.is_alive(init.known["monitor"], init.known["monitorStarted"]))
    assert mydocker.sh("cat state/errors/* 2>/dev/null").stdout == ""
    assert mydocker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", container_id).stdout == state
    mydocker("rm", "-f", container_id)


def test_a_damaged_container_that_runs_is_removed_beneath_its_monitor(mydocker: Machine, paths: Paths) -> None:
    for _ in range(5):
        container_id = created(mydocker)
        mydocker("start", "box")
        mydocker.sh(f"echo '{{}}' > root/containers/{container_id}/config.json")
        removed = mydocker("rm", "-f", "box")
        assert (removed.rc, removed.stderr) == (0, "")
    assert mydocker.sh("cat state/errors/* 2> /dev/null").stdout == ""
