"""Real cgroups of this machine, whichever versions it has: limits are felt, processes freeze and die, nothing stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from mydocker.cgroups import v2
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.errors import BadInput
from mydocker.kernel.bpf import attached_device_programs
from mydocker.paths import Paths
from mydocker.steps.base import Run

MEGABYTE = 1 << 20
LAYOUT = Layout.detect(Paths())
PARENT = f"/mydocker-test-{os.getpid()}"

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: cgroups are made"),
    pytest.mark.skipif(LAYOUT.mode == "none", reason="no cgroup hierarchy is mounted"),
    pytest.mark.skipif(any(hierarchy.readonly for hierarchy in LAYOUT.hierarchies), reason="a cgroup hierarchy is mounted read-only"),
]

Starter = Callable[..., "subprocess.Popen[bytes]"]


def needs(controller: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not LAYOUT.find(controller), reason=f"cgroup controller {controller} {LAYOUT.absence(controller)}")


@pytest.fixture
def manage() -> Iterator[CgroupManager]:
    """One container's cgroups, gone afterwards with all in them; a cgroup that stays fails the test."""
    manage = manager(LAYOUT, f"{PARENT}/c")
    try:
        yield manage
    finally:
        manage.kill()
        manage.remove()
        manager(LAYOUT, PARENT).remove()
    assert not [hierarchy.mount for hierarchy in LAYOUT.hierarchies if os.path.exists(hierarchy.mount + PARENT)]


@pytest.fixture
def start(manage: CgroupManager) -> Iterator[Starter]:
    """Return a function that runs a command inside the cgroups, moved there before it executes."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str) -> subprocess.Popen[bytes]:
        steps = manage.enter_steps(0)
        process = subprocess.Popen(command, preexec_fn=lambda: Run("init").execute(steps), stdin=subprocess.DEVNULL)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def create(manage: CgroupManager, **resources: Any) -> None:
    limits: Any = resources
    Run("cli").execute(manage.create_steps(limits))


def value(manage: CgroupManager, controller: str, file: str) -> str:
    group = manage.group(controller)
    assert group
    return group.read(file)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition, and fail when it does not come."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "waited in vain"
        sleep(0.01)


def v1(controller: str) -> bool:
    hierarchy = LAYOUT.find(controller)
    return hierarchy is not None and hierarchy.version == 1


LIMITS = [
    ("memory", {"memory": {"limit": 64 * MEGABYTE}}, "memory.limit_in_bytes", "67108864", "memory.max", "67108864"),
    ("memory", {"memory": {"reservation": MEGABYTE}}, "memory.soft_limit_in_bytes", "1048576", "memory.low", "1048576"),
    ("cpu", {"cpu": {"shares": 512}}, "cpu.shares", "512", "cpu.weight", "59"),
    ("cpu", {"cpu": {"quota": 20000, "period": 50000}}, "cpu.cfs_quota_us", "20000", "cpu.max", "20000 50000"),
    ("cpu", {"cpu": {"period": 50000, "quota": 20000}}, "cpu.cfs_period_us", "50000", "cpu.max", "20000 50000"),
    ("cpuset", {"cpu": {"cpus": "0", "mems": "0"}}, "cpuset.cpus", "0", "cpuset.cpus", "0"),
    ("pids", {"pids": {"limit": 33}}, "pids.max", "33", "pids.max", "33"),
    ("pids", {"pids": {"limit": -1}}, "pids.max", "max", "pids.max", "max"),
]


@pytest.mark.parametrize(("controller", "resources", "v1_file", "v1_value", "v2_file", "v2_value"), LIMITS)
def test_limits_read_back(
    manage: CgroupManager, controller: str, resources: dict[str, Any], v1_file: str, v1_value: str, v2_file: str, v2_value: str
) -> None:
    if not LAYOUT.find(controller):
        pytest.skip(f"cgroup controller {controller} {LAYOUT.absence(controller)}")
    create(manage, **resources)
    file, expected = (v1_file, v1_value) if v1(controller) else (v2_file, v2_value)
    assert value(manage, controller, file) == expected


def test_a_process_enters_every_hierarchy(manage: CgroupManager, start: Starter) -> None:
    create(manage)
    process = start("sleep", "100")
    assert manage.pids() == [process.pid]
    positions = Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()
    mounted = {hierarchy.title for hierarchy in LAYOUT.hierarchies}
    inside = {title or "unified" for _, title, path in (line.split(":", 2) for line in positions) if path.endswith(f"{PARENT}/c")}
    assert inside == mounted


@needs("pids")
def test_the_pids_limit_is_felt(manage: CgroupManager, start: Starter) -> None:
    create(manage, pids={"limit": 3})
    script = """
import os, time
try:
    for _ in range(9):
        if not os.fork():
            time.sleep(100)
except BlockingIOError:
    os._exit(42)
"""
    assert start(sys.executable, "-I", "-S", "-c", script).wait(30) == 42
    assert manage.stats()["pids"]["limit"] == 3


@needs("memory")
def test_an_oom_kill_is_seen(manage: CgroupManager, start: Starter) -> None:
    swap = {"swap": 16 * MEGABYTE} if manage.has_swap_limit() else {}
    create(manage, memory={"limit": 16 * MEGABYTE, **swap})
    assert manage.oom_kills() == 0
    assert start(sys.executable, "-I", "-S", "-c", "bytearray(128 << 20)").wait(60) == -9
    assert manage.oom_kills() == 1
    assert manage.stats()["memory"]["oom_kill"] == 1


@needs("memory")
def test_the_memory_limit_goes_up_and_down(manage: CgroupManager) -> None:
    if not manage.has_swap_limit():
        pytest.skip("this kernel does not limit swap")
    create(manage, memory={"limit": 64 * MEGABYTE, "swap": 64 * MEGABYTE})
    for limit in (256, 32, 512):
        Run("cli").execute(manage.update_steps({"memory": {"limit": limit * MEGABYTE, "swap": limit * MEGABYTE}}))
        assert manage.stats()["memory"]["limit"] == limit * MEGABYTE
    Run("cli").execute(manage.update_steps({"memory": {"limit": -1}}))
    assert manage.stats()["memory"]["limit"] is None


@needs("cpu")
def test_the_cpu_quota_is_felt(manage: CgroupManager, start: Starter) -> None:
    create(manage, cpu={"quota": 5000, "period": 100000})
    start(sys.executable, "-I", "-S", "-c", "while True: pass")
    until(lambda: (manage.stats()["cpu"]["throttled_periods"] or 0) >= 3)
    assert (manage.stats()["cpu"]["usage"] or 0) > 0


ALLOWED = [{"allow": True, "type": "c", "major": 1, "minor": minor, "access": "rwm"} for minor in (3, 9)]
ONLY_SOME: Any = {"devices": [{"allow": False, "access": "rwm"}, *ALLOWED]}
ONE_MORE: Any = {"devices": [*ONLY_SOME["devices"], {**ALLOWED[0], "minor": 5}]}


def may_open(start: Starter, path: str) -> bool:
    """Say whether a process in the cgroups may open a device."""
    script = "import sys\ntry: open(sys.argv[1], 'rb')\nexcept PermissionError: sys.exit(42)"
    return {0: True, 42: False}[start(sys.executable, "-I", "-S", "-c", script, path).wait(30)]


def test_devices_are_denied(manage: CgroupManager, start: Starter) -> None:
    create(manage, **ONLY_SOME)
    assert (may_open(start, "/dev/null"), may_open(start, "/dev/zero")) == (True, False)
    Run("cli").execute(manage.update_steps(ONE_MORE))
    assert (may_open(start, "/dev/null"), may_open(start, "/dev/zero")) == (True, True)


@pytest.mark.skipif(not LAYOUT.unified, reason="cgroup version 2 is not mounted")
def test_device_programs_replace_one_another(manage: CgroupManager, start: Starter) -> None:
    create(manage)
    assert manage.unified
    devices = v2.Devices(manage.unified)
    for resources, expected in ((ONLY_SOME, False), (ONE_MORE, True), (ONLY_SOME, False)):
        Run("cli").execute(devices.set(resources))
        assert may_open(start, "/dev/zero") is expected
    assert len(attached(manage.unified.directory)) == 1


def attached(directory: str) -> list[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return attached_device_programs(descriptor, directory)
    finally:
        os.close(descriptor)


def test_freeze_and_thaw(manage: CgroupManager, start: Starter) -> None:
    create(manage)
    process = start(sys.executable, "-I", "-S", "-c", "while True: pass")
    before = cpu_ticks(process.pid)
    until(lambda: cpu_ticks(process.pid) > before)
    manage.freeze(True)
    frozen = cpu_ticks(process.pid)
    sleep(0.1)
    assert cpu_ticks(process.pid) == frozen
    manage.freeze(False)
    until(lambda: cpu_ticks(process.pid) > frozen)


def cpu_ticks(pid: int) -> int:
    """Return a process's user time in clock ticks (field 14 of /proc/PID/stat)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


@pytest.mark.parametrize("frozen", [False, True])
def test_kill_reaches_everybody(manage: CgroupManager, start: Starter, frozen: bool) -> None:
    create(manage)
    process = start("sh", "-c", "trap '' TERM; sleep 100 & sleep 100 & wait")
    until(lambda: len(manage.pids()) == 3)
    if frozen:
        manage.freeze(True)
    manage.kill()
    assert manage.pids() == []
    assert process.wait(10) == -9


def test_what_is_there_is_used_and_undo_leaves_it(manage: CgroupManager) -> None:
    create(manage)
    second = Run("cli")
    second.execute(manage.create_steps({}))
    assert second.undo_all() == []
    assert manage.exists()


def test_undo_leaves_no_cgroup_of_the_container(manage: CgroupManager) -> None:
    run = Run("cli")
    run.execute(manage.create_steps({"pids": {"limit": 5}} if LAYOUT.find("pids") else {}))
    assert run.undo_all() == []
    assert not manage.exists()


def test_remove_with_cgroups_made_inside(manage: CgroupManager) -> None:
    create(manage)
    for subsystem in manage.subsystems:
        os.makedirs(subsystem.group.directory + "/inner/most")
    manage.remove()
    assert not manage.exists()
    manage.remove()


@needs("cpuset")
def test_a_cpu_that_is_not_there_is_refused_before_anything_is_made(manage: CgroupManager) -> None:
    with pytest.raises(BadInput, match=r"^cpuset cpus '4000': "):
        manage.create_steps({"cpu": {"cpus": "4000"}})
    assert not manage.exists()
