"""What is read from cgroups, and removing them, in fake trees."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from mydocker.cgroups.group import Group, remove_directory
from mydocker.cgroups.layout import Hierarchy, Layout
from mydocker.cgroups.manager import manager
from mydocker.errors import Conflict, NotFound, Unsupported
from mydocker.paths import Paths

Machine = Callable[..., Paths]


def put(paths: Paths, files: dict[str, str]) -> None:
    for name, content in files.items():
        file = Path(paths.cgroup, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


V1_FILES = {
    "cpu,cpuacct/mydocker/x/cpuacct.usage": "9000\n",
    "cpu,cpuacct/mydocker/x/cpuacct.usage_user": "5000\n",
    "cpu,cpuacct/mydocker/x/cpuacct.usage_sys": "4000\n",
    "cpu,cpuacct/mydocker/x/cpu.stat": "nr_periods 7\nnr_throttled 3\nthrottled_time 11000\n",
    "memory/mydocker/x/memory.usage_in_bytes": "1000\n",
    "memory/mydocker/x/memory.max_usage_in_bytes": "1500\n",
    "memory/mydocker/x/memory.limit_in_bytes": "9223372036854771712\n",
    "memory/mydocker/x/memory.memsw.usage_in_bytes": "1250\n",
    "memory/mydocker/x/memory.stat": "inactive_file 1\ntotal_inactive_file 100\n",
    "memory/mydocker/x/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "pids/mydocker/x/pids.current": "4\n",
    "pids/mydocker/x/pids.max": "20\n",
    "blkio/mydocker/x/blkio.throttle.io_service_bytes_recursive": "8:0 Read 10\n8:0 Write 20\n8:16 Read 1\n8:16 Total 31\nTotal 31\n",
}
V2_FILES = {
    "mydocker/x/cpu.stat": "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 7\nnr_throttled 3\nthrottled_usec 11\n",
    "mydocker/x/memory.current": "1000\n",
    "mydocker/x/memory.peak": "1500\n",
    "mydocker/x/memory.max": "max\n",
    "mydocker/x/memory.swap.current": "250\n",
    "mydocker/x/memory.stat": "anon 5\ninactive_file 100\n",
    "mydocker/x/memory.events": "low 0\noom 2\noom_kill 2\n",
    "mydocker/x/pids.current": "4\n",
    "mydocker/x/pids.max": "20\n",
    "mydocker/x/io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=1\n8:16 rbytes=1 wbytes=0\n11:0 \n",
}


@pytest.mark.parametrize(("machine", "files"), [("comounted", V1_FILES), ("v2", V2_FILES)])
def test_stats_have_one_shape(own_cgroup_machine: Machine, machine: str, files: dict[str, str]) -> None:
    paths = own_cgroup_machine(machine)
    put(paths, files)
    manage = manager(Layout.detect(paths), "/mydocker/x")
    assert manage.oom_kills() == 2
    assert manage.stats() == {
        "cpu": {"usage": 9000, "user": 5000, "system": 4000, "throttled": 11000, "periods": 7, "throttled_periods": 3},
        "memory": {"usage": 1000, "peak": 1500, "limit": None, "cache": 100, "swap": 250, "oom_kill": 2},
        "pids": {"current": 4, "limit": 20},
        "blkio": {"read": 11, "write": 20},
    }


def test_stats_without_any_controller() -> None:
    manage = manager(Layout([]), "/mydocker/x")
    assert {value for part in manage.stats().values() for value in part.values()} == {None}
    assert (manage.oom_kills(), manage.pids(), manage.exists()) == (0, [], False)
    with pytest.raises(NotFound, match=r"^cgroup /mydocker/x does not exist$"):
        manage.freeze(True)
    manage.kill()


def test_a_machine_that_cannot_freeze(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    manage = manager(Layout([Hierarchy(version=1, mount=str(tmp_path), controllers=("cpu",))]), "/x")
    with pytest.raises(Unsupported, match=r"^freeze: neither a cgroup controller freezer nor a file cgroup.freeze on this host$"):
        manage.freeze(True)


def test_pids_are_collected_from_below_and_from_every_hierarchy(cgroup_machine: Machine) -> None:
    paths = cgroup_machine("comounted")
    put(
        paths,
        {"pids/mydocker/x/cgroup.procs": "5\n0\n", "pids/mydocker/x/sub/cgroup.procs": "9\n", "memory/mydocker/x/cgroup.procs": "5\n7\n"},
    )
    assert manager(Layout.detect(paths), "/mydocker/x").pids() == [5, 7, 9]


def test_remove_takes_children_first_and_may_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "x/sub/deeper").mkdir(parents=True)
    manage = manager(
        Layout([Hierarchy(version=2, mount=str(tmp_path)), Hierarchy(version=1, mount=str(tmp_path / "gone"), controllers=("cpu",))]), "/x"
    )
    assert manage.exists()
    manage.remove()
    manage.remove()
    assert not manage.exists()


def test_remove_goes_on_past_failures_and_reports_them_together(tmp_path: Path) -> None:
    for name in ("cpu", "memory", "pids"):
        (tmp_path / name / "x").mkdir(parents=True)
    for name in ("cpu", "pids"):
        (tmp_path / name / "x/file").touch()
    manage = manager(
        Layout([Hierarchy(version=1, mount=str(tmp_path / name), controllers=(name,)) for name in ("cpu", "memory", "pids")]), "/x"
    )
    with pytest.raises(Conflict) as caught:
        manage.remove()
    parts = "; ".join(f"{tmp_path}/{name}/x: Directory not empty" for name in ("cpu", "pids"))
    assert caught.value.message == f"cgroup /x is still there: {parts}"
    assert not (tmp_path / "memory/x").exists()


@pytest.mark.parametrize("times", [0, 3])
def test_a_busy_cgroup_is_tried_again(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    attempts = iter([OSError(errno.EBUSY, "busy", "/x")] * times)

    def rmdir(path: str) -> None:
        for error in attempts:
            raise error

    monkeypatch.setattr(os, "rmdir", rmdir)
    remove_directory("/x", monotonic() + 5)
    assert next(attempts, None) is None


def test_a_cgroup_that_stays_busy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def rmdir(path: str) -> None:
        raise OSError(errno.EBUSY, "busy", path)

    monkeypatch.setattr(os, "rmdir", rmdir)
    with pytest.raises(OSError, match="busy"):
        remove_directory("/x", monotonic() + 0.01)


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    group = Group(Hierarchy(version=2, mount=str(tmp_path)), "/a/b")
    assert (group.read("cpu.max"), group.table("cpu.stat"), group.pids()) == ("", {}, set())
    assert group.chain() == [str(tmp_path), f"{tmp_path}/a", f"{tmp_path}/a/b"]
