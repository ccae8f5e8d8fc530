"""Environment variables and labels, from flags and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mydocker import given
from mydocker.engine.request import settings
from mydocker.errors import BadInput


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("A=1",), ["A=1"]),
        (("A=",), ["A="]),
        (("A=b c\nd",), ["A=b c\nd"]),
        (("HERE",), ["HERE=value"]),
        (("GONE",), ["GONE"]),
        (("A=1", "A=2"), ["A=1", "A=2"]),
    ],
)
def test_variables(monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], expected: list[str]) -> None:
    monkeypatch.setenv("HERE", "value")
    monkeypatch.delenv("GONE", raising=False)
    assert settings.environment(given, ()) == expected


@pytest.mark.parametrize("text", ["", "=x", "A=\0"])
def test_a_variable_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="expected NAME=VALUE"):
        settings.environment((text,), ())


def test_a_file_of_variables(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("HERE", "value")
    monkeypatch.delenv("GONE", raising=False)
    file.write_bytes("\ufeff# comment\nA=1\r\n\n  B=two words \nC=x\x0by\u2028z\nHERE\nGONE\n#D=1".encode())
    assert settings.environment(("A=2",), (str(file),)) == ["A=1", "B=two words ", "C=x\x0by\u2028z", "HERE=value", "A=2"]


@pytest.mark.parametrize(("content", "words"), [("two words=1\n", "whitespace"), ("=x\n", "expected NAME=VALUE")])
def test_a_bad_file_of_variables(file: Path, content: str, words: str) -> None:
    file.write_text(content)
    with pytest.raises(BadInput, match=words):
        settings.environment((), (str(file),))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"environment file '.*/nosuch': No such file or directory"):
        settings.environment((), (f"{tmp_path}/nosuch",))


def test_labels(file: Path) -> None:
    file.write_text("# comment\na=1\n\n b=2 \n")
    assert settings.labels(("a=3", "c", "d=x=y"), (str(file),)) == {"a": "3", "b": "2", "c": "", "d": "x=y"}


def test_a_label_without_a_key_is_refused() -> None:
    with pytest.raises(BadInput, match="'=x'"):
        settings.labels(("=x",), ())


NO_HEALTH = {"no_healthcheck": False, "health_cmd": None, "health_retries": None, **dict.fromkeys(settings.HEALTH_DURATIONS)}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, {}),
        ({"health_cmd": "true", "health_interval": "1m30s"}, {"Test": ["CMD-SHELL", "true"], "Interval": 90 * 10**9}),
        ({"health_timeout": "500ms", "health_retries": "4"}, {"Timeout": 5 * 10**8, "Retries": 4}),
        ({"health_start_period": "2s", "health_start_interval": "0"}, {"StartPeriod": 2 * 10**9}),
        ({"no_healthcheck": True}, {"Test": ["NONE"]}),
    ],
)
def test_health_checks(flags: dict[str, Any], expected: dict[str, Any]) -> None:
    given = {**NO_HEALTH, "kept": 1, **flags}
    assert settings.healthcheck(given) == expected
    assert given == {"kept": 1}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"health_interval": "1x"}, "invalid duration '1x'"),
        ({"health_timeout": "10us"}, "at least 1ms"),
        ({"health_retries": "-1"}, "invalid health retries"),
        ({"no_healthcheck": True, "health_cmd": "true"}, "excludes"),
    ],
)
def test_health_checks_that_are_refused(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        settings.healthcheck({**NO_HEALTH, **flags})


def test_a_file_is_read_up_to_a_limit(file: Path) -> None:
    file.write_bytes(b"A=1\n" + b"#" * given.TEXT_MAX)
    with pytest.raises(BadInput, match=f"^environment file '{file}': more than 4194304 bytes$"):
        settings.environment((), (str(file),))
    with pytest.raises(BadInput, match=r"^label file '/dev/zero': more than 4194304 bytes$"):
        settings.labels((), ("/dev/zero",))
