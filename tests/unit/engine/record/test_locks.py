"""What a verb is told of a container that was removed, or died half way, before it got the lock."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.record import bundle, locks, removal
from mydocker.errors import BadInput, Conflict, Damaged, NotFound, StepFailed
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord


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
