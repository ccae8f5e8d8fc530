"""Each MUST of the runtime specification in config-linux.md of control groups: tests named after sections, asked of runc and crun too."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime
from changes import (
    SHELL,
    both,
    cgroup_of,
    created,
    linux,
    mount,
    refused,
    unavailable,
    version_of,
)

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths


def test_cgroups_path_absolute_is_relative_to_the_mount_point(any_runtime: Runtime, needs_controllers: None) -> None:
    created(any_runtime, change=linux(cgroupsPath="/mydocker/mdoci-of-my-own"))
    hierarchy = Layout.detect(Paths()).find("pids")
    assert hierarchy
    assert cgroup_of(any_runtime, "pids") == Path(f"{hierarchy.mount}/mydocker/mdoci-of-my-own")


def test_cgroups_path_relative_is_the_same_place_each_time(any_runtime: Runtime, needs_controllers: None) -> None:
    places = []
    for _ in range(2):
        created(any_runtime, change=linux(cgroupsPath="mdoci-relative"))
        places.append(cgroup_of(any_runtime, "pids"))
        assert any_runtime("delete", "--force", "one").rc == 0
    assert places[0] == places[1]
    assert places[0].name == "mdoci-relative"


# What is asked, the controller, and for version 1 and 2 the file and what is then in one of its lines; '' where there is no such thing.
# cpu.weight is computed in one way by older runtimes and in another by newer ones.
LIMITS: dict[str, tuple[dict[str, Any], str, str, str, str, str]] = {
    "memory": ({"memory": {"limit": 67108864}}, "memory", "memory.limit_in_bytes", "67108864", "memory.max", "67108864"),
    "memory_reservation": (
        {"memory": {"reservation": 33554432}},
        "memory",
        "memory.soft_limit_in_bytes",
        "33554432",
        "memory.low",
        "33554432",
    ),
    "cpu_shares": ({"cpu": {"shares": 512}}, "cpu", "cpu.shares", "512", "cpu.weight", "20 or 59"),
    "cpu_quota": ({"cpu": {"quota": 20000, "period": 50000}}, "cpu", "cpu.cfs_quota_us", "20000", "cpu.max", "20000 50000"),
    "cpu_cpus": ({"cpu": {"cpus": "0"}}, "cpuset", "cpuset.cpus", "0", "cpuset.cpus", "0"),
    "pids": ({"pids": {"limit": 42}}, "pids", "pids.max", "42", "pids.max", "42"),
    "memory_swap": (
        {"memory": {"limit": 67108864, "swap": 134217728}},
        "memory",
        "memory.memsw.limit_in_bytes",
        "134217728",
        "memory.swap.max",
        "67108864",
    ),
    "memory_swappiness": ({"memory": {"swappiness": 7}}, "memory", "memory.swappiness", "7", "", ""),
    "memory_disable_oom_killer": ({"memory": {"disableOOMKiller": True}}, "memory", "memory.oom_control", "oom_kill_disable 1", "", ""),
    "cpu_mems": ({"cpu": {"mems": "0"}}, "cpuset", "cpuset.mems", "0", "cpuset.mems", "0"),
    "cpu_burst": ({"cpu": {"quota": 20000, "period": 50000, "burst": 1000}}, "cpu", "cpu.cfs_burst_us", "1000", "cpu.max.burst", "1000"),
    "cpu_idle": ({"cpu": {"idle": 1}}, "cpu", "cpu.idle", "1", "cpu.idle", "1"),
    "cpu_realtime": ({"cpu": {"realtimePeriod": 900000, "realtimeRuntime": 0}}, "cpu", "cpu.rt_period_us", "900000", "", ""),
    "block_io_weight": ({"blockIO": {"weight": 300}}, "blkio", "blkio.bfq.weight", "300", "io.bfq.weight", "default 300"),
    "hugepages": (
        {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]},
        "hugetlb",
        "hugetlb.2MB.limit_in_bytes",
        "4194304",
        "hugetlb.2MB.max",
        "4194304",
    ),
    "network_class": ({"network": {"classID": 1048577}}, "net_cls", "net_cls.classid", "1048577", "", ""),
    "network_priorities": ({"network": {"priorities": [{"name": "lo", "priority": 5}]}}, "net_prio", "net_prio.ifpriomap", "lo 5", "", ""),
}


@pytest.mark.parametrize("name", LIMITS)
def test_control_groups_limits(any_runtime: Runtime, needs_controllers: None, name: str) -> None:
    resources, controller, v1_file, v1_value, v2_file, v2_value = LIMITS[name]
    for other in ("runc", "crun"):
        if name in ("cpu_burst", "cpu_idle", "memory_disable_oom_killer"):
            any_runtime.leave_out(other, "too old for it")
    if name == "block_io_weight":
        any_runtime.leave_out("crun", "1.8 does not know bfq's file")
    if controller == "blkio" and version_of("io"):
        controller = "io"
    if version_of(controller) == 2 and version_of("pids") == 1:
        for other in ("runc", "crun"):
            any_runtime.leave_out(other, "looks for no controller in a hybrid host's version 2")
    file, value = (v2_file, v2_value) if version_of(controller) == 2 else (v1_file, v1_value)
    if not file or not any_runtime.machine.sh(f"find /sys/fs/cgroup -name {file} | head -1").stdout:
        # What this host lacks is an error, not a limit that is silently none.
        if any_runtime.name == "mydocker-oci" and f"cgroup.{controller}" in unavailable(any_runtime):
            refused(any_runtime, linux(resources=resources))
        pytest.skip(f"no {file or v1_file} on this host")
    created(any_runtime, change=linux(resources=resources))
    assert set(value.split(" or ")) & set((cgroup_of(any_runtime, controller) / file).read_text().splitlines())


def test_control_groups_throttled_devices(any_runtime: Runtime, needs_controllers: None) -> None:
    number = next((path.read_text().strip() for path in Path("/sys/block").glob("*/dev")), "")
    version = version_of("blkio") or version_of("io")
    if not number or not version:
        pytest.skip("no block device, or no cgroup controller for them")
    major, minor = map(int, number.split(":"))
    rate = [{"major": major, "minor": minor, "rate": 1000000}]
    created(any_runtime, change=linux(resources={"blockIO": {"throttleReadBpsDevice": rate, "throttleWriteIOPSDevice": rate}}))
    if version == 2:
        words = (cgroup_of(any_runtime, "io") / "io.max").read_text().split()
        assert words[0] == number and {"rbps=1000000", "wiops=1000000"} <= set(words)
        return
    for name in ("read_bps", "write_iops"):
        assert (cgroup_of(any_runtime, "blkio") / f"blkio.throttle.{name}_device").read_text().strip() == f"{number} 1000000"


def test_control_groups_memory_check_before_update(any_runtime: Runtime, needs_controllers: None) -> None:
    any_runtime.leave_out("crun", "1.8 does not know it")
    if version_of("memory") == 2:
        any_runtime.leave_out("runc", "1.1 does not look in version 2")
    created(any_runtime, change=linux(resources={"memory": {"limit": 64 << 20, "checkBeforeUpdate": True}}))
    resources = Path(any_runtime.directory, "resources.json")
    resources.write_text(json.dumps({"memory": {"limit": 4096, "checkBeforeUpdate": True}}))
    assert any_runtime("update", "--resources", str(resources), "one").rc != 0
    file = "memory.max" if version_of("memory") == 2 else "memory.limit_in_bytes"
    assert (cgroup_of(any_runtime, "memory") / file).read_text().strip() == str(64 << 20)


def test_control_groups_are_mounted(any_runtime: Runtime, needs_controllers: None) -> None:
    shown = mount("/sys/fs/cgroup", "nosuid", "noexec", "nodev", "ro", kind="cgroup", source="cgroup")
    change = both(shown, linux(resources={"pids": {"limit": 41}}))
    # There is no cgroup namespace: of version 1 the container's own is shown, of version 2 the whole.
    file = "$(sed -n s/^0:://p /proc/self/cgroup)/pids.max" if version_of("pids") == 2 else "/pids/pids.max"
    result = any_runtime.run(*SHELL, f"cat /sys/fs/cgroup{file}", change=change)
    assert result.stdout == "41\n", result.stderr


def test_control_groups_devices_are_applied_in_the_listed_order(any_runtime: Runtime) -> None:
    device = {"type": "c", "major": 10, "minor": 229}  # fuse
    everything, allowed = {"allow": False, "access": "rwm"}, {"allow": True, **device, "access": "rw"}
    node = linux(devices=[{"path": "/dev/fuse0", **device}])
    for rules, status in (([everything, allowed], 0), ([everything, allowed, {**allowed, "allow": False}], 1)):
        change = both(node, linux(resources={"devices": rules}))
        assert any_runtime.run(*SHELL, ": < /dev/fuse0", change=change).rc == status


def test_control_groups_a_limit_without_its_controller_is_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 ignores version 2's files on version 1")
    any_runtime.leave_out("crun", "ignores version 2's files on version 1")
    refused(any_runtime, linux(resources={"unified": {"memory.nosuch": "1"}}))


@pytest.fixture
def leftover(needs_controllers: None) -> Iterator[list[Path]]:
    """Return the directories of an empty cgroup in every hierarchy, as a crash leaves them."""
    places = [Path(f"{hierarchy.mount}/mydocker/mdoci-leftover") for hierarchy in Layout.detect(Paths()).hierarchies]
    for place in places:
        place.mkdir(parents=True)
    yield places
    for place in places:
        if place.exists():
            place.rmdir()


def test_cgroups_an_empty_leftover_is_used(any_runtime: Runtime, leftover: list[Path]) -> None:
    change = both(linux(cgroupsPath="/mydocker/mdoci-leftover"), linux(resources={"pids": {"limit": 42}}))
    created(any_runtime, change=change)
    assert cgroup_of(any_runtime, "pids").name == "mdoci-leftover"
    assert (cgroup_of(any_runtime, "pids") / "pids.max").read_text() == "42\n"
    assert any_runtime("delete", "--force", "one").rc == 0
    # crun sees no version 2 here, see bundles.py.
    assert not [place for place in leftover if place.exists() and (any_runtime.name != "crun" or "unified" not in str(place))]


def test_cgroups_a_leftover_with_a_process_is_refused_by_name(oci: Runtime, leftover: list[Path]) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger:  # It ends with this block, whatever happens.
        (next(place for place in leftover if (place / "pids.max").exists()) / "cgroup.procs").write_text(str(stranger.pid))
        assert "container's cgroup is not empty: /mydocker/mdoci-leftover" in refused(oci, linux(cgroupsPath="/mydocker/mdoci-leftover"))
        assert stranger.poll() is None


def test_cgroups_a_frozen_leftover_is_refused_and_stays_as_it_is(oci: Runtime, leftover: list[Path]) -> None:
    states = [place / name for place in leftover for name in ("freezer.state", "cgroup.freeze") if (place / name).exists()]
    freezer = states[0]
    word, back = ("FROZEN", "THAWED") if freezer.name == "freezer.state" else ("1", "0")
    freezer.write_text(word)
    try:
        for path in ("/mydocker/mdoci-leftover", "/mydocker/mdoci-leftover/below"):
            assert "container's cgroup unexpectedly frozen: /mydocker/mdoci-leftover" in refused(oci, linux(cgroupsPath=path))
        assert freezer.read_text().strip() == word
    finally:
        freezer.write_text(back)


def test_cgroups_delete_ends_a_first_process_that_was_frozen_in_another_cgroup(oci: Runtime, leftover: list[Path]) -> None:
    freezer = next((place for place in leftover if (place / "freezer.state").exists()), None)
    if freezer is None:
        pytest.skip("no freezer of cgroup version 1: with version 2 a frozen process dies of SIGKILL")
    pid = created(oci)["pid"]
    (freezer / "cgroup.procs").write_text(str(pid))
    (freezer / "freezer.state").write_text("FROZEN")
    try:
        result = oci("delete", "--force", "one")
        assert result.rc == 0, result.stderr
        assert (freezer / "freezer.state").read_text() == "FROZEN\n"
        assert (freezer / "cgroup.procs").read_text() == ""
    finally:
        (freezer / "freezer.state").write_text("THAWED")


def test_a_memory_limit_too_low_for_the_first_process_is_named(oci: Runtime, needs_controllers: None) -> None:
    text = refused(oci, linux(resources={"memory": {"limit": 300000}}))
    assert "memory limit 300000: the container's first process was killed for want of memory" in text
