"""The tests are tested: one that leaves something behind and one that hangs fail, by name, and do the others no harm."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import workers
from conftest import FACTOR, REPOSITORY, Machine

from mydocker.cgroups.layout import Layout
from mydocker.kernel import tasks
from mydocker.paths import Paths

TESTS = '''
"""Bad tests."""
import os
import subprocess

import pytest

def test_that_leaks(mydocker):
    assert mydocker("run", "-d", "--name", "left", "--network", "none", "busybox", "sleep", "1000").rc == 0

def test_after_it(mydocker):
    assert mydocker("ps", "-aq").stdout == ""

@pytest.mark.timeout(3)
def test_that_hangs(mydocker):
    mydocker("run", "-d", "--name", "left", "--network", "none", "busybox", "sleep", "1000")
    mydocker.wait_until(lambda: False, 10000)

def test_beside_somebody_else(mydocker):
    """Another mydocker on the same machine starts a container meanwhile, and mounts something."""
    assert subprocess.run(os.environ["OTHER"], shell=True).returncode == 0

def test_at_the_end(mydocker):
    assert mydocker("ps", "-aq").stdout == ""
'''


DIES = '''
"""A test whose process is killed while a container runs."""
import os
import signal

def test_that_dies(mydocker):
    assert mydocker("run", "-d", "--name", "left", "--network", "none", "busybox", "sleep", "1000").rc == 0
    with open(os.environ["TOLD"], "w") as file:
        file.write(f"{mydocker.directory} {mydocker.pid('left')} {os.getpid()}")
    os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.mark.parametrize("workers", [["-n", "1", "--max-worker-restart", "0"], []], ids=["worker", "alone"])
def test_a_killed_process_of_pytest_leaves_nothing(program: str, mydocker: Machine, tmp_path: Path, workers: list[str]) -> None:
    """Its keeper removes its directory with the containers in it, and a worker's cgroups."""
    ran = bad_run(program, tmp_path, DIES, TOLD=f"{tmp_path}/told", words=workers)
    directory, container, pid = (tmp_path / "told").read_text().split()
    assert ran.returncode != 0 and directory != mydocker.directory
    mydocker.wait_until(lambda: not Path(directory).exists(), 20)
    mydocker.wait_until(lambda: tasks.is_ending(int(container)))
    assert not [path for each in Layout.detect(Paths()).hierarchies for path in Path(each.mount).glob(f"mydocker-tests-*-{pid}")]


@pytest.fixture
def outcome(program: str, mydocker: Machine, tmp_path: Path) -> Iterator[subprocess.CompletedProcess[str]]:
    """What pytest says of the bad tests."""
    other = f"{mydocker.prefixed} run -d --name other --network none busybox sleep 1000"
    yield bad_run(program, tmp_path, TESTS, OTHER=f"cd {mydocker.directory} && {other}")
    mydocker("rm", "-f", "other")


def bad_run(program: str, place: Path, tests: str, words: Sequence[str] = (), **variables: str) -> subprocess.CompletedProcess[str]:
    """Run tests as all the others run, in a run of their own."""
    (place / "test_bad.py").write_text(tests)
    paths = {"MYDOCKER_COMMAND": program, "PYTHONPATH": f"{REPOSITORY}/tests/integration:{REPOSITORY}", "PYTEST_XDIST_WORKER": ""}
    paths["MYDOCKER_TEST_TIMEOUT_FACTOR"] = f"{0.4 * FACTOR}"  # what they leave is waited for in vain
    usual = ["-p", "conftest", "-p", "no:cacheprovider", "-c", f"{REPOSITORY}/pyproject.toml", "--rootdir", str(place)]
    usual += ["--basetemp", f"{place}/base"]  # it does not clean up after other runs
    line = [sys.executable, "-m", "pytest", *usual, *words, str(place / "test_bad.py")]
    return subprocess.run(line, env={**os.environ, **paths, **variables}, capture_output=True, text=True, cwd=place)


def test_bad_tests_fail_by_name_and_good_ones_pass(outcome: subprocess.CompletedProcess[str]) -> None:
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    failed = [line for line in outcome.stdout.splitlines() if line.startswith(("ERROR ", "FAILED "))]
    assert any("test_that_leaks" in line and line.startswith("ERROR ") for line in failed), failed
    assert "left behind:" in outcome.stdout
    assert "/mydocker/" in outcome.stdout.partition("left behind:")[2]
    assert any("test_that_hangs" in line and "Timeout" in line for line in failed), failed
    assert not [line for line in failed if any(name in line for name in ("test_after_it", "test_at_the_end", "test_beside"))]


@pytest.mark.parametrize(
    ("kind", "make", "undo"),
    [
        ("links", "ip link add left type bridge", "ip link delete left"),
        ("addresses", "ip address add 10.99.0.1/32 dev lo", "ip address delete 10.99.0.1/32 dev lo"),
        ("addresses", "ip address add fd99::1/128 dev lo nodad", "ip address delete fd99::1/128 dev lo"),
        ("routes", "ip route add 10.99.0.0/24 dev lo", "ip route delete 10.99.0.0/24 dev lo"),
        ("routes", "ip -6 route add fd99::/64 dev lo", "ip -6 route delete fd99::/64 dev lo"),
        ("rules", "nft add table ip left", "nft delete table ip left"),
        ("rules", "iptables -N LEFT", "iptables -X LEFT; nft delete table ip filter"),
    ],
)
def test_what_is_left_of_a_network_is_seen(mydocker: Machine, needs_nft: None, kind: str, make: str, undo: str) -> None:
    before = mydocker.snapshot()
    assert mydocker.snapshot() == before
    assert mydocker.sh(make).rc == 0
    try:
        assert kind in {line.partition(":")[0] for line in mydocker.differs_from(before)}
    finally:
        assert mydocker.sh(undo).rc == 0
    assert mydocker.differs_from(before) == []


def test_a_process_that_tests_left_is_named_and_killed_with_the_workers_cgroups(mydocker: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    hierarchy = Layout.detect(Paths()).hierarchies[0]
    own = Path(f"{hierarchy.mount}{hierarchy.own}/left")
    (own / "below").mkdir(parents=True)
    with subprocess.Popen(["sleep", "1000"]) as process:
        (own / "below/cgroup.procs").write_text(f"{process.pid}")
        monkeypatch.setattr(workers, "REMOVE_SECONDS", 2)
        assert workers.remove(str(own)) == [f"{process.pid} in /below (sleep)"]
        assert process.wait(10) == -9
    assert not own.exists()
