"""--restart: a container that has ended is started again, until somebody stops it."""

import json

import pytest
from conftest import Machine

SLEEP = ("busybox", "sleep", "1000")
COUNTING = "echo run >> /runs; exit 3"


def runs(mydocker: Machine) -> int:
    return mydocker.sh("cat root/containers/*/*/runs").stdout.count("run")


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


def kill_with_its_monitor(mydocker: Machine, name: str) -> None:
    """Kill both processes before either can do anything about the other's end."""
    state = mydocker.sh(f"cat state/{mydocker.record(name)['id']}/state.json").stdout
    monitor = json.loads(state)["monitor"]
    mydocker.sh(f"kill -STOP {monitor}; kill -9 {monitor} {mydocker.pid(name)}")
    mydocker.wait_until(lambda: "Exited" in mydocker("ps", "-a", "--filter", f"name={name}").stdout)


@pytest.mark.parametrize("is_boot", [False, True], ids=["killed", "booted"])
def test_what_is_to_run_all_the_time_is_started_again(mydocker: Machine, is_boot: bool) -> None:
    for policy in ("always", "unless-stopped", "on-failure", "no"):
        mydocker("run", "-d", "--name", policy, "--restart", policy, *SLEEP)
    mydocker("run", "-d", "--name", "joined", "--restart", "always", "--network", "container:unless-stopped", *SLEEP)
    mydocker("run", "-d", "--name", "stopped", "--restart", "always", *SLEEP)
    mydocker("stop", "-t", "0", "stopped")
    mydocker("create", "--name", "new", "--restart", "always", *SLEEP)
    for name in ("always", "unless-stopped", "on-failure", "no", "joined"):
        kill_with_its_monitor(mydocker, name)
    if is_boot:
        mydocker.reboot()
    planned = mydocker("--dry-run", "system", "boot")
    assert (planned.rc, planned.stdout.count("start container")) == (0, 3), planned.stdout
    booted = mydocker("system", "boot")
    assert (booted.rc, booted.stdout, booted.stderr) == (0, "always\nunless-stopped\njoined\n", "")
    assert sorted(mydocker("ps", "--format", "{{.Names}}").stdout.split()) == ["always", "joined", "unless-stopped"]
    assert mydocker("system", "boot").stdout == ""
    assert mydocker("rm", "-f", *mydocker("ps", "-aq").stdout.split()).rc == 0


def test_a_boot_goes_on_past_what_does_not_start(mydocker: Machine) -> None:
    mydocker.sh("mkdir there")
    mydocker("run", "-d", "--name", "lost", "--restart", "always", "-v", f"{mydocker.directory}/there:/there", *SLEEP)
    mydocker("run", "-d", "--name", "well", "--restart", "always", *SLEEP)
    for name in ("lost", "well"):
        kill_with_its_monitor(mydocker, name)
    mydocker.sh("rmdir there")
    booted = mydocker("system", "boot")
    assert (booted.rc, booted.stdout) == (1, "well\n")
    assert booted.stderr.count("\n") <= 2
    assert "there" in booted.stderr
    mydocker("rm", "-f", "lost", "well")


def test_only_a_signal_that_is_to_end_it_ends_the_restarts(mydocker: Machine) -> None:
    """A program may read its configuration again at SIGHUP: when it ends by that, or later, it is started again."""
    script = "echo run >> /runs; trap 'exit 3' HUP TERM; while :; do sleep 0.05; done"
    mydocker("run", "-d", "--name", "again", "--restart", "always", "busybox", "sh", "-c", script)
    mydocker.wait_until(lambda: runs(mydocker) == 1)
    assert mydocker("kill", "-s", "HUP", "again").rc == 0
    mydocker.wait_until(lambda: runs(mydocker) == 2)
    assert mydocker("kill", "-s", "TERM", "again").rc == 0
    mydocker.wait_until(lambda: "Exited (3)" in mydocker("ps", "-a").stdout)
    assert runs(mydocker) == 2
    mydocker("rm", "again")
