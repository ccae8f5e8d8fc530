"""The functions that a --format template may call."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def shown(value: Any) -> str:
    """Return a value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if isinstance(value, list):
        return "[" + " ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{shown(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def _as_json(value: Any) -> str:
    """Return a value as JSON, without the fields that take arguments, because JSON cannot show them."""
    whole = {key: each for key, each in value.items() if not callable(each)} if isinstance(value, dict) else value
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = (value or {}).get(key, "") if isinstance(value, dict) or value is None else value[key]
    return value


def _join(values: list[Any] | None, separator: str) -> str:
    return separator.join(map(shown, values or []))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": _as_json,
    "len": lambda value: len(value or ()),
    "upper": lambda text: shown(text).upper(),
    "lower": lambda text: shown(text).lower(),
    "title": lambda text: shown(text).title(),
    "join": _join,
    "split": lambda text, separator: text.split(separator),
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "printf": lambda form, *values: (
        form.replace("%v", "%s").replace("%q", '"%s"') % tuple(v if isinstance(v, int) else shown(v) for v in values)
    ),
    "print": lambda *values: "".join(map(shown, values)),
    "index": _index,
    "eq": lambda first, *others: first in others,
    "ne": lambda first, second: first != second,
    "not": lambda value: not value,
    "and": lambda *values: next((value for value in values if not value), values[-1]),
    "or": lambda *values: next((value for value in values if value), values[-1]),
}
