"""What a verb is told of a container that was removed, or died half way, before it got the lock."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.record import bundle, containers, locks, removal, state
from mydocker.errors import BadInput, Conflict, Damaged, NotFound, StepFailed
from mydocker.objectlock import ObjectLock
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord, Process


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(f"{tmp_path}/root", f"{tmp_path}/state")


def test_a_container_that_is_gone(paths: Paths) -> None:
    with pytest.raises(NotFound, match=r"^no such container: cccccccccccc$"), locks.ContainerLock(paths, "c" * 64):
        pass


@pytest.mark.parametrize(("status", "half"), [("creating", "made"), ("removing", "removed")])
def test_a_container_that_is_only_half_there(paths: Paths, save_record: MakeRecord, status: str, half: str) -> None:
    record = save_record(paths, status=status, name="box")
    with pytest.raises(Conflict, match=f"^container box is only half {half}$") as caught:
        locks.load_whole(paths, record["id"])
    assert caught.value.hint == "mydocker rm box"


def test_a_whole_container(paths: Paths, save_record: MakeRecord) -> None:
    record = save_record(paths, status="exited")
    assert locks.load_whole(paths, record["id"]) == record


@pytest.mark.parametrize("error", [FileNotFoundError(2, "x"), StepFailed("x", 2)])
def test_the_reason_of_a_failure_is_that_the_container_was_removed(paths: Paths, save_record: MakeRecord, error: Exception) -> None:
    record = save_record(paths, status="exited", name="box")
    with pytest.raises(type(error)), locks.WithoutLock(paths, record):
        raise error
    for change in (lambda: save_record(paths, status="removing", name="box"), lambda: shutil.rmtree(paths.container(record["id"]))):
        change()
        with pytest.raises(NotFound, match=r"^container box was removed meanwhile$"), locks.WithoutLock(paths, record):
            raise error


def test_the_reason_of_a_failure_is_that_the_container_has_ended(paths: Paths, save_record: MakeRecord) -> None:
    record = save_record(paths, status="exited", name="box")
    with pytest.raises(Conflict, match=r"^container box ended meanwhile$"), locks.WithoutLock(paths, record, pid=77):
        raise ProcessLookupError(3, "x")


def test_the_reason_of_a_failure_is_that_the_container_is_half_made(paths: Paths, save_record: MakeRecord) -> None:
    record = save_record(paths, status="creating", name="box")
    with pytest.raises(Conflict, match=r"^container box is only half made$"), locks.WithoutLock(paths, record):
        raise FileNotFoundError(2, "x", "upper")


def test_other_failures_have_reasons_of_their_own(paths: Paths, save_record: MakeRecord) -> None:
    record = save_record(paths, status="removing")
    with pytest.raises(BadInput), locks.WithoutLock(paths, record):
        raise BadInput("no such path")


def test_a_bundle_that_is_missing(paths: Paths, save_record: MakeRecord) -> None:
    record = save_record(paths, status="exited")
    with pytest.raises(Damaged, match=r"bundle/config\.json: is missing$"):
        bundle.load(paths, record["id"])
    removal.remove_directory(paths.container(record["id"]))
    with pytest.raises(NotFound, match=f"^no such container: {record['id'][:12]}$"):
        bundle.load(paths, record["id"])


@pytest.fixture
def running(tmp_path: Path, save_record: MakeRecord, fake_process: Process) -> tuple[Paths, str]:
    """A container that runs as process 4242, and its monitor as this process."""
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state", f"{tmp_path}/proc", f"{tmp_path}/sys")
    record = save_record(paths, status="running", pid=4242)
    fake_process(paths, 4242, 99)
    fake_process(paths, os.getpid(), 98)
    os.makedirs(paths.running(record["id"]))
    state.save(paths, record["id"], 4242, "/mydocker/x")
    return paths, record["id"]


def test_an_end_after_the_lock_was_got_is_recorded_before_it_is_told(running: tuple[Paths, str]) -> None:
    paths, container_id = running

    def record_end() -> None:
        with ObjectLock(paths.container(container_id), "gone"):
            containers.save(paths, {**containers.load(paths, container_id), "status": "exited", "exitCode": 3})
            state.clear(paths, container_id)

    monitor = threading.Thread(target=record_end)
    with locks.ContainerLock(paths, container_id) as lock:
        assert lock.running_pid() == 4242
        monitor.start()
        os.unlink(f"{paths.proc}/4242/stat")
        assert (lock.running_pid(), containers.load(paths, container_id)["exitCode"]) == (0, 3)
    monitor.join()


def test_a_container_that_is_removed_at_its_end_is_gone(running: tuple[Paths, str]) -> None:
    paths, container_id = running
    monitor = threading.Thread(target=lambda: _removed(paths, container_id))
    with pytest.raises(NotFound), locks.ContainerLock(paths, container_id) as lock:
        monitor.start()
        os.unlink(f"{paths.proc}/4242/stat")
        lock.running_pid()
    monitor.join()


def _removed(paths: Paths, container_id: str) -> None:
    with ObjectLock(paths.container(container_id), "gone"):
        state.clear(paths, container_id)
        removal.remove_directory(paths.container(container_id))
