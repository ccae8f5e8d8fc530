"""Health checks: what ps and inspect say while a container gets well and ill."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import FACTOR, Machine


@pytest.fixture
def checked(mydocker: Machine) -> Callable[..., str]:
    """Run a container that is healthy while /ok is there."""

    def run(*flags: str, command: str = "test -e /ok", name: str = "ill") -> str:
        check = ("--health-cmd", command, "--health-interval", f"{100 * FACTOR:g}ms")
        result = mydocker("run", "-d", "--name", name, *check, *flags, "busybox", "sleep", "1000")
        assert result.rc == 0, result.stderr
        return result.stdout.strip()

    return run


def health(mydocker: Machine, name: str = "ill") -> dict[str, Any]:
    report: dict[str, Any] = json.loads(mydocker("inspect", "-f", "{{json .State.Health}}", name).stdout)
    return report


def status(mydocker: Machine, name: str = "ill") -> str:
    return str(health(mydocker, name)["Status"])


def test_ill_well_and_ill_again(mydocker: Machine, checked: Callable[..., str]) -> None:
    container = checked("--health-retries", "2")
    assert "(health: starting)" in mydocker("ps").stdout
    mydocker.wait_until(lambda: "(unhealthy)" in mydocker("ps").stdout)
    assert health(mydocker)["FailingStreak"] >= 2
    assert mydocker("ps", "-q", "--filter", "health=unhealthy").stdout
    assert not mydocker("ps", "-q", "--filter", "health=healthy").stdout
    mydocker("exec", "ill", "touch", "/ok")
    mydocker.wait_until(lambda: "(healthy)" in mydocker("ps").stdout)
    mydocker("exec", "ill", "rm", "/ok")
    mydocker.wait_until(lambda: status(mydocker) == "unhealthy")
    its = ("--since", "1h", "--until", "0s", "--filter", f"container={container}")
    seen = mydocker("events", *its, "--format", "{{.Action}}").stdout
    states = [line.split()[1] for line in seen.splitlines() if line.startswith("health_status")]
    assert states == ["unhealthy", "healthy", "unhealthy"]
    assert not [line for line in seen.splitlines() if line.startswith("exec_") and "test -e" in line]
    mydocker("rm", "-f", "ill")


def test_what_a_check_writes_is_kept(mydocker: Machine, checked: Callable[..., str]) -> None:
    checked("--health-retries", "1", command="echo out; echo err >&2; exit 7")
    mydocker.wait_until(lambda: status(mydocker) == "unhealthy")
    entry = health(mydocker)["Log"][-1]
    assert entry["ExitCode"] == 7
    assert sorted(entry["Output"].split()) == ["err", "out"]
    assert entry["Start"] < entry["End"]
    mydocker.wait_until(lambda: len(health(mydocker)["Log"]) == 5)
    mydocker("rm", "-f", "ill")


def test_a_check_that_hangs_is_ended(mydocker: Machine, checked: Callable[..., str]) -> None:
    checked("--health-retries", "1", "--health-timeout", "200ms", command="echo begun; sleep 999")
    mydocker.wait_until(lambda: status(mydocker) == "unhealthy")

    def begun() -> bool:
        """Say whether a check has come so far in its time, which it may not on a busy machine."""
        entry = health(mydocker)["Log"][-1]
        assert entry["ExitCode"] == -1
        return str(entry["Output"]) == "Health check exceeded timeout (200ms): begun\n"

    mydocker.wait_until(begun)
    mydocker.wait_until(lambda: mydocker("top", "ill", "-e", "-o", "pid,args").stdout.count("sleep 999") <= 1)
    mydocker("rm", "-f", "ill")


def test_failures_while_it_starts_up_do_not_count(mydocker: Machine, checked: Callable[..., str]) -> None:
    checked("--health-retries", "1", "--health-start-period", "1h", "--health-start-interval", "50ms")
    mydocker.wait_until(lambda: len(health(mydocker)["Log"]) >= 3)
    assert status(mydocker) == "starting"
    mydocker("exec", "ill", "touch", "/ok")
    mydocker.wait_until(lambda: status(mydocker) == "healthy")
    mydocker("rm", "-f", "ill")


def test_a_paused_container_is_not_checked(mydocker: Machine, checked: Callable[..., str]) -> None:
    checked("--health-retries", "1", command="true")
    mydocker.wait_until(lambda: status(mydocker) == "healthy")
    mydocker("pause", "ill")
    before = health(mydocker)["Log"][-1]
    mydocker.sh("sleep 0.5")
    assert health(mydocker)["Log"][-1]["Start"] <= before["End"] or health(mydocker)["Log"][-1] == before
    assert status(mydocker) == "healthy"
    assert "(Paused)" in mydocker("ps").stdout
    mydocker("unpause", "ill")
    mydocker.wait_until(lambda: health(mydocker)["Log"][-1]["Start"] > before["End"])
    assert status(mydocker) == "healthy"
    mydocker("rm", "-f", "ill")


def test_every_run_begins_anew_and_nobody_checks_one_that_ended(mydocker: Machine, checked: Callable[..., str]) -> None:
    checked(command="true")
    mydocker.wait_until(lambda: status(mydocker) == "healthy")
    mydocker("stop", "-t", "0", "ill")
    assert status(mydocker) == "unhealthy"
    assert "healthy" not in mydocker("ps", "-a").stdout
    mydocker("start", "ill")
    mydocker.wait_until(lambda: status(mydocker) == "healthy")
    monitor = mydocker.sh("cat state/*/state.json").stdout
    mydocker.sh(f"kill -9 {json.loads(monitor)['monitor']}")
    mydocker.wait_until(lambda: status(mydocker) == "unhealthy")
    mydocker("rm", "-f", "ill")


def test_it_ends_while_a_check_runs(mydocker: Machine, checked: Callable[..., str]) -> None:
    checked(command="sleep 999")
    mydocker.wait_until(lambda: "sleep 999" in mydocker("top", "ill", "-e", "-o", "pid,args").stdout)
    assert mydocker("stop", "-t", "0", "ill").rc == 0
    assert mydocker("rm", "ill").rc == 0


def test_of_the_image(mydocker: Machine) -> None:
    mydocker("run", "--name", "made", "busybox", "touch", "/ok")
    change = "HEALTHCHECK --interval=100ms --retries=1 CMD test -e /ok"
    assert mydocker("commit", "-c", change, "made", "checked").rc == 0
    mydocker("run", "-d", "--name", "ill", "checked", "sleep", "1000")
    mydocker("run", "-d", "--name", "other", "--health-cmd", "false", "checked", "sleep", "1000")
    mydocker("run", "-d", "--name", "free", "--no-healthcheck", "checked", "sleep", "1000")
    mydocker.wait_until(lambda: status(mydocker) == "healthy")
    mydocker.wait_until(lambda: status(mydocker, "other") == "unhealthy")
    assert health(mydocker, "free") is None
    assert mydocker("ps", "--filter", "health=none", "--format", "{{.Names}}").stdout == "free\n"
    mydocker("rm", "-f", "ill", "other", "free", "made")
    mydocker("rmi", "checked")


@pytest.mark.parametrize("flags", [["--health-interval", "1x"], ["--health-retries", "x"], ["--no-healthcheck", "--health-cmd", "x"]])
def test_refusals(mydocker: Machine, flags: list[str]) -> None:
    result = mydocker("run", *flags, "busybox", "true")
    assert result.rc == 125
    assert result.stderr.startswith("mydocker: ")
