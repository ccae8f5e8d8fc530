"""--filter KEY=VALUE, which may be given several times.

The rule is docker's: an object fits if it fits each key. It fits a key if it fits one of the key's values; of labels it must fit all.
A key that ends with ! is written KEY!=VALUE.
"""

from __future__ import annotations

from mydocker.engine.record.moments import nanoseconds
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    # By key: a function of an object and a value that says whether the object fits.
    Tests = dict[str, Callable[[Any, str], bool]]


def parse(texts: tuple[str, ...], tests: Tests, checks: Mapping[str, Callable[[str], object]] | None = None) -> Callable[[Any], bool]:
    """Return a function that says whether an object fits.

    texts: the filters, each KEY=VALUE.
    tests: the test of each key.
    checks: for some keys, a function that raises an error for a wrong value.

    Raises BadInput for a key that is not in `tests`, and what a check raises.
    """
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
    """Return a check for parse(): the key's value must be one of these words."""

    def check(value: str) -> str:
        if value not in words:
            raise BadInput(f"invalid filter '{key}={value}': expected {', '.join(words)}")
        return value

    return check


def label_tests(labels: Callable[[Any], dict[str, str] | None]) -> Tests:
    """Return the tests of label=… and label!=….

    labels: a function that returns an object's labels.
    """
    return {
        "label": lambda candidate, text: has_label(labels(candidate), text),
        "label!": lambda candidate, text: not has_label(labels(candidate), text),
    }


def prune_filter(
    texts: tuple[str, ...], labels: Callable[[Any], dict[str, str] | None], created: Callable[[Any], str] | None
) -> Callable[[Any], bool]:
    """Return a function that says whether a prune with these filters may remove an object. Raises BadInput as parse() does.

    labels: a function that returns an object's labels.
    created: a function that returns when an object was made, in RFC 3339; None if `until` means nothing for this kind.
    """
    tests = label_tests(labels)
    if created is None:
        return parse(texts, tests)
    tests["until"] = lambda candidate, text: nanoseconds(created(candidate)) < nanoseconds(text)
    return parse(texts, tests, {"until": nanoseconds})


def has_label(labels: dict[str, str] | None, text: str) -> bool:
    """Say whether the labels hold the one that `text` names: KEY, or KEY=VALUE."""
    key, equals, value = text.partition("=")
    return key in (labels or {}) and (not equals or (labels or {})[key] == value)
