"""Whether and when a container is started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mydocker.engine.monitor.restart import is_wanted, next_delay
from mydocker.engine.request.values import restart
from mydocker.errors import BadInput

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
