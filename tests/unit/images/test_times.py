"""Times by RFC 3339: what is taken for one can be shown."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydocker.engine.view import human
from mydocker.images.times import is_time, now

TIMES = [
    "2024-01-02T03:04:05Z",
    "2024-02-29T23:59:59.1Z",
    "2024-01-02T03:04:05.123456789Z",
    "2024-01-02T03:04:05+01:00",
    "2024-01-02T03:04:05.5-23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T00:00:00Z",
]
NO_TIMES = [
    "x",
    "2024-01-02",
    "2024-01-02T03:04:05",
    "2024-01-02 03:04:05Z",
    "2024-01-02T03:04:05.Z",
    "2024-01-02T03:04:05,5Z",
    "2024-01-02T03:04:05z",
    "2024-01-02T03:04:05+0100",
    "2024-01-02T03:04:05+24:00",
    "2024-01-02T03:04:05+01:60",
    "2024-01-02T24:00:00Z",
    "2024-01-02T03:60:00Z",
    "2024-01-02T03:04:60Z",
    "2024-13-02T03:04:05Z",
    "2024-00-02T03:04:05Z",
    "2023-02-29T03:04:05Z",
    "2024-04-31T03:04:05Z",
    "2024-01-00T03:04:05Z",
    "0000-01-01T00:00:00Z",
    "2024-01-02T03:04:05Z\n",
    "٢024-01-02T03:04:05Z",
]


@pytest.mark.parametrize("text", TIMES)
def test_times(text: str) -> None:
    assert is_time(text)
    assert human.parse_time(text)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time(text: str) -> None:
    assert not is_time(text)


@given(st.datetimes(), st.integers(-1439, 1439))
def test_every_time_is_one(moment: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    assert is_time(moment.replace(tzinfo=zone).isoformat())


@given(
    st.from_regex(
        r"[0-2]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])", fullmatch=True
    )
)
def test_what_is_taken_for_a_time_can_be_shown(text: str) -> None:
    if is_time(text):
        assert human.parse_time(text)


def test_now_is_rfc_3339() -> None:
    assert len(now()) == len("2024-01-02T03:04:05.123456Z")
    assert is_time(now())
