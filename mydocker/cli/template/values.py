"""What values are to a template: their kinds, whether they are true, how they print, and their fields."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


# From so many digits before the point on, a float is printed with an exponent.
_MANY = 6


class Problem(Exception):
    """A template is none, or cannot be applied to a value. Its words go behind the template itself."""


def kind(value: Any) -> str:
    """Return Go's name of a value's type."""
    kinds = {bool: "bool", int: "int", float: "float64", list: "[]interface {}", tuple: "[]interface {}", type(None): "<nil>"}
    return kinds.get(type(value)) or ("map[string]interface {}" if isinstance(value, dict) else "string")


def number(value: float) -> str:
    """Return a float as %v prints it: with as few digits as tell it from its neighbours."""
    if value - value != 0:
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
    digits = repr(abs(value)).partition("e")[0].replace(".", "").strip("0") or "0"
    text = f"{value:.{len(digits) - 1}e}"
    power = int(text.partition("e")[2])
    return text if power < -4 or power >= _MANY else f"{value:.{max(0, len(digits) - 1 - power)}f}"


def shown(value: Any) -> str:
    """Return a value as Go's print does."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(map(shown, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{shown(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def field(value: Any, name: str) -> Any:
    """Return a field of a document, or what a map has under a name: None if it has nothing."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Problem(f"{shown(value)!r} has no field {name!r}")
    if name not in value and value and not _is_map(value) and name not in getattr(value, "omitted", ()):
        raise Problem(f"there is no field {name!r}: expected one of {', '.join(map(str, value))}")
    return value.get(name)


def _is_map(value: Iterable[object]) -> bool:
    """Say whether a dictionary has names that the user chose, as labels have. It may lack a name, but a document has all its fields."""
    return not all(isinstance(key, str) and key[:1].isupper() for key in value)


def called(method: Any, name: str, arguments: list[Any]) -> Any:
    """Return what a field that takes one text returns."""
    if not callable(method):
        raise Problem(f"{name} takes no argument")
    if len(arguments) != 1 or not isinstance(arguments[0], str):
        raise Problem(f'{name} expects one text, as in {{{{{name} "a"}}}}')
    return method(arguments[0])


def items(value: Any) -> list[tuple[Any, Any]] | enumerate[Any]:
    """Return the pairs that range goes through."""
    if value is None:
        return []
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return enumerate(range(value))
    raise Problem(f"range over {shown(value)!r}: expected a list, a map or a number")
