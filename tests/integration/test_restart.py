"""--restart: a container that has ended is started again, until somebody stops it."""

import pytest
from conftest import Machine

COUNTING = "echo run >> /runs; exit 3"


def runs(mydocker: Machine) -> int:
    return mydocker.sh("cat root/containers/*/upper/runs").stdout.count("run")


def test_on_failure_so_many_times(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "again", "--restart", "on-failure:2", "busybox", "sh", "-c", COUNTING)
    mydocker.wait_until(lambda: runs(mydocker) == 3)
    mydocker.wait_until(lambda: "Exited (3)" in mydocker("ps", "-a").stdout)
    assert mydocker("inspect", "-f", "{{.RestartCount}} {{.HostConfig.RestartPolicy.Name}}", "again").stdout == "2 on-failure\n"
    mydocker("start", "again")
    mydocker.wait_until(lambda: runs(mydocker) == 6)
    mydocker.wait_until(lambda: "Exited (3)" in mydocker("ps", "-a").stdout)
    assert mydocker("rm", "again").rc == 0


def test_a_success_is_no_failure(mydocker: Machine) -> None:
    mydocker("run", "--name", "well", "--restart", "on-failure", "busybox", "sh", "-c", "echo run >> /runs")
    assert mydocker("wait", "well").stdout == "0\n"
    assert runs(mydocker) == 1
    mydocker("rm", "well")


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_until_it_is_stopped(mydocker: Machine, policy: str) -> None:
    mydocker("run", "-d", "--name", "on", "--restart", policy, "busybox", "sh", "-c", "echo run >> /runs; sleep 1000")
    first = mydocker.pid("on")
    mydocker.sh(f"kill -9 {first}")
    mydocker.wait_until(lambda: runs(mydocker) == 2 and "Up" in mydocker("ps").stdout)
    assert mydocker.pid("on") != first
    assert mydocker("exec", "on", "true").rc == 0
    assert mydocker("stop", "-t", "0", "on").rc == 0
    assert "Exited" in mydocker("ps", "-a").stdout
    assert runs(mydocker) == 2
    assert mydocker("start", "on").rc == 0
    assert mydocker("kill", "on").rc == 0
    mydocker.wait_until(lambda: "Exited" in mydocker("ps", "-a").stdout)
    mydocker("rm", "on")


@pytest.mark.parametrize("verb", [["stop"], ["rm", "-f"], ["start"]])
def test_while_it_waits(mydocker: Machine, verb: list[str]) -> None:
    """By its seventh start a container waits for six seconds."""
    mydocker("run", "-d", "--name", "waits", "--restart", "always", "busybox", "sh", "-c", COUNTING)
    mydocker.wait_until(lambda: runs(mydocker) >= 5 and "Restarting (3)" in mydocker("ps").stdout)
    assert mydocker("inspect", "-f", "{{.State.Restarting}}", "waits").stdout == "true\n"
    assert mydocker("rm", "waits").rc == 1
    assert mydocker("exec", "waits", "true").rc == 1
    assert mydocker(*verb, "waits").rc == 0
    if verb == ["stop"]:
        assert "Exited (3)" in mydocker("ps", "-a").stdout
        mydocker("rm", "waits")
    mydocker("rm", "-f", "waits")
    assert mydocker("ps", "-aq").stdout == ""
    assert mydocker("system", "check").stdout == ""


def test_a_monitor_that_died_while_it_waited(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "lost", "--restart", "always", "busybox", "sh", "-c", COUNTING)
    mydocker.wait_until(lambda: runs(mydocker) >= 4 and "Restarting" in mydocker("ps").stdout)
    mydocker.sh("kill -9 $(sed 's/.*\"monitor\": \\([0-9]*\\).*/\\1/' state/*/state.json)")
    mydocker.wait_until(lambda: "Restarting" not in mydocker("ps", "-a").stdout)
    assert "Exited (3)" in mydocker("ps", "-a").stdout
    assert mydocker("start", "lost").rc == 0
    assert mydocker("rm", "-f", "lost").rc == 0


def test_rm_excludes_it(mydocker: Machine) -> None:
    result = mydocker("run", "--rm", "--restart", "always", "busybox", "true")
    assert (result.rc, result.stderr) == (125, "mydocker: --rm and --restart exclude each other\n")
