"""Whether a container runs is asked of the kernel: a pid is its process only with its start time, and in its boot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker import store
from mydocker.engine.record import state
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord, Process

ID = "a" * 64


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state", f"{tmp_path}/proc", f"{tmp_path}/sys")
    for directory in (paths.running(ID), paths.container(ID), f"{paths.proc}/sys/kernel/random"):
        os.makedirs(directory)
    os.makedirs(f"{paths.proc}/self")
    for name in ("mountinfo", "cgroup"):
        Path(f"{paths.proc}/self/{name}").touch()
    return paths


def boot(paths: Paths, name: str) -> None:
    Path(f"{paths.proc}/sys/kernel/random/boot_id").write_text(name + "\n")


@pytest.mark.parametrize("written", ["created", "running", "exited"])
def test_what_runs_is_running_whatever_is_written(paths: Paths, make_record: MakeRecord, fake_process: Process, written: str) -> None:
    boot(paths, "first")
    fake_process(paths, 4242, 99)
    state.save(paths, ID, 4242, "/mydocker/x")
    assert store.read_json(f"{paths.running(ID)}/state.json") == {
        "boot": "first",
        "pid": 4242,
        "started": 99,
        "monitor": os.getpid(),
        "monitorStarted": None,
        "cgroup": "/mydocker/x",
    }
    assert state.running_pid(paths, ID) == 4242
    assert state.status(paths, make_record(id=ID, status=written)) == "running"


@pytest.mark.parametrize("change", ["ended", "zombie", "pid of another", "rebooted"])
def test_what_ended_does_not_run(paths: Paths, make_record: MakeRecord, fake_process: Process, change: str) -> None:
    boot(paths, "first")
    fake_process(paths, 4242, 99)
    state.save(paths, ID, 4242, "")
    if change == "ended":
        os.unlink(f"{paths.proc}/4242/stat")
    elif change == "rebooted":
        boot(paths, "second")
    else:
        fake_process(paths, 4242, 100 if change == "pid of another" else 99, "Z" if change == "zombie" else "S")
    assert state.running_pid(paths, ID) == 0
    assert state.status(paths, make_record(id=ID, status="running")) == "exited"


def test_a_process_that_was_dead_when_it_was_recorded(paths: Paths) -> None:
    """Neither then nor now is there a start time: that is no agreement."""
    state.save(paths, ID, 4242, "")
    assert state.running_pid(paths, ID) == 0


def test_a_monitor_that_has_not_recorded_the_end_yet(paths: Paths, make_record: MakeRecord, fake_process: Process) -> None:
    fake_process(paths, os.getpid(), 7)
    state.save(paths, ID, 4242, "")
    assert state.has_monitor(paths, ID)
    assert state.status(paths, make_record(id=ID, status="running")) == "running"
    fake_process(paths, os.getpid(), 8)
    assert not state.has_monitor(paths, ID)
    assert state.status(paths, make_record(id=ID, status="running")) == "exited"


@pytest.mark.parametrize("written", ["creating", "removing"])
def test_what_nobody_makes_or_removes_any_more_is_dead(paths: Paths, save_record: MakeRecord, written: str) -> None:
    record = save_record(paths, id=ID, status=written)
    with store.Lock(paths.container(ID) + "/lock"):
        assert state.status(paths, record) == written
    assert state.status(paths, record) == "dead"
    save_record(paths, id=ID, status="created")  # its maker had finished since the record was read
    assert state.status(paths, record) == "created"


@pytest.mark.parametrize("written", ["created", "exited"])
def test_without_state_what_is_written_is_so(paths: Paths, make_record: MakeRecord, written: str) -> None:
    assert state.running_pid(paths, ID) == 0
    assert not state.has_monitor(paths, ID)
    assert state.status(paths, make_record(id=ID, status=written)) == written


def test_whoever_holds_the_lock_is_busy(paths: Paths) -> None:
    assert not state.is_busy(paths, ID)
    with store.Lock(paths.container(ID) + "/lock"):
        assert state.is_busy(paths, ID)
    assert not state.is_busy(paths, "b" * 64)  # one that is gone


def test_clearing(paths: Paths) -> None:
    """What another runtime kept goes whole; a directory that something may be mounted on must be empty."""
    directory = Path(paths.running(ID))
    state.clear(paths, "b" * 64)
    for name in ("oci/x/state.json", "pid", "state.json"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).touch()
    (directory / "mapped/mounted").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        state.clear(paths, ID)
    assert (directory / "mapped/mounted").is_dir()
    (directory / "mapped/mounted").rmdir()
    state.clear(paths, ID)
    assert not directory.exists()


@pytest.mark.parametrize(
    ("written", "inside", "lives"),
    [
        ("running", "/mydocker/x", True),
        ("running", "/mydocker/x/below", True),
        ("running", "/mydocker/xy", False),
        ("exited", "/mydocker/x", False),
    ],
)
@pytest.mark.parametrize("comm", ["mydocker-monito", "systemd"])
def test_without_state_the_cgroup_knows(
    paths: Paths, save_record: MakeRecord, fake_process: Process, written: str, inside: str, lives: bool, comm: str
) -> None:
    """The process that the record names is the container's if it is in its cgroup; its parent is the monitor if it is called so."""
    record = save_record(paths, id=ID, status=written, pid=4242, hostConfig={"CgroupPath": "/mydocker/x"})
    fake_process(paths, 4242)
    fake_process(paths, 1, 7)
    Path(f"{paths.proc}/4242/cgroup").write_text(f"5:memory:{inside}\n0::/\n")
    Path(f"{paths.proc}/1/comm").write_text(comm + "\n")
    assert state.running_pid(paths, ID) == (4242 if lives else 0)
    assert state.status(paths, record) == ("running" if lives else "exited")
    assert state.has_monitor(paths, ID) == (lives and comm != "systemd")
    assert state.is_unended(paths, ID) == (written == "running")
    assert state.cgroup(paths, ID) == "/mydocker/x"
