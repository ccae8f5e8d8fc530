"""--filter KEY=VALUE: values of one key are alternatives, labels and different keys must all fit (docker's rule).

A key that ends with ! takes KEY!=VALUE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mydocker.errors import BadInput

# (object, value) → whether it fits.
Tests = dict[str, Callable[[Any, str], bool]]


def parse(texts: tuple[str, ...], tests: Tests, checks: Mapping[str, Callable[[str], object]] | None = None) -> Callable[[Any], bool]:
    """Return what says whether an object fits. Raises BadInput for a key that is not in `tests`, and what the key's check raises."""
    wanted: dict[str, list[str]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key not in tests:
            raise BadInput(f"invalid filter {text!r}: expected {', '.join(f'{name}=…' for name in tests)}")
        if checks and key in checks:
            checks[key](value)
        wanted.setdefault(key, []).append(value)

    def fits(candidate: Any) -> bool:
        return all(
            (all if key.startswith("label") else any)(tests[key](candidate, value) for value in values) for key, values in wanted.items()
        )

    return fits


def one_of(key: str, *words: str) -> Callable[[str], str]:
    """Return the check of a key whose value is one of these words."""

    def check(value: str) -> str:
        if value not in words:
            raise BadInput(f"invalid filter '{key}={value}': expected {', '.join(words)}")
        return value

    return check


def label_tests(labels: Callable[[Any], dict[str, str] | None]) -> Tests:
    """Return the tests label=… and label!=…; labels: returns those of an object."""
    return {
        "label": lambda candidate, text: has_label(labels(candidate), text),
        "label!": lambda candidate, text: not has_label(labels(candidate), text),
    }


def has_label(labels: dict[str, str] | None, text: str) -> bool:
    """Say whether there is a label KEY, or KEY=VALUE."""
    key, equals, value = text.partition("=")
    return key in (labels or {}) and (not equals or (labels or {})[key] == value)
