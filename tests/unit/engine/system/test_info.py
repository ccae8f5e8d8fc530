"""`system info` on every recorded machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.request.capabilities import DEFAULT, select
from mydocker.engine.system.info import info
from mydocker.kernel.capabilities import available
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import Recording

pytestmark = pytest.mark.applies.with_args(lambda recording: recording.whole)


@pytest.fixture
def paths(tmp_path: Path, recorded: Paths, monkeypatch: pytest.MonkeyPatch) -> Paths:
    # Trying a mount takes root, and a kernel of the recorded kind.
    monkeypatch.setattr("mydocker.storage.overlay._refused_by", lambda _: None)
    return Paths(f"{tmp_path}/root", f"{tmp_path}/state", recorded.proc, recorded.sys, recorded.cgroup, run=recorded.run)


def test_what_it_tells(recording: Recording, paths: Paths) -> None:
    told = info(paths)
    assert told["Cgroups"]["Version"] == recording.mode
    assert set(told["Cgroups"]["Controllers"].split()) >= {"cpu"} | ({"memory", "pids"} - recording.lacks)
    assert told["Kernel"]["User namespaces"] == told["Kernel"]["Cgroup namespaces"] == "yes"
    assert "errno" in told["Kernel"]["Seccomp"]
    assert told["Kernel"]["AppArmor"] == ("yes" if Path(paths.sys, "module/apparmor").exists() else "no")


def test_swap_accounting_wherever_the_memory_controller_is(paths: Paths) -> None:
    files = [file for name in ("memory.memsw.limit_in_bytes", "memory.swap.max") for file in Path(paths.cgroup).rglob(name)]
    assert info(paths)["Kernel"]["Swap accounting"] == ("yes" if files else "no")


def test_storage_drivers_are_the_kernels_file_systems(paths: Paths) -> None:
    known = [line.split()[-1] for line in Path(paths.proc, "filesystems").read_text().splitlines()]
    told = info(paths)["Storage drivers"]
    assert told["vfs"] == "yes"
    for name in ("overlay", "aufs"):
        assert told[name] == "yes" if name in known else told[name].startswith(f"no: this kernel has no {name} file system")
    assert told["overlay"] == "yes"  # recorded with its module loaded


def test_capabilities_that_can_be_handed_on(paths: Paths) -> None:
    here = available(paths.proc)
    assert select([], [], True, here) == here
    assert select([], [], False, here) == [name for name in here if name in DEFAULT]


def test_the_storage_driver_that_is_asked_for_comes_first(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYDOCKER_STORAGE_DRIVER", "aufs")
    assert list(info(paths)["Storage drivers"]) == ["aufs", "overlay", "vfs"]


def test_why_it_is_not_nft_that_has_the_rules(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mydocker.kernel.programs._DIRECTORIES", ())
    assert info(paths)["Firewall"] == "none, as nft is not installed"
