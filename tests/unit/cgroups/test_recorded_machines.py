"""What holds on every recorded machine, whatever it has and lacks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.errors import Conflict, Error, Unsupported
from mydocker.steps.base import Step
from mydocker.steps.files import MakeDir, WriteFile

if TYPE_CHECKING:
    from mydocker.paths import Paths
    from tests.unit.conftest import Recording

# linux.resources, in some tests of another shape than it should be.
Resources = Any

MEGABYTE = 1 << 20
OTHER_NAME = {"blkio": "io"}
# Machines on which mydocker makes cgroups; those of them whose recordings have every file of a cgroup that it makes.
opened = pytest.mark.applies.with_args(lambda recording: not recording.closed)
complete = pytest.mark.applies.with_args(lambda recording: not recording.closed and recording.whole)


def made(paths: Paths, path: str = "/mydocker/x") -> CgroupManager:
    return manager(Layout.detect(paths), path)


def below(paths: Paths, steps: list[Step]) -> list[str]:
    """Return the paths that steps write or make, relative to the cgroup mount point."""
    return [step.path.removeprefix(paths.cgroup + "/") for step in steps if isinstance(step, WriteFile | MakeDir)]


def mounts(paths: Paths) -> list[str]:
    """Return the hierarchies' mount points as mountinfo has them, relative to the cgroup mount point; '.' for all of version 2."""
    lines = Path(paths.proc, "self/mountinfo").read_text().splitlines()
    return [str(Path(line.split()[4]).relative_to(paths.cgroup)) for line in lines if " - cgroup" in line.replace("- tmpfs cgroup", "")]


def test_what_is_there_and_what_is_not(recording: Recording, recorded: Paths) -> None:
    layout = Layout.detect(recorded)
    assert layout.mode == recording.mode
    known = ("memory", "cpu", "cpuset", "pids", "blkio", "hugetlb", "rdma", "devices", "net_cls", "net_prio")
    found = {
        name for name in known if layout.find(name) or layout.find(OTHER_NAME.get(name, name)) or (name == "devices" and layout.unified)
    }
    assert set(known) - found == recording.lacks


def test_every_mounted_hierarchy_is_known_once(recorded: Paths) -> None:
    hierarchies = Layout.detect(recorded).hierarchies
    assert sorted(each.mount for each in hierarchies) == sorted(str(Path(recorded.cgroup, name)) for name in mounts(recorded))
    assert len({each.title for each in hierarchies}) == len(hierarchies)
    assert not [each.title for each in hierarchies if "unknown" in each.title]


def test_a_reason_for_each_absence(recording: Recording, recorded: Paths) -> None:
    layout = Layout.detect(recorded)
    lines = [line.split() for line in Path(recorded.proc, "cgroups").read_text().splitlines()]
    enabled = {words[0]: words[3] for words in lines}
    reasons = {"1": "is not mounted", "0": "is switched off on the kernel's command line", None: "is not in this kernel"}
    for name in recording.lacks:
        there = f"is not in {recorded.cgroup}/cgroup.controllers"
        assert layout.absence(name).startswith(there if recording.mode == "v2" else reasons[enabled.get(name)])


@pytest.mark.applies.with_args(lambda recording: recording.name in ("systemd-hybrid", "6.12-v1", "hybrid"))
def test_each_kind_of_absence_was_recorded(recording: Recording, recorded: Paths) -> None:
    name, reason = {
        "systemd-hybrid": ("pids", "is switched off on the kernel's command line"),
        "6.12-v1": ("memory", r"is not mounted \(a kernel without CONFIG_MEMCG_V1 has it in cgroup version 2 only\)"),
        "hybrid": ("net_cls", "is not mounted"),
    }[recording.name]
    with pytest.raises(Unsupported, match=f": cgroup controller {name} {reason}$"):
        made(recorded).create_steps(next(resources for controller, resources, _ in LIMITS if controller == name))


def test_a_container_sees_every_controller(recording: Recording, recorded: Paths) -> None:
    layout = Layout.detect(recorded)
    shown = layout.container_mounts("/mydocker/x")
    if recording.mode == "v2":
        assert [(each.directory, each.source, each.fstype) for each in shown] == [("", layout.hierarchies[0].mount, "cgroup2")]
        return
    assert all(Path(each.source).parents[1].is_dir() for each in shown)
    names = {name for each in shown for name in (*each.directory.split(","), *each.links)}
    assert names >= {name for each in layout.hierarchies if each.version == 1 for name in each.controllers}
    unified = [(each.directory, each.fstype) for each in shown if each.fstype == "cgroup2"]
    assert unified == ([("unified", "cgroup2")] if layout.unified and layout.unified.controllers else [])


# Controller, resources, the files that version 1 and 2 may have for them ('' for none), any of which takes the limit.
LIMITS: list[tuple[str, Resources, tuple[str, ...]]] = [
    ("memory", {"memory": {"limit": 64 * MEGABYTE}}, ("memory.limit_in_bytes", "memory.max")),
    (
        "memory",
        {"memory": {"limit": 64 * MEGABYTE, "swap": 128 * MEGABYTE}},
        ("memory.memsw.limit_in_bytes", "memory.swap.max"),
    ),
    ("memory", {"memory": {"reservation": MEGABYTE}}, ("memory.soft_limit_in_bytes", "memory.low")),
    ("cpu", {"cpu": {"shares": 512}}, ("cpu.shares", "cpu.weight")),
    ("cpu", {"cpu": {"quota": 50000, "period": 100000}}, ("cpu.cfs_quota_us", "cpu.max")),
    ("cpu", {"cpu": {"quota": 50000, "burst": 1000}}, ("cpu.cfs_burst_us", "cpu.max.burst")),
    ("cpu", {"cpu": {"idle": 1}}, ("cpu.idle",)),
    ("cpuset", {"cpu": {"cpus": "0"}}, ("cpuset.cpus",)),
    ("cpuset", {"cpu": {"mems": "0"}}, ("cpuset.mems",)),
    ("pids", {"pids": {"limit": 20}}, ("pids.max",)),
    (
        "blkio",
        {"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1024}]}},
        ("blkio.throttle.read_bps_device", "io.max"),
    ),
    ("blkio", {"blockIO": {"weight": 300}}, ("blkio.bfq.weight", "blkio.weight", "io.bfq.weight", "io.weight")),
    ("hugetlb", {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * MEGABYTE}]}, ("hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max")),
    ("rdma", {"rdma": {"mlx5_1": {"hcaHandles": 3}}}, ("rdma.max",)),
    ("net_cls", {"network": {"classID": 1048577}}, ("net_cls.classid",)),
    ("net_prio", {"network": {"priorities": [{"name": "eth0", "priority": 5}]}}, ("net_prio.ifpriomap",)),
]


@complete
def test_each_limit_reaches_its_file_or_is_refused(recorded: Paths) -> None:
    for controller, resources, files in LIMITS:
        reaches_or_refused(recorded, controller, resources, files)


def reaches_or_refused(recorded: Paths, controller: str, resources: Resources, files: tuple[str, ...]) -> None:
    there = [path for name in mounts(recorded) for file in files if (path := Path(recorded.cgroup, name, "mydocker", file)).exists()]
    if there:
        written = below(recorded, made(recorded).create_steps(resources))
        assert str(there[0].relative_to(recorded.cgroup)).replace("mydocker/", "mydocker/x/") in written
        return
    with pytest.raises(Unsupported, match=rf"controller ({controller}|{OTHER_NAME.get(controller, controller)}|net_cls) "):
        made(recorded).create_steps(resources)


def applicable(recording: Recording, paths: Paths) -> Resources:
    """Return limits of all controllers that a machine has, in one."""
    wanted: dict[str, dict[str, object]] = {"pids": {"limit": 20}, "cpu": {"shares": 512, "quota": 50000, "period": 100000}}
    if "memory" not in recording.lacks:
        wanted["memory"] = {"limit": 64 * MEGABYTE, "swap": 128 * MEGABYTE, "reservation": 32 * MEGABYTE}
        if not made(paths).has_swap_limit():
            del wanted["memory"]["swap"]
    if "cpuset" not in recording.lacks:
        wanted["cpu"]["cpus"] = "0"
    if "pids" in recording.lacks:
        del wanted["pids"]
    return {**wanted, "devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 3}]}


@complete
def test_a_plan_stays_in_its_cgroup_and_writes_only_what_is_there(recording: Recording, recorded: Paths) -> None:
    steps = made(recorded).create_steps(applicable(recording, recorded))
    ready: set[Path] = set()
    for step in steps:
        if isinstance(step, MakeDir):
            path = Path(step.path)
            assert path.parent in ready or str(path.parent.relative_to(recorded.cgroup)) in mounts(recorded), step.describe()
            ready.add(path)
        elif isinstance(step, WriteFile):
            path = Path(step.path)
            assert path.parent in ready or path.name == "cgroup.subtree_control", step.describe()
            # The recorded child has what each of its children would have.
            assert Path(re.sub("/mydocker/x/", "/mydocker/", step.path)).exists(), step.describe()
    assert ready == {Path(recorded.cgroup, name, *tail) for name in mounts(recorded) for tail in (["mydocker"], ["mydocker", "x"])}


@opened
def test_whoever_enters_a_cpuset_has_processors_and_memory(recorded: Paths) -> None:
    """Version 1 would refuse the process otherwise: ENOSPC."""
    hierarchy = Layout.detect(recorded).find("cpuset")
    if hierarchy is None or hierarchy.version == 2:
        return
    steps = made(recorded).create_steps({})
    filled = {step.path: step.value for step in steps if isinstance(step, WriteFile)}
    for file in ("cpuset.cpus", "cpuset.mems"):
        assert filled[f"{hierarchy.mount}/mydocker/x/{file}"] == Path(hierarchy.mount, file).read_text().strip()
        assert Path(hierarchy.mount, "mydocker", file).read_text().strip() or filled[f"{hierarchy.mount}/mydocker/{file}"]


def test_entered_once_everywhere(recorded: Paths) -> None:
    """A process that another moves enters each by cgroup.procs, one that is born there those of version 1 by tasks."""
    cgroup = made(recorded)
    assert below(recorded, cgroup.enter_steps(7)) == [str(Path(name, "mydocker/x/cgroup.procs")) for name in mounts(recorded)]
    unified = [Path(cgroup.unified.directory).relative_to(recorded.cgroup)] if cgroup.unified else []
    own = [Path(path).parent for path in below(recorded, cgroup.join_steps())]
    assert sorted([*own, *unified]) == sorted(Path(name, "mydocker/x") for name in mounts(recorded))


@pytest.mark.applies.with_args(lambda recording: recording.closed)
def test_where_no_cgroups_can_be_made(recording: Recording, recorded: Paths) -> None:
    with pytest.raises((Unsupported, Conflict), match=recording.closed):
        made(recorded).create_steps({})
    for controller, resources, _ in LIMITS:
        if controller in recording.lacks:
            with pytest.raises(Unsupported, match=controller):
                made(recorded).create_steps(resources)


@complete
def test_a_limit_that_was_set_is_what_statistics_tell(recording: Recording, own_recorded: Paths) -> None:
    manage = made(own_recorded, "/mydocker")
    for step in manage.update_steps(applicable(recording, own_recorded)):
        if isinstance(step, WriteFile):
            step.apply()
    told = manage.stats()
    assert told["memory"]["limit"] == (None if "memory" in recording.lacks else 64 * MEGABYTE)
    assert told["pids"]["limit"] == (None if "pids" in recording.lacks else 20)


@complete
def test_statistics_have_a_figure_for_all_that_is_counted(recording: Recording, recorded: Paths) -> None:
    told = made(recorded, "/mydocker").stats()
    for controller, part, key in (
        ("memory", "memory", "usage"),
        ("pids", "pids", "current"),
        ("blkio", "blkio", "read"),
        ("cpu", "cpu", "usage"),
    ):
        assert (told[part][key] is None) == (controller in recording.lacks), part
    assert (told["memory"]["oom_kill"], told["memory"]["cache"]) == ((None, None) if "memory" in recording.lacks else (0, 0))
    assert made(recorded, "/mydocker").oom_kills() == 0


@opened
def test_freezing_and_thawing(own_recorded: Paths) -> None:
    manage = made(own_recorded, "/mydocker")
    for frozen in (True, False):
        for events in Path(own_recorded.cgroup).rglob("mydocker/cgroup.events"):
            events.write_text(f"populated 1\nfrozen {int(frozen)}\n")
        manage.freeze(frozen)
        assert manage.is_frozen() == frozen


@opened
def test_nobody_is_left_to_kill(own_recorded: Paths) -> None:
    """cgroup.kill is there from Linux 5.14 on, and written only where it is."""
    made(own_recorded, "/mydocker").kill()
    kills = list(Path(own_recorded.cgroup).rglob("mydocker/cgroup.kill"))
    assert [file.read_text() for file in kills] == ["1"] * len(kills)


def test_a_cgroup_that_is_not_there(recorded: Paths) -> None:
    manage = made(recorded, "/mydocker/gone")
    assert (manage.exists(), manage.pids(), manage.is_frozen(), manage.remove_empty()) == (False, [], False, True)
    assert {value for part in manage.stats().values() for value in part.values()} <= {None, 0}
    manage.remove()
    with pytest.raises(Error, match="does not exist"):
        manage.freeze(True)
