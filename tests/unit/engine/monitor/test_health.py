"""What checks make of a container's health."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker import store
from mydocker.engine.monitor import health
from mydocker.engine.record import health as reports
from mydocker.engine.record import state
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord

START: reports.Report = {"Status": "starting", "FailingStreak": 0, "Log": []}


def result(status: int) -> reports.Result:
    return {"Start": "", "End": "", "ExitCode": status, "Output": ""}


@pytest.mark.parametrize(
    ("statuses", "is_starting_up", "expected"),
    [
        ([0], True, ("healthy", 0)),
        ([1, 1, 1, 1], True, ("starting", 0)),
        ([1, 1], False, ("starting", 2)),
        ([1, 1, -1], False, ("unhealthy", 3)),
        ([1, 1, 0, 1, 1], False, ("healthy", 2)),
        ([0, 1, 1, 1], True, ("unhealthy", 3)),
        ([1, 1, 1, 1, 0], False, ("healthy", 0)),
    ],
)
def test_judged(statuses: list[int], is_starting_up: bool, expected: tuple[str, int]) -> None:
    report = START
    for status in statuses:
        report = health.judged(report, result(status), 3, is_starting_up)
    assert (report["Status"], report["FailingStreak"]) == expected
    assert [entry["ExitCode"] for entry in report["Log"]] == statuses[-5:]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, []),
        ({"Test": ["NONE"]}, []),
        ({"Interval": 5}, []),
        ({"Test": ["CMD", "a", "b c"]}, ["a", "b c"]),
        ({"Test": ["CMD-SHELL", "a; b"]}, ["/bin/sh", "-c", "a; b"]),
    ],
)
def test_the_command(make_record: MakeRecord, settings: dict[str, object] | None, expected: list[str]) -> None:
    assert reports.test_of(make_record(config={"Healthcheck": settings})) == expected


def test_nobody_is_healthy_whom_nobody_checks(tmp_path: Path, make_record: MakeRecord) -> None:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state")
    record = make_record(config={"Healthcheck": {"Test": ["CMD", "true"]}})
    os.makedirs(paths.container(record["id"]))
    os.makedirs(paths.running(record["id"]))
    assert reports.status(paths, record) == "none"
    store.write_json(f"{paths.container(record['id'])}/health.json", {**START, "Status": "healthy"})
    assert reports.status(paths, record) == "unhealthy"
    state.save(paths, record["id"], os.getpid(), "/")
    assert reports.status(paths, record) == "healthy"


class FakeCheck:
    """A check that has ended with a status."""

    def __init__(self, status: int) -> None:
        self.status = status

    def finish(self) -> reports.Result:
        return result(self.status)


class FakeCgroup:
    def __init__(self, is_paused: bool) -> None:
        self.is_paused = is_paused

    def is_frozen(self) -> bool:
        return self.is_paused


@pytest.mark.parametrize(("is_paused", "expected"), [(False, "unhealthy"), (True, "healthy")])
def test_a_check_that_a_pause_spoils_does_not_count(tmp_path: Path, make_record: MakeRecord, is_paused: bool, expected: str) -> None:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state")
    record = make_record(config={"Healthcheck": {"Test": ["CMD", "true"], "Retries": 1}})
    os.makedirs(paths.container(record["id"]))
    watched = health.Health(paths, record, FakeCgroup(is_paused))  # type: ignore[arg-type]
    watched.report = {"Status": "healthy", "FailingStreak": 0, "Log": []}
    watched._conclude(FakeCheck(-1))  # type: ignore[arg-type]
    assert watched.report["Status"] == expected
