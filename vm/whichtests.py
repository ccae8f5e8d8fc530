"""Find out which tests run: those that pytest's arguments name, or the usual ones if they name none."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def which_tests(arguments: list[str], usual: list[str]) -> list[str]:
    """Return pytest's arguments, with the usual tests added if they name no tests. So `-k exec` alone chooses among the usual tests."""
    return arguments if any(map(_names_tests, arguments)) else [*arguments, *usual]


def _names_tests(word: str) -> bool:
    return "/" in word and (REPOSITORY / word.partition("::")[0]).exists()
