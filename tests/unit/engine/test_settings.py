"""Environment variables and labels, from flags and from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.engine import settings
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
