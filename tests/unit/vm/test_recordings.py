"""tests/data/machines: what its recorder keeps, what it leaves out; vm/recordings.py, which runs it under Debian's kernels."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import recordings
import remote

if TYPE_CHECKING:
    from tests.unit.conftest import Recording

MACHINES = Path(__file__).parents[2] / "data/machines"


@pytest.fixture(scope="module")
def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", MACHINES / "record.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_file_is_listed_and_has_the_form(recording: Recording) -> None:
    assert remote.check_recording((MACHINES / f"{recording.name}.txt").read_text())


def test_every_listed_machine_has_its_file(pytestconfig: pytest.Config) -> None:
    (conftest,) = [module for module in pytestconfig.pluginmanager.get_plugins() if hasattr(module, "RECORDINGS")]
    assert sorted(each.name for each in conftest.RECORDINGS) == sorted(path.stem for path in MACHINES.glob("*.txt"))
    assert {name for boot in recordings.BOOTS for name in boot.layouts} <= {each.name for each in conftest.RECORDINGS}


def test_nothing_private_is_in_a_recording(recording: Recording) -> None:
    text = (MACHINES / f"{recording.name}.txt").read_text()
    assert set(re.findall("[0-9a-f]{32,}", text)) <= {"c" * 32}
    assert not re.findall(r"\d+\.\d+\.\d+\.\d+|(?:[0-9a-f]{2}:){5}|/home/|/root/", text)


def test_ids_become_the_same_word(recorder: ModuleType) -> None:
    assert recorder.line("/x", f"/docker/{'0a' * 32}\n") == f"/x '/docker/{'c' * 32}\\n'"
    assert recorder.anonymous("5e0f9d4c-0000-4abc-8def-0123456789ab") == "00000000-0000-0000-0000-000000000000"


MOUNTS = """\
22 1 254:2 / / rw - ext4 /dev/disk/by-label/secret rw
23 22 0:5 / /proc rw - proc proc rw
24 22 0:6 / /sys rw - sysfs sysfs rw
25 24 0:7 / /sys/fs/cgroup ro - tmpfs tmpfs ro
26 25 0:8 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
27 25 0:9 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
28 24 0:10 / /sys/fs/cgroups rw - tmpfs tmpfs rw
29 22 0:11 / /home rw - nfs server:/home rw
"""


def test_of_mounts_only_the_kernels_are_kept(recorder: ModuleType) -> None:
    assert [line.split()[0] for line in recorder.kernel_mounts(MOUNTS).splitlines()] == ["23", "24", "25", "26", "27"]
    found = recorder.cgroup_mounts(MOUNTS)
    assert found == [(Path("/sys/fs/cgroup/memory"), False), (Path("/sys/fs/cgroup/unified"), True)]


def test_a_hierarchy_is_left_as_it_was(recorder: ModuleType, tmp_path: Path) -> None:
    for name, content in (
        ("cgroup.controllers", "cpu memory"),
        ("cgroup.subtree_control", "memory"),
        ("cpu.stat", ""),
        ("cpu.pressure", ""),
    ):
        (tmp_path / name).write_text(content)
    (tmp_path / "cpu.dir").mkdir()
    lines = list(recorder.hierarchy(tmp_path, True))
    assert [line.split()[0].removeprefix(f"{tmp_path}/") for line in lines] == ["cgroup.controllers", "cgroup.subtree_control", "cpu.stat"]
    # As plain files keep what was written last: switched on while it was recorded, off afterwards.
    assert "'+cpu'" in lines[1] and (tmp_path / "cgroup.subtree_control").read_text() == "-cpu"
    assert not (tmp_path / "mydocker").exists()


def test_a_cgroup_that_was_there_stays(recorder: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "mydocker").mkdir()
    (tmp_path / "mydocker/pids.max").write_text("max\n")
    assert list(recorder.hierarchy(tmp_path, False)) == [f"{tmp_path}/mydocker/pids.max 'max\\n'"]
    assert (tmp_path / "mydocker/pids.max").exists()


def test_the_guest_gets_its_layouts(tmp_path: Path) -> None:
    boot = recordings.Recorded("", "some=option", {"one": "here", "two": "container"})
    assert shlex.split(recordings.script(boot)) == ["sh", "/mnt/recordings.sh", "/mnt", "one", "here", "two", "container"]
    words = recordings.qemu(boot, tmp_path / "disk.raw", tmp_path)
    options = words[words.index("-append") + 1]
    assert " some=option " in options and recordings.script(boot) in options
    # systemd takes the command between double quotes, and a shell what is between single ones.
    assert options.count('"') == 2 and options.count("'") == 2


def test_an_unknown_recording(capsys: pytest.CaptureFixture[str]) -> None:
    assert recordings.main(["systemd-v1", "nope"]) == 2
    assert capsys.readouterr().err == "recordings.py: unknown recording nope\n"
