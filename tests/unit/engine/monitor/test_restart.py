"""Whether and when a container is started again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.engine.monitor.restart import is_wanted, next_delay, wait
from mydocker.engine.request.values import restart
from mydocker.errors import BadInput
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord


@pytest.mark.parametrize(
    ("policy", "status", "count", "stopped", "expected"),
    [
        ("no", 1, 0, False, False),
        ("always", 0, 1000, False, True),
        ("always", 0, 0, True, False),
        ("unless-stopped", 0, 0, False, True),
        ("unless-stopped", 0, 0, True, False),
        ("on-failure", 0, 0, False, False),
        ("on-failure", 3, 1000, False, True),
        ("on-failure:3", 1, 2, False, True),
        ("on-failure:3", 1, 3, False, False),
        ("on-failure:3", 1, 0, True, False),
    ],
)
def test_is_wanted(make_record: MakeRecord, policy: str, status: int, count: int, stopped: bool, expected: bool) -> None:
    name, most = restart(policy)
    host = {"RestartPolicy": {"Name": name, "MaximumRetryCount": most}}
    assert is_wanted(make_record(exitCode=status, restartCount=count, stopped=stopped, hostConfig=host)) is expected


@pytest.mark.parametrize(
    ("previous", "ran", "expected"), [(0.0, 0.1, 0.1), (0.1, 0.1, 0.2), (12.8, 9.9, 25.6), (51.2, 1.0, 60.0), (60.0, 10.0, 0.1)]
)
def test_the_delay_doubles_until_a_run_was_long(previous: float, ran: float, expected: float) -> None:
    assert next_delay(previous, ran) == expected


@pytest.mark.parametrize("text", ["sometimes", "on-failure:x", "on-failure:", "always:3", ""])
def test_no_policy(text: str) -> None:
    with pytest.raises(BadInput, match="invalid restart policy"):
        restart(text)


@pytest.mark.parametrize("meanwhile", ["stopped", "started", "removed"])
def test_who_decided_before_the_monitor_waits_is_heard(
    tmp_path: Path, save_record: MakeRecord, make_record: MakeRecord, meanwhile: str
) -> None:
    """Between the record of the end and STATE/ID nobody sees that somebody waits."""
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state", f"{tmp_path}/proc")
    record = make_record(status="restarting")
    if meanwhile != "removed":
        save_record(paths, status="running" if meanwhile == "started" else "restarting", stopped=meanwhile == "stopped")
    request: Any = {}  # none is needed
    wait(paths, record, request)
    assert not os.path.exists(paths.state)
