from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.cgroups.layout import Layout, read_hierarchy, relative, visible
from mydocker.kernel.mounts import MountEntry
from mydocker.paths import Paths

Machine = Callable[..., Paths]


@pytest.mark.parametrize(
    ("machine", "mode", "titles"),
    [
        ("hybrid", "hybrid", "cpu cpuacct cpuset memory devices freezer blkio pids name=systemd unified"),
        ("comounted", "v1", "cpu,cpuacct cpuset memory devices freezer blkio pids net_cls,net_prio hugetlb perf_event rdma name=systemd"),
        ("split", "hybrid", "cpu,cpuacct cpuset devices freezer blkio pids net_cls,net_prio hugetlb perf_event name=systemd unified"),
        ("v2", "v2", "unified"),
        ("v2-container", "v2", "unified"),
    ],
)
def test_detect(cgroup_machine: Machine, machine: str, mode: str, titles: str) -> None:
    layout = Layout.detect(cgroup_machine(machine))
    assert (layout.mode, " ".join(hierarchy.title for hierarchy in layout.hierarchies)) == (mode, titles)


def test_no_cgroups(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n")
    assert Layout.detect(Paths(proc=str(tmp_path))).mode == "none"


def test_own_position_and_controllers(cgroup_machine: Machine) -> None:
    layout = Layout.detect(cgroup_machine("hybrid"))
    memory = layout.find("memory")
    assert memory and memory.own == "/outer/inner" and memory.controllers == ("memory",)


def test_a_controller_that_only_version_2_has(cgroup_machine: Machine) -> None:
    layout = Layout.detect(cgroup_machine("split"))
    assert layout.unified and layout.find("memory") is layout.unified


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("v2", [("", "cgroup2", "", ())]),
        (
            "comounted",
            [
                ("cpu,cpuacct", "cgroup", "cpu,cpuacct", ("cpu", "cpuacct")),
                ("cpuset", "cgroup", "cpuset", ()),
                ("memory", "cgroup", "memory", ()),
                ("devices", "cgroup", "devices", ()),
                ("freezer", "cgroup", "freezer", ()),
                ("blkio", "cgroup", "blkio", ()),
                ("pids", "cgroup", "pids", ()),
                ("net_cls,net_prio", "cgroup", "net_cls,net_prio", ("net_cls", "net_prio")),
                ("hugetlb", "cgroup", "hugetlb", ()),
                ("perf_event", "cgroup", "perf_event", ()),
                ("rdma", "cgroup", "rdma", ()),
                ("systemd", "cgroup", "none,name=systemd", ()),
            ],
        ),
    ],
)
def test_container_mounts(cgroup_machine: Machine, machine: str, expected: list[tuple[object, ...]]) -> None:
    layout = Layout.detect(cgroup_machine(machine))
    mounts = layout.container_mounts("/mydocker/x")
    assert [(mount.directory, mount.fstype, mount.data, mount.links) for mount in mounts] == expected
    if machine == "v2":
        assert mounts[0].source == layout.hierarchies[0].mount  # the whole, as /proc/self/cgroup counts from there
    else:
        assert all(mount.source.endswith(f"{mount.directory}/mydocker/x") for mount in mounts)


@pytest.mark.parametrize(
    ("cgroup", "root", "own"),
    [
        ("/", "/", "/"),
        ("/a/b", "/", "/a/b"),
        ("/docker/1/sub", "/docker/1", "/sub"),
        ("/docker/1", "/docker/1", "/"),
        ("/docker/12", "/docker/1", "/"),
    ],
)
def test_relative(cgroup: str, root: str, own: str) -> None:
    assert relative(cgroup, root) == own


def test_a_mount_inside_a_container() -> None:
    entry = MountEntry("9 8 0:9 /docker/1 /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory")
    hierarchy = read_hierarchy(entry, {"cpu,cpuacct": "/", "memory": "/docker/1/sub"})
    assert (hierarchy.title, hierarchy.root, hierarchy.own, hierarchy.readonly) == ("memory", "/docker/1", "/sub", True)


def test_covered_and_foreign_mounts() -> None:
    lines = [
        "1 0 0:1 / /mnt/cg rw - cgroup cgroup rw,pids",
        "2 0 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
        "3 0 0:2 / /covered rw - cgroup cgroup rw,cpu",
        "4 0 0:3 / /covered rw - tmpfs tmpfs rw",
    ]
    entries = [MountEntry(line) for line in lines]
    assert visible(entries, "/sys/fs/cgroup") == [entries[1], entries[0]]


@pytest.mark.parametrize(
    ("controller", "reason"),
    [("hugetlb", "is not mounted"), ("rdma", "is not in this kernel"), ("net_cls", "is switched off on the kernel's command line")],
)
def test_absence(own_cgroup_machine: Machine, controller: str, reason: str) -> None:
    paths = own_cgroup_machine("hybrid")
    table = Path(paths.proc, "cgroups")
    lines = table.read_text().splitlines()
    table.write_text("\n".join(line[:-1] + "0" if line.startswith("net_cls") else line for line in lines))
    assert Layout.detect(paths).absence(controller) == reason


def test_absence_from_version_2(cgroup_machine: Machine) -> None:
    paths = cgroup_machine("v2-container")
    assert Layout.detect(paths).absence("rdma") == f"is not in {paths.cgroup}/cgroup.controllers"
