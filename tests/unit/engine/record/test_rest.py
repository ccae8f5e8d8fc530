"""Which containers a list of those that run leaves out unread."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydocker import store
from mydocker.engine.record import containers
from mydocker.paths import Paths

ID = "a" * 64
Saved = Callable[..., Any]


@pytest.mark.parametrize(
    ("status", "rests"),
    [("created", True), ("exited", True), ("running", False), ("restarting", False), ("creating", False), ("removing", False)],
)
def test_a_record_says_whether_its_container_rests(paths: Paths, save_record: Saved, status: str, rests: bool) -> None:
    save_record(paths, id=ID, status=status)
    assert containers.survey(paths, at_rest=False)[0] == ([] if rests else containers.every(paths))
    assert len(containers.every(paths)) == 1


def test_one_that_has_begun_is_looked_at(paths: Paths, save_record: Saved) -> None:
    """Between the start and the record of it, the record still says that the container was created."""
    save_record(paths, id=ID, status="created")
    os.makedirs(paths.running(ID))
    assert len(containers.survey(paths, at_rest=False)[0]) == 1


def test_what_a_user_wrote_is_not_taken_for_the_status(paths: Paths, save_record: Saved) -> None:
    record = save_record(paths, id=ID, status="running")
    labelled = {**record, "config": {**record["config"], "Labels": {"status": "exited"}}}
    store.write_json(f"{paths.container(ID)}/config.json", labelled)
    assert len(containers.survey(paths, at_rest=False)[0]) == 1


def test_a_record_that_is_missing_or_damaged_is_none_that_rests(paths: Paths, save_record: Saved) -> None:
    save_record(paths, id=ID, status="exited")
    Path(paths.container(ID), "config.json").write_bytes(b"")
    assert containers.survey(paths, at_rest=False) == ([], [ID])
    os.unlink(f"{paths.container(ID)}/config.json")
    assert containers.survey(paths, at_rest=False) == containers.survey(paths)
