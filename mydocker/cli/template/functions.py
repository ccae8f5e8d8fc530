"""The functions that a template may call: Go's, and docker's."""

from __future__ import annotations

from urllib.parse import quote_plus

from mydocker import leanjson
from mydocker.cli.template.printf import sprintf
from mydocker.cli.template.values import Problem, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"})
_JS = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
    | {chr(code): f"\\u{code:04X}" for code in range(32)}
)


def _as_json(value: Any) -> str:
    """Return a value as JSON, without the fields that take arguments, because JSON cannot show them."""
    whole = {key: each for key, each in value.items() if not callable(each)} if isinstance(value, dict) else value
    return leanjson.text(whole)


def _text(value: Any) -> str:
    """Return a text. None is an empty one: a map that has nothing under a name."""
    if value is not None and not isinstance(value, str):
        raise Problem(f"{shown(value)!r}: expected a text")
    return value or ""


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Problem(f"{shown(value)!r}: expected a whole number")
    return value


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, (list, tuple)):
        raise Problem(f"{shown(value)!r}: expected a list")
    return list(value or [])


def _len(value: Any) -> int:
    if value is None:
        return 0
    if not isinstance(value, (str, list, tuple, dict)):
        raise Problem(f"len of {shown(value)!r}: expected a text, a list or a map")
    return len(value.encode()) if isinstance(value, str) else len(value)


def _index(value: Any, *keys: Any) -> Any:
    """Return value[key][key]…. What a map does not have is an empty text."""
    for key in keys:
        if isinstance(value, dict) or value is None:
            value = (value or {}).get(key, "")
        elif not isinstance(value, (str, list, tuple)):
            raise Problem(f"index of {shown(value)!r}: expected a text, a list or a map")
        elif not 0 <= _whole(key) < _len(value):
            raise Problem(f"index out of range: {key}")
        else:
            value = value.encode()[key] if isinstance(value, str) else value[key]
    return value


def _slice(value: Any, *ends: Any) -> Any:
    """Return value[start:end] of a list, or of the bytes of a text."""
    if not isinstance(value, (str, list, tuple)) or len(ends) > 2:
        raise Problem(f"slice of {shown(value)!r}: expected a text or a list, and at most two numbers")
    whole = value.encode() if isinstance(value, str) else value
    start, end = [*map(_whole, ends), *(0, len(whole))[len(ends) :]]
    if not 0 <= start <= end <= len(whole):
        raise Problem(f"slice out of range: {start}:{end} of {len(whole)}")
    return whole[start:end].decode(errors="replace") if isinstance(whole, bytes) else whole[start:end]


def _print(*values: Any) -> str:
    """Return values as Go's print writes them: with a blank between two that are no texts."""
    text = ""
    for number, value in enumerate(values):
        is_apart = number > 0 and not isinstance(value, str) and not isinstance(values[number - 1], str)
        text += (" " if is_apart else "") + shown(value)
    return text


def _told(values: Sequence[Any]) -> str:
    """Return the text that html, js and urlquery escape."""
    return _print(*("<no value>" if value is None else value for value in values))


def _title(text: Any) -> str:
    """Return a text with the first letter of each word large."""
    made, before = [], " "
    for letter in _text(text):
        starts = not (before.isalnum() or before == "_")
        made.append(letter.title() if starts and len(letter.title()) == 1 else letter)
        before = letter
    return "".join(made)


def _pad(text: Any, before: Any, after: Any) -> str:
    return " " * _whole(before) + text + " " * _whole(after) if _text(text) else ""


def _truncate(text: Any, length: Any) -> str:
    if _whole(length) < 0:
        raise Problem(f"truncate to {length}: expected no negative number")
    return _text(text).encode()[:length].decode(errors="ignore")


def _join(values: Any, separator: Any) -> str:
    return _text(separator).join(map(shown, _list(values)))


def _split(text: Any, separator: Any) -> list[str]:
    return _text(text).split(separator) if _text(separator) else list(_text(text))


def _call(function: Any, *arguments: Any) -> Any:
    if not callable(function):
        raise Problem(f"call of {shown(function)!r}, which is no function")
    return function(*arguments)


def _same(first: Any, *others: Any) -> bool:
    """Say whether the first value is one of the others. A text is never a number: to compare them is an error."""
    for other in others:
        _comparable(first, other)
    return any(first == other for other in others)


def _comparable(first: Any, other: Any) -> None:
    kinds = {type(each) for each in (first, other) if each is not None}
    if len(kinds) > 1:
        raise Problem(f"{shown(first)!r} and {shown(other)!r} are of different kinds")
    if kinds & {list, tuple, dict} and None not in (first, other):
        raise Problem(f"{shown(first)!r}: lists and maps cannot be compared")


def _less(first: Any, other: Any) -> bool:
    _comparable(first, other)
    if not isinstance(first, (int, float, str)) or isinstance(first, bool) or other is None:
        raise Problem(f"{shown(first)!r} has no order: expected a number or a text")
    return bool(first < other)


def _at_least_one(compare: Callable[..., bool]) -> Callable[..., bool]:
    def function(first: Any, second: Any, *others: Any) -> bool:
        return compare(first, second, *others)

    return function


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "call": _call,
    "eq": _at_least_one(_same),
    "ge": lambda first, second: not _less(first, second),
    "gt": lambda first, second: not _less(first, second) and not _same(first, second),
    "html": lambda *values: _told(values).translate(_HTML),
    "index": _index,
    "join": _join,
    "js": lambda *values: _told(values).translate(_JS),
    "json": _as_json,
    "le": lambda first, second: _less(first, second) or _same(first, second),
    "len": _len,
    "lower": lambda text: _text(text).lower(),
    "lt": lambda first, second: _less(first, second),
    "ne": lambda first, second: not _same(first, second),
    "not": lambda value: not value,
    "pad": _pad,
    "print": _print,
    "printf": lambda form, *values: sprintf(_text(form), values),
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "slice": _slice,
    "split": _split,
    "title": _title,
    "truncate": _truncate,
    "upper": lambda text: _text(text).upper(),
    "urlquery": lambda *values: quote_plus(_told(values)),
}


def _as_it_is(text: Any, *_: Any) -> Any:
    return text


# In a table's heading the functions of docker leave the words alone.
HEADING_FUNCTIONS: dict[str, Callable[..., Any]] = FUNCTIONS | dict.fromkeys(("json", "title", "lower", "upper", "truncate"), _as_it_is)
