"""What inspect says of a container whose last process has ended, and whose monitor still writes down the end."""

from __future__ import annotations

from typing import Any

import pytest

from mydocker.engine.record import health, state
from mydocker.engine.view import inspect
from mydocker.paths import Paths


@pytest.mark.parametrize(
    ("status", "pid", "running"),
    [("running", 7, True), ("running", 0, True), ("paused", 7, True), ("restarting", 0, True), ("exited", 0, False), ("created", 0, False)],
)
def test_running_until_the_end_is_written_down(monkeypatch: pytest.MonkeyPatch, status: str, pid: int, running: bool) -> None:
    """Its log is whole and its exit status is known as soon as it does not run any more (docker's own TestLogs)."""
    monkeypatch.setattr(state, "status", lambda *_: status)
    monkeypatch.setattr(state, "running_pid", lambda *_: pid)
    monkeypatch.setattr(health, "load", lambda *_: None)
    record: Any = {"id": "x", "status": status, "oomKilled": False, "exitCode": 0, "error": "", "startedAt": "", "finishedAt": ""}
    shown = inspect._state(Paths(), record)
    assert (shown["Status"], shown["Running"], shown["Pid"]) == (status, running, pid)
