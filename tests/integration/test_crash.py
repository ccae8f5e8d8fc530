"""kill -9 at any moment: what is left is found, and repaired to nothing."""

import time

import pytest
from conftest import Machine

MOST_STEPS = 150


def wait_for_the_end(mydocker: Machine) -> None:
    """Wait until nothing of a crashed start runs any more."""
    mydocker.wait_until(lambda: not mydocker.sh("grep -l {directory} /proc/[0-9]*/mountinfo 2>/dev/null").stdout)


@pytest.mark.parametrize("who", ["cli", "monitor", "init"])
def test_a_crash_after_any_step_is_repaired(mydocker: Machine, needs_controllers: None, who: str) -> None:
    flags = ["--name", "crashing", "-m", "64m", "-v", "data:/data", "-v", "/anonymous", "--tmpfs", "/t"]
    before = mydocker.snapshot()
    for number in range(1, MOST_STEPS):
        env = {"MYDOCKER_CRASH_AFTER": f"{who}:{number}"}
        result = mydocker("run", "--rm", *flags, "busybox", "true", env=env)
        if result.rc == 0:
            break
        wait_for_the_end(mydocker)
        left = mydocker.differs_from(before)
        repaired = mydocker("system", "check", "--repair")
        assert repaired.rc == 0, (number, repaired.stdout, repaired.stderr)
        assert repaired.stdout or not [line for line in left if "/volumes/data" not in line], number
        assert mydocker("system", "check").stdout == "", number
        # A named volume is the user's, whether or not the container that first named it came to be.
        mydocker("volume", "rm", "-f", "data")
        left = mydocker.left_since(before)
        assert not left, (number, result.stderr, left)
    else:
        pytest.fail(f"{who} takes more than {MOST_STEPS} steps")
    mydocker("volume", "rm", "data")
    assert number > {"cli": 10, "monitor": 20, "init": 30}[who]


def test_a_crash_of_init_is_told_and_cleaned_up_at_once(mydocker: Machine) -> None:
    result = mydocker("run", "--rm", "busybox", "true", env={"MYDOCKER_CRASH_AFTER": "init:20"})
    assert result.rc == 125
    assert "init ended" in result.stderr
    assert mydocker("system", "check").stdout == ""


def test_the_name_of_a_crashed_start_is_free_again(mydocker: Machine) -> None:
    mydocker("run", "--name", "again", "busybox", "true", env={"MYDOCKER_CRASH_AFTER": "cli:10"})
    wait_for_the_end(mydocker)
    assert mydocker("run", "--rm", "--name", "again", "busybox", "true").rc == 0


def test_the_container_outlives_its_client(mydocker: Machine) -> None:
    mydocker.sh("{mydocker} run --name orphan busybox sleep 60 > /dev/null 2>&1 & echo $! > client")
    mydocker.wait_until(lambda: "Up" in mydocker("ps").stdout)
    mydocker.sh("kill -9 $(cat client)")
    time.sleep(0.2)
    assert "Up" in mydocker("ps").stdout
    assert mydocker("rm", "-f", "orphan").rc == 0


def test_the_container_outlives_its_monitor(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "alone", "busybox", "sleep", "60")
    pid = mydocker.pid("alone")
    mydocker.sh(f"kill -9 $(awk '/^PPid/ {{ print $2 }}' /proc/{pid}/status)")
    assert "Up" in mydocker("ps").stdout
    assert mydocker("rm", "-f", "alone").rc == 0
    assert mydocker("ps", "-aq").stdout == ""


def test_an_end_that_nobody_saw_is_not_running(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "lost", "busybox", "sleep", "60")
    pid = mydocker.pid("lost")
    mydocker.sh(f"kill -9 $(awk '/^PPid/ {{ print $2 }}' /proc/{pid}/status); kill -9 {pid}")
    mydocker.wait_until(lambda: "Up" not in mydocker("ps", "-a").stdout)
    assert "Exited" in mydocker("ps", "-a").stdout
    assert "lost" in mydocker.record("lost")["name"]
    assert mydocker("start", "lost").rc == 0
    assert "Up" in mydocker("ps").stdout
    assert mydocker("rm", "-f", "lost").rc == 0


def test_twenty_containers_at_once(mydocker: Machine, needs_controllers: None) -> None:
    mydocker.sh("for i in $(seq 20); do {mydocker} run -d --name many$i -m 32m busybox sleep 60 & done; wait")
    assert len(mydocker("ps", "-q").stdout.split()) == 20
    assert mydocker("rm", "-f", *(f"many{i}" for i in range(1, 21))).rc == 0
