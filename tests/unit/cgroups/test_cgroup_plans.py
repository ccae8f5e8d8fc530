"""Whole plans as text, for machines of each kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydocker.cgroups.controller import Pids
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.cgroups.resources import RESOURCES
from mydocker.cgroups.v2 import weight_of_shares
from mydocker.errors import BadInput, Conflict, Error, Unsupported
from mydocker.paths import Paths
from mydocker.shape import WrongShape, fit
from mydocker.steps.base import Step

Machine = Callable[..., Paths]
# linux.resources, in some tests of another shape than it should be.
Resources = Any

MEGABYTE = 1 << 20
DENY_ALL: Any = {"allow": False, "access": "rwm"}
NULL: Any = {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}
USUAL: Resources = {
    "devices": [DENY_ALL, NULL],
    "memory": {"limit": 64 * MEGABYTE, "swap": 128 * MEGABYTE, "reservation": 32 * MEGABYTE},
    "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"},
    "pids": {"limit": 20},
    "blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1024}]},
}


def text(paths: Paths, steps: list[Step]) -> list[str]:
    """Return the steps' descriptions with paths relative to the cgroup mount point."""
    return [step.describe().replace(paths.cgroup + "/", "") for step in steps]


def made(paths: Paths, path: str = "/mydocker/x") -> CgroupManager:
    return manager(Layout.detect(paths), path)


def exists_already(manage: CgroupManager, controller: str) -> Path:
    """Give the container one controller's cgroup, a copy of the recorded parent; return its directory."""
    group = manage.group(controller)
    assert group
    return shutil.copytree(Path(group.directory).parent, Path(group.directory))


V1_SEPARATE = """\
mkdir cpu/mydocker mode 755
mkdir cpu/mydocker/x mode 755
mkdir cpuacct/mydocker mode 755
mkdir cpuacct/mydocker/x mode 755
mkdir cpuset/mydocker mode 755
mkdir cpuset/mydocker/x mode 755
write 0-1 to cpuset/mydocker/x/cpuset.cpus
write 0 to cpuset/mydocker/x/cpuset.mems
mkdir memory/mydocker mode 755
mkdir memory/mydocker/x mode 755
mkdir devices/mydocker mode 755
mkdir devices/mydocker/x mode 755
mkdir freezer/mydocker mode 755
mkdir freezer/mydocker/x mode 755
mkdir blkio/mydocker mode 755
mkdir blkio/mydocker/x mode 755
mkdir pids/mydocker mode 755
mkdir pids/mydocker/x mode 755
mkdir systemd/mydocker mode 755
mkdir systemd/mydocker/x mode 755
mkdir unified/mydocker mode 755
mkdir unified/mydocker/x mode 755
write 512 to cpu/mydocker/x/cpu.shares
write 100000 to cpu/mydocker/x/cpu.cfs_period_us
write 50000 to cpu/mydocker/x/cpu.cfs_quota_us
write 0 to cpuset/mydocker/x/cpuset.cpus
write 67108864 to memory/mydocker/x/memory.limit_in_bytes
write 134217728 to memory/mydocker/x/memory.memsw.limit_in_bytes
write 33554432 to memory/mydocker/x/memory.soft_limit_in_bytes
write 'a *:* rwm' to devices/mydocker/x/devices.deny
write 'c 1:3 rwm' to devices/mydocker/x/devices.allow
write '8:0 1024' to blkio/mydocker/x/blkio.throttle.read_bps_device
write 20 to pids/mydocker/x/pids.max
"""
V1_COMOUNTED = """\
mkdir cpu,cpuacct/mydocker mode 755
mkdir cpu,cpuacct/mydocker/x mode 755
mkdir cpuset/mydocker mode 755
write 0-1 to cpuset/mydocker/cpuset.cpus
write 0 to cpuset/mydocker/cpuset.mems
mkdir cpuset/mydocker/x mode 755
write 0-1 to cpuset/mydocker/x/cpuset.cpus
write 0 to cpuset/mydocker/x/cpuset.mems
mkdir memory/mydocker mode 755
mkdir memory/mydocker/x mode 755
mkdir devices/mydocker mode 755
mkdir devices/mydocker/x mode 755
mkdir freezer/mydocker mode 755
mkdir freezer/mydocker/x mode 755
mkdir blkio/mydocker mode 755
mkdir blkio/mydocker/x mode 755
mkdir pids/mydocker mode 755
mkdir pids/mydocker/x mode 755
mkdir net_cls,net_prio/mydocker mode 755
mkdir net_cls,net_prio/mydocker/x mode 755
mkdir hugetlb/mydocker mode 755
mkdir hugetlb/mydocker/x mode 755
mkdir perf_event/mydocker mode 755
mkdir perf_event/mydocker/x mode 755
mkdir rdma/mydocker mode 755
mkdir rdma/mydocker/x mode 755
mkdir systemd/mydocker mode 755
mkdir systemd/mydocker/x mode 755
write 512 to cpu,cpuacct/mydocker/x/cpu.shares
write 100000 to cpu,cpuacct/mydocker/x/cpu.cfs_period_us
write 50000 to cpu,cpuacct/mydocker/x/cpu.cfs_quota_us
write 0 to cpuset/mydocker/x/cpuset.cpus
write 67108864 to memory/mydocker/x/memory.limit_in_bytes
write 134217728 to memory/mydocker/x/memory.memsw.limit_in_bytes
write 33554432 to memory/mydocker/x/memory.soft_limit_in_bytes
write 'a *:* rwm' to devices/mydocker/x/devices.deny
write 'c 1:3 rwm' to devices/mydocker/x/devices.allow
write '8:0 1024' to blkio/mydocker/x/blkio.throttle.read_bps_device
write 20 to pids/mydocker/x/pids.max
"""
V2_FRESH = """\
write '+cpuset +cpu +io +memory +pids' to cgroup.subtree_control
mkdir mydocker mode 755
write '+cpuset +cpu +io +memory +pids' to mydocker/cgroup.subtree_control
mkdir mydocker/x mode 755
write 59 to mydocker/x/cpu.weight
write '50000 100000' to mydocker/x/cpu.max
write 0 to mydocker/x/cpuset.cpus
write 67108864 to mydocker/x/memory.max
write 67108864 to mydocker/x/memory.swap.max
write 33554432 to mydocker/x/memory.low
write 20 to mydocker/x/pids.max
write '8:0 rbps=1024' to mydocker/x/io.max
bpf BPF_PROG_ATTACH BPF_CGROUP_DEVICE 20 instructions to mydocker/x: deny a *:* rwm; allow c 1:3 rwm
"""


# Somebody has switched the controllers on at the top already.
V2_USED = V2_FRESH.partition("\n")[2]


@pytest.mark.parametrize(
    ("machine", "without", "plan"),
    [
        ("hybrid", (), V1_SEPARATE),
        ("comounted", (), V1_COMOUNTED),
        ("v2", ("/mydocker/", "cgroup.subtree_control"), V2_FRESH),
        ("v2", (), V2_USED),
    ],
    ids=["hybrid", "comounted", "v2 fresh", "v2 used"],
)
def test_create(cgroup_machine: Machine, machine: str, without: tuple[str, ...], plan: str) -> None:
    paths = cgroup_machine(machine, without)
    assert text(paths, made(paths).create_steps(USUAL)) == plan.splitlines()


def test_a_controller_in_the_unified_hierarchy_of_a_hybrid_machine(cgroup_machine: Machine) -> None:
    paths = cgroup_machine("split")
    steps = text(paths, made(paths, "/x").create_steps({"memory": {"limit": MEGABYTE}, "pids": {"limit": 1}}))
    assert [step for step in steps if "unified" in step or "write 1 " in step] == [
        "write +memory to unified/cgroup.subtree_control",
        "mkdir unified/x mode 755",
        "write 1 to pids/x/pids.max",
        "write 1048576 to unified/x/memory.max",
    ]


V1_LIMITS: list[tuple[Resources, list[str]]] = [
    ({"memory": {"limit": -1}}, ["write -1 to memory/memory.memsw.limit_in_bytes", "write -1 to memory/memory.limit_in_bytes"]),
    (
        {"memory": {"swappiness": 0, "disableOOMKiller": True}},
        ["write 0 to memory/memory.swappiness", "write 1 to memory/memory.oom_control"],
    ),
    ({"memory": {"kernelTCP": 4096}}, ["write 4096 to memory/memory.kmem.tcp.limit_in_bytes"]),
    ({"memory": {"disableOOMKiller": False, "swappiness": None}}, []),
    ({"cpu": {"idle": 1, "shares": 512}}, ["write 1 to cpu,cpuacct/cpu.idle"]),
    ({"cpu": {"shares": 0, "quota": 0, "period": 0}}, []),
    ({"cpu": {"quota": -1}}, ["write -1 to cpu,cpuacct/cpu.cfs_quota_us"]),
    (
        {"cpu": {"quota": 2000, "period": 5000, "burst": 100}},
        [
            "write 2000 to cpu,cpuacct/cpu.cfs_quota_us",
            "write 5000 to cpu,cpuacct/cpu.cfs_period_us",
            "write 100 to cpu,cpuacct/cpu.cfs_burst_us",
        ],
    ),
    ({"cpu": {"mems": "0"}}, ["write 0 to cpuset/cpuset.mems"]),
    ({"pids": {"limit": -1}}, ["write max to pids/pids.max"]),
    ({"pids": {"limit": 0}}, ["write max to pids/pids.max"]),
    (
        {"blockIO": {f"throttle{key}Device": [{"major": 8, "minor": 16, "rate": 9}] for key in ("WriteBps", "ReadIOPS", "WriteIOPS")}},
        [f"write '8:16 9' to blkio/blkio.throttle.{name}_device" for name in ("write_bps", "read_iops", "write_iops")],
    ),
    (
        {"hugepageLimits": [{"pageSize": "2MB", "limit": 4096}]},
        [f"write 4096 to hugetlb/hugetlb.2MB.{name}" for name in ("limit_in_bytes", "rsvd.limit_in_bytes")],
    ),
    (
        {"network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 5}]}},
        ["write 1048577 to net_cls,net_prio/net_cls.classid", "write 'eth0 5' to net_cls,net_prio/net_prio.ifpriomap"],
    ),
    ({"rdma": {"mlx5_1": {"hcaHandles": 3}}}, ["write 'mlx5_1 hca_handle=3 hca_object=max' to rdma/rdma.max"]),
    (
        {"devices": [DENY_ALL, {"allow": True, "major": 10, "access": "r"}, {"allow": False, "type": "c", "major": 10, "minor": 1}]},
        [
            "write 'a *:* rwm' to devices/devices.deny",
            "write 'b 10:* r' to devices/devices.allow",
            "write 'c 10:* r' to devices/devices.allow",
            "write 'c 10:1 rwm' to devices/devices.deny",
        ],
    ),
    ({"devices": [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "mwr"}]}, ["write 'c 1:3 rwm' to devices/devices.allow"]),
    ({}, []),
]


@pytest.mark.parametrize(("resources", "steps"), V1_LIMITS)
def test_limits_of_version_1(cgroup_machine: Machine, resources: Resources, steps: list[str]) -> None:
    paths = cgroup_machine("comounted")
    assert [line.replace("/mydocker/x/", "/") for line in text(paths, made(paths).update_steps(resources))] == steps


V2_LIMITS: list[tuple[Resources, list[str]]] = [
    ({"memory": {"limit": -1}}, ["write max to memory.max", "write max to memory.swap.max"]),
    ({"memory": {"limit": 4096, "swap": -1}}, ["write 4096 to memory.max", "write max to memory.swap.max"]),
    ({"memory": {"limit": 4096, "swap": 4096, "disableOOMKiller": False}}, ["write 4096 to memory.max", "write 0 to memory.swap.max"]),
    ({"cpu": {"period": 50000}}, ["write 'max 50000' to cpu.max"]),
    ({"cpu": {"quota": -1}}, ["write 'max 100000' to cpu.max"]),
    (
        {"cpu": {"quota": 5000, "burst": 1000, "idle": 0}},
        ["write 0 to cpu.idle", "write '5000 100000' to cpu.max", "write 1000 to cpu.max.burst"],
    ),
    ({"cpu": {"mems": "0"}}, ["write 0 to cpuset.mems"]),
    (
        {"blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 1000}]}},
        ["write 'default 1' to io.weight", "write '8:0 10000' to io.weight"],
    ),
    ({"blockIO": {"throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 0}]}}, ["write '8:0 wiops=max' to io.max"]),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}, ["write 0 to hugetlb.2MB.max", "write 0 to hugetlb.2MB.rsvd.max"]),
    ({"unified": {"memory.high": "1000", "cpu.weight": "7"}}, ["write 1000 to memory.high", "write 7 to cpu.weight"]),
]


@pytest.mark.parametrize(("resources", "steps"), V2_LIMITS)
def test_limits_of_version_2(own_cgroup_machine: Machine, resources: Resources, steps: list[str]) -> None:
    paths = own_cgroup_machine("v2")
    manage = made(paths)
    exists_already(manage, "memory")
    assert [line.replace("mydocker/x/", "") for line in text(paths, manage.update_steps(resources))] == steps


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (512, 59), (1024, 100), (262144, 10000)])
def test_weight_of_shares(shares: int, weight: int) -> None:
    assert weight_of_shares(shares) == weight


@pytest.mark.parametrize(
    ("present", "memory", "files"),
    [
        ((100, 200), {"limit": 300, "swap": 400}, ["memsw.limit", "limit"]),
        ((100, 200), {"limit": 150, "swap": 180}, ["limit", "memsw.limit"]),
        ((100, 200), {"limit": 50, "swap": 60}, ["limit", "memsw.limit"]),
        ((100, 200), {"limit": 50}, ["limit"]),
        ((100, 200), {"swap": 300}, ["memsw.limit"]),
    ],
)
def test_memory_and_swap_change_in_the_order_that_the_kernel_takes(
    own_cgroup_machine: Machine, present: tuple[int, int], memory: Resources, files: list[str]
) -> None:
    paths = own_cgroup_machine("hybrid")
    manage = made(paths)
    present_memory(exists_already(manage, "memory"), present)
    written = [line.partition("memory/mydocker/x/memory.")[2] for line in text(paths, manage.update_steps({"memory": memory}))]
    assert written == [f"{name}_in_bytes" for name in files]


def present_memory(directory: Path, present: tuple[int, int]) -> None:
    for name, value in zip(("limit", "memsw.limit"), present, strict=True):
        Path(directory, f"memory.{name}_in_bytes").write_text(f"{value}\n")


@pytest.mark.parametrize("memory", [{"limit": 300}, {"swap": 50}])
def test_memory_may_not_exceed_memory_and_swap(own_cgroup_machine: Machine, memory: Resources) -> None:
    paths = own_cgroup_machine("hybrid")
    manage = made(paths)
    present_memory(exists_already(manage, "memory"), (100, 200))
    with pytest.raises(BadInput, match=r"^memory (swap )?limit \d+: expected"):
        manage.update_steps({"memory": memory})


def test_devices_are_updated_by_their_difference(own_cgroup_machine: Machine) -> None:
    paths = own_cgroup_machine("hybrid")
    manage = made(paths)
    Path(exists_already(manage, "devices"), "devices.list").write_text("c 1:3 rwm\nc 1:5 rwm\n")
    steps = manage.update_steps({"devices": [DENY_ALL, NULL, {"allow": True, "major": 10, "access": "r"}]})
    assert text(paths, steps) == [
        "write 'c 1:5 rwm' to devices/mydocker/x/devices.deny",
        "write 'b 10:* r' to devices/mydocker/x/devices.allow",
        "write 'c 10:* r' to devices/mydocker/x/devices.allow",
    ]


# Resources that a machine refuses, in which words.
REFUSED: list[tuple[str, type[Error], Resources, str]] = [
    ("hybrid", Unsupported, {"rdma": {"mlx": {}}}, "rdma limit: cgroup controller rdma is not in this kernel"),
    ("hybrid", Unsupported, {"network": {"classID": 1}}, "network class: cgroup controller net_cls is not mounted"),
    (
        "comounted",
        Unsupported,
        {"blockIO": {"weight": 300}},
        "block io weight: cgroup controller blkio has no file blkio.weight on this host",
    ),
    (
        "comounted",
        Unsupported,
        {"unified": {"memory.high": "1"}},
        "unified memory.high: cgroup version 2 has no controller memory on this host",
    ),
    ("split", Unsupported, {"memory": {"swappiness": 1}}, "memory swappiness: cgroup version 2 controller memory has no memory.swappiness"),
    (
        "v2",
        Unsupported,
        {"memory": {"disableOOMKiller": True}},
        "disable OOM killer: cgroup version 2 controller memory has no memory.oom_control",
    ),
    ("v2", Unsupported, {"cpu": {"realtimeRuntime": 1}}, "cpu realtime runtime: cgroup version 2 controller cpu has no cpu.rt_runtime_us"),
    ("v2", Unsupported, {"network": {"classID": 1}}, "network class: cgroup version 2 controller net_cls has no net_cls.classid"),
    ("v2", Unsupported, {"blockIO": {"leafWeight": 10}}, "block io leaf weight: cgroup version 2 controller io has no leaf weight"),
    ("v2", Unsupported, {"unified": {"memory.no": "1"}}, "unified memory.no: cgroup controller memory has no file memory.no on this host"),
    ("v2", BadInput, {"unified": {"../x.y": "1"}}, "unified '../x.y': expected a controller's file such as memory.high"),
    ("v2", BadInput, {"unified": {"cgroup.procs": "1"}}, "unified 'cgroup.procs': expected a controller's file such as memory.high"),
    ("v2", BadInput, {"memory": {"swap": 4096}}, "memory swap limit 4096: expected a memory limit too"),
    ("hybrid", BadInput, {"memory": {"swap": 4096}}, "memory swap limit 4096: expected a memory limit that it covers"),
    ("v2", BadInput, {"memory": {"limit": 9, "swap": 8}}, "memory swap limit 8: expected at least the memory limit 9"),
    ("hybrid", BadInput, {"memory": {"limit": -1, "swap": 8}}, "memory swap limit 8: expected a memory limit too"),
    ("hybrid", Unsupported, {"memory": {"kernel": 1}}, "kernel memory limit: memory.kmem.limit_in_bytes has no effect in current kernels"),
    ("hybrid", BadInput, {"memory": {"swappiness": 101}}, "memory swappiness 101: expected 0 to 100"),
    ("hybrid", BadInput, {"cpu": {"shares": 1}}, "cpu shares 1: expected 2 to 262144"),
    ("hybrid", BadInput, {"cpu": {"period": 999}}, "cpu period 999: expected 1000 to 1000000"),
    ("hybrid", BadInput, {"cpu": {"quota": 999}}, "cpu quota 999: expected at least 1000"),
    ("hybrid", BadInput, {"cpu": {"cpus": "0-9"}}, "cpuset cpus '0-9': expected some of 0-1, which this host offers"),
    ("v2", BadInput, {"cpu": {"mems": "1"}}, "cpuset mems '1': expected some of 0, which this host offers"),
    ("v2", BadInput, {"cpu": {"cpus": "1-0"}}, "cpuset cpus '1-0': expected a list such as 0-2,7"),
    ("v2", BadInput, {"cpu": {"cpus": "0,"}}, "cpuset cpus '0,': expected a list such as 0-2,7"),
    ("v2", BadInput, {"pids": {"limit": 4194305}}, "pids limit 4194305: expected -1 to 4194304"),
    ("hybrid", BadInput, {"blockIO": {"weight": 5}}, "block io weight 5: expected 10 to 1000"),
    ("hybrid", BadInput, {"hugepageLimits": [{"pageSize": "2 MB", "limit": 1}]}, "huge page size '2 MB': expected one word"),
]


@pytest.mark.parametrize(("machine", "error", "resources", "message"), REFUSED, ids=[f"{row[0]}: {row[3]}" for row in REFUSED])
def test_what_cannot_be_applied_is_refused_before_anything_is_made(
    cgroup_machine: Machine, machine: str, error: type[Error], resources: Resources, message: str
) -> None:
    with pytest.raises(error) as caught:
        made(cgroup_machine(machine)).create_steps(resources)
    assert caught.value.message == message
    if message.endswith(("is not mounted", "is not in this kernel")):
        assert "vm/provision.sh mounts" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"unified": {"cpu.weight": 1}}, "resources.unified.cpu.weight 1: expected a text"),
        ({"memory": {"limit": "1g"}}, "resources.memory.limit '1g': expected a whole number"),
        ({"memory": {"limit": True}}, "resources.memory.limit True: expected a whole number"),
        ({"memory": 5}, "resources.memory 5: expected an object"),
        ({"devices": {}}, "resources.devices {}: expected a list"),
        ({"devices": [{"major": "1"}]}, "resources.devices[0].major '1': expected a whole number"),
        ({"devices": [{"allow": "yes"}]}, "resources.devices[0].allow 'yes': expected true or false"),
        ({"blockIO": {"throttleReadBpsDevice": [{"rate": 5}]}}, "resources.blockIO.throttleReadBpsDevice[0].major is missing"),
        ({"hugepageLimits": [{"pageSize": "2MB"}]}, "resources.hugepageLimits[0].limit is missing"),
    ],
)
def test_what_is_of_another_kind_is_named(resources: Resources, message: str) -> None:
    with pytest.raises(WrongShape) as caught:
        fit(resources, RESOURCES, "resources")
    assert str(caught.value) == message


def test_no_swap_accounting(cgroup_machine: Machine) -> None:
    manage = made(cgroup_machine("hybrid", without=("memsw",)))
    assert not manage.has_swap_limit()
    with pytest.raises(
        Unsupported, match=r"^memory swap limit: cgroup controller memory has no file memory.memsw.limit_in_bytes on this host$"
    ):
        manage.create_steps({"memory": {"limit": 10, "swap": 20}})


def test_without_any_hierarchy_only_limits_fail(own_cgroup_machine: Machine) -> None:
    paths = own_cgroup_machine("v2", without=("mountinfo",))
    Path(paths.proc, "self/mountinfo").write_text("")
    assert made(paths).create_steps({}) == []
    with pytest.raises(Unsupported, match=r"^memory limit: cgroup controller memory is not mounted \(a kernel without CONFIG_MEMCG_V1 "):
        made(paths).create_steps({"memory": {"limit": 1}})


def test_a_read_only_hierarchy(own_cgroup_machine: Machine) -> None:
    paths = own_cgroup_machine("v2")
    table = Path(paths.proc, "self/mountinfo")
    table.write_text(table.read_text().replace(" rw,relatime ", " ro,relatime "))
    with pytest.raises(Unsupported, match=r"^cgroup hierarchy unified: .* is mounted read-only$"):
        made(paths).create_steps({})


def test_version_2_inside_a_container_that_has_processes_at_its_top(cgroup_machine: Machine) -> None:
    with pytest.raises(Conflict, match="holds processes, so its controllers cannot be switched on"):
        made(cgroup_machine("v2-container")).create_steps({})


def test_usage_is_checked_on_request(own_cgroup_machine: Machine) -> None:
    paths = own_cgroup_machine("hybrid")
    manage = made(paths)
    Path(exists_already(manage, "memory"), "memory.usage_in_bytes").write_text("5000\n")
    assert len(manage.update_steps({"memory": {"limit": 4096}})) == 1
    with pytest.raises(Conflict, match=r"^memory limit 4096: 5000 bytes are in use$"):
        manage.update_steps({"memory": {"limit": 4096, "checkBeforeUpdate": True}})


@pytest.mark.parametrize(
    ("machine", "names"),
    [
        ("hybrid", "cpu cpuacct cpuset memory devices freezer blkio pids systemd"),
        ("split", "cpu,cpuacct cpuset devices freezer blkio pids net_cls,net_prio hugetlb perf_event systemd"),
        ("v2", ""),
    ],
)
def test_which_cgroups_a_process_enters_itself(cgroup_machine: Machine, machine: str, names: str) -> None:
    paths = cgroup_machine(machine)
    assert text(paths, made(paths).join_steps()) == [f"write 0 to {name}/mydocker/x/tasks" for name in names.split()]


@pytest.mark.parametrize(("passed_on", "path"), [("", "/mydocker/x"), ("memory pids", "/mydocker/x/below")])
def test_where_one_more_process_goes(cgroup_machine: Machine, passed_on: str, path: str) -> None:
    """No internal processes, cgroups(7): a version 2 cgroup that passes controllers on has processes only below."""
    paths = cgroup_machine("v2")
    cgroup = made(paths)
    Path(f"{paths.proc}/7").mkdir(exist_ok=True)
    Path(f"{paths.proc}/7/cgroup").write_text("0::/mydocker/x/below\n")
    assert cgroup.unified
    Path(cgroup.unified.directory).mkdir(parents=True, exist_ok=True)
    Path(cgroup.unified.directory, "cgroup.subtree_control").write_text(f"{passed_on}\n")
    beside = cgroup.beside(7)
    assert beside.unified
    assert (beside.path, beside.unified.path, [each.group.path for each in beside.subsystems]) == ("/mydocker/x", path, [path])


@pytest.mark.parametrize("path", ["", "x", "/", "/a//b", "/a/../b", "/a/.", "/a/", "/a\nb"])
def test_paths_that_are_refused(cgroup_machine: Machine, path: str) -> None:
    with pytest.raises(BadInput, match=r"^cgroup path "):
        made(cgroup_machine("v2"), path)


def test_no_limit_on_processes_needs_no_controller() -> None:
    absent = Pids(None, "is not there")
    assert [absent.set({"pids": {"limit": limit}}) for limit in (0, -1)] == [[], []]
    with pytest.raises(Unsupported, match="pids limit: cgroup controller pids is not there"):
        absent.set({"pids": {"limit": 1}})
