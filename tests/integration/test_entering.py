"""How a container's first process, and one more, gets into its cgroups: born there, by itself, or moved; and that it is in all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Machine

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.kernel.process import fork_into
from mydocker.paths import Paths
from mydocker.steps.base import Run

LAYOUT = Layout.detect(Paths())
HOST = ("run", "--rm", "--network", "none", "--cgroupns", "host")
needs_unified = pytest.mark.skipif(not LAYOUT.unified, reason="there is no hierarchy of version 2")
pytestmark = pytest.mark.kernel


@pytest.fixture
def cgroup() -> Iterator[CgroupManager]:
    made = manager(LAYOUT, f"/mydocker-test-{os.getpid()}")
    Run("cli").execute(made.create_steps({}))
    yield made
    made.kill()
    made.remove()


@needs_unified
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a cgroup is made")
def test_a_child_is_born_in_a_cgroup(cgroup: CgroupManager, tmp_path: Path) -> None:
    assert cgroup.unified
    pid = fork_into(cgroup.unified.directory)
    if pid == 0:
        grandchild = os.fork()  # it is a whole interpreter
        if grandchild:
            os.waitpid(grandchild, 0)
        (tmp_path / str(os.getpid())).write_text(Path("/proc/self/cgroup").read_text())
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    told = [path.read_text() for path in tmp_path.iterdir()]
    assert len(told) == 2 and all(cgroup.path in text for text in told) and (tmp_path / str(pid)).exists()


@pytest.mark.parametrize("name", ["", "nosuch"])
def test_what_is_no_cgroup_bears_nobody(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=str(tmp_path)):
        fork_into(f"{tmp_path}/{name}".rstrip("/"))
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def places(told: str) -> list[str]:
    """Return the lines of /proc/PID/cgroup that show one of our cgroups, without the container's id."""
    return sorted(line.rpartition("/mydocker/")[0] for line in told.splitlines() if "/mydocker/" in line)


@needs_unified
def test_the_first_process_is_in_all_of_them(mydocker: Machine) -> None:
    born = mydocker(*HOST, "busybox", "cat", "/proc/self/cgroup")
    assert len(places(born.stdout)) == len(LAYOUT.hierarchies)
    told = mydocker("--explain=json", *HOST, "busybox", "true").stderr.splitlines()
    steps = [json.loads(line)["step"] for line in told if '"monitor"' in line]
    number = next(number for number, step in enumerate(steps, 1) if "CLONE_INTO_CGROUP" in step)
    # As on Linux 4.19, on 5.4, and under a filter that knows no clone3.
    for error in ("ENOSYS", "E2BIG", "EPERM"):
        moved = mydocker(*HOST, "busybox", "cat", "/proc/self/cgroup", env={"MYDOCKER_FAIL_AT": f"monitor:{number}:{error}"})
        assert (moved.rc, places(moved.stdout)) == (0, places(born.stdout))


@pytest.mark.parametrize("isolation", ["host", "userns"])
def test_one_more_process_is_where_the_first_one_is(request: pytest.FixtureRequest, mydocker: Machine, isolation: str) -> None:
    flags = request.getfixturevalue("userns") if isolation == "userns" else []
    started = mydocker("run", "-d", "--name", "web", *flags, "--network", "none", "--cgroupns", "host", "busybox", "sleep", "1000")
    assert started.rc == 0, started
    one = mydocker.sh(f"cat /proc/{mydocker.pid('web')}/cgroup").stdout
    assert len(places(one)) == len(LAYOUT.hierarchies)
    assert mydocker("exec", "web", "cat", "/proc/self/cgroup").stdout == one
    mydocker("rm", "-f", "web")


@pytest.mark.skipif(LAYOUT.mode != "v2", reason="only a container's own version 2 cgroup can pass controllers on")
def test_a_container_that_passes_controllers_on_takes_one_more_process(mydocker: Machine) -> None:
    """As systemd does in a container: its cgroup has children with controllers, and then no process of its own, cgroups(7)."""
    delegate = "cd /sys/fs/cgroup; mkdir below; echo 1 > below/cgroup.procs; echo +pids > cgroup.subtree_control; echo done; sleep 1000"
    mydocker("run", "-d", "--name", "web", "--privileged", "--network", "none", "busybox", "sh", "-c", delegate)
    mydocker.wait_until(lambda: mydocker("logs", "web").stdout == "done\n")
    assert mydocker("exec", "web", "cat", "/proc/self/cgroup").stdout == "0::/below\n"
    mydocker("rm", "-f", "web")
