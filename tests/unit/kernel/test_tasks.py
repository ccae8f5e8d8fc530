"""A process is its pid and its start time."""

import os
from pathlib import Path

import pytest

from mydocker.kernel import tasks


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("7 (sh) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2", 4711),
        ("7 (a) b (c) R 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2", 4711),
        ("7 (sh) Z 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2", None),
        ("7 (sh) X 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2", None),
    ],
)
def test_start_time(tmp_path: Path, stat: str, expected: int | None) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(stat)
    assert tasks.start_time(7, str(tmp_path)) == expected


def test_a_missing_process_has_none(tmp_path: Path) -> None:
    assert tasks.start_time(7, str(tmp_path)) is None


@pytest.mark.parametrize(("state", "flags", "expected"), [("S", 4194560, False), ("S", 4194560 | 4, True), ("Z", 4194560, True)])
def test_ending(tmp_path: Path, state: str, flags: int, expected: bool) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(f"7 (sh) {state} 1 7 7 0 -1 {flags} 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2")
    assert tasks.is_ending(7, str(tmp_path)) == expected
    assert tasks.is_ending(8, str(tmp_path))
    assert not tasks.is_ending(os.getpid())


def test_a_pid_that_came_round_again_is_another_process() -> None:
    started = tasks.start_time(os.getpid())
    assert started is not None
    assert tasks.is_alive(os.getpid(), started)
    assert not tasks.is_alive(os.getpid(), started - 1)
    assert not tasks.is_alive(0, 0)
