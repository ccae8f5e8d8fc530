"""Sizes and durations as docker rounds them."""

import time
from datetime import UTC, datetime

import pytest

from mydocker.engine.view import human
from mydocker.errors import Damaged


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1234, "1.23kB"),
        (999_499, "999kB"),
        (999_500, "1MB"),
        (4_261_234, "4.26MB"),
        (77_800_000, "77.8MB"),
        (187_900_000, "188MB"),
        (1_000_000_000, "1GB"),
        (2 * 10**15, "2PB"),
        (10**22, "1e+04EB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert human.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "Less than a second"),
        (1.9, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (5399, "About an hour"),
        (5400, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert human.duration(seconds) == text


NOW = datetime(2024, 1, 2, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created", "text"),
    [
        ("2024-01-02T10:00:00Z", "2 hours ago"),
        ("2024-01-02T10:00:00.123456789Z", "2 hours ago"),
        ("2024-01-02T12:00:00+02:00", "2 hours ago"),
        ("2024-01-02T10:00:00", "2 hours ago"),
        ("2030-01-01T00:00:00Z", "Less than a second ago"),
        ("0001-01-01T00:00:00Z", "N/A"),
        ("", "N/A"),
    ],
)
def test_since(created: str, text: str) -> None:
    assert human.since(created, now=NOW) == text


def test_a_bad_time_is_told() -> None:
    with pytest.raises(Damaged, match="invalid time 'yesterday'"):
        human.since("yesterday")


@pytest.mark.parametrize(
    ("zone", "text", "exact", "expected"),
    [
        ("UTC", "2026-11-29T13:55:05.085326Z", False, "2026-11-29 13:55:05 +0000 UTC"),
        ("UTC", "2026-11-29T13:55:05.120000000Z", True, "2026-11-29 13:55:05.12 +0000 UTC"),
        ("UTC", "2026-11-29T13:55:05Z", True, "2026-11-29 13:55:05 +0000 UTC"),
        ("CET-1", "2026-11-29T13:55:05Z", False, "2026-11-29 14:55:05 +0100 CET"),
        ("UTC", "0001-01-01T00:00:00Z", False, "0001-01-01 00:00:00 +0000 UTC"),
        ("UTC", "", False, ""),
    ],
)
def test_a_time_as_go_prints_it(monkeypatch: pytest.MonkeyPatch, zone: str, text: str, exact: bool, expected: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert human.clock(text, exact) == expected
    finally:
        monkeypatch.undo()
        time.tzset()
