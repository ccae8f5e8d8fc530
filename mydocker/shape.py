"""What a JSON document is made of: its shape, written as data, and the one check that a document fits it.

A shape is one of these:

    "text" "natural" "number" "real" "truth"    a string without NUL, a whole number (natural: 0 or more), any number, true or false
    "any"                                       whatever JSON can say, in {"*": "any"} also null
    [shape]                                     a list whose members have this shape
    {"*": shape}                                an object with any fields, each of this shape
    {"name": shape, …}                          an object with these fields; fields that nobody knows are kept as they are

A field of an object is one of these:

    "name!": shape              it must be there
    "name": (shape, default)    what is missing gets the default; where the default is None, null is a value too
                                an object that is missing gets its own fields' defaults with it
    "name": shape               it may be missing; null is the same as missing, and is taken away

A constant that holds a shape, such as MOUNT_POINT, stands beside a TypedDict of its name, MountPoint, and a unit test finds that both say
the same. That is why a reader of a checked document needs no check of its own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Shape = str | list[Any] | dict[str, Any]
    # (name, whether it must be there, whether it has a default, the default, shape)
    Field = tuple[str, bool, bool, Any, Shape]

_EXPECTED = {
    "text": "a text",
    "number": "a whole number",
    "natural": "a whole number that is not negative",
    "real": "a number",
    "truth": "true or false",
}
# The fields of object shapes, by the shape's identity: shapes are constants, and each is read once.
_fields: dict[int, tuple[Field, ...]] = {}


class WrongShape(ValueError):
    """A part of a document is not what it should be; the text names the part, its value and what was expected."""


def fit(value: Any, shape: Shape, name: str = "") -> None:
    """Check a document, and give what is missing its default. name: what the whole is called. Raises WrongShape."""
    if isinstance(shape, str):
        if not _is(value, shape):
            raise WrongShape(f"{name} {value!r}: expected {_EXPECTED[shape]}".lstrip())
    elif isinstance(shape, list):
        if type(value) is not list:
            raise WrongShape(f"{name} {value!r}: expected a list".lstrip())
        inner = shape[0]
        for number, member in enumerate(value):
            # The plain case first: a seccomp filter names hundreds of calls.
            if inner == "text" and type(member) is str and "\0" not in member:
                continue
            fit(member, inner, f"{name}[{number}]")
    elif type(value) is not dict:
        raise WrongShape(f"{name} {value!r}: expected an object".lstrip())
    elif "*" in shape:
        _fit_map(value, shape["*"], name)
    else:
        _fit_fields(value, shape, name)


def _is(value: Any, kind: str) -> bool:
    found = type(value)
    if kind == "text":
        return found is str and "\0" not in value
    if kind == "natural":
        return found is int and value >= 0
    if kind == "truth":
        return found is bool
    if kind == "number":
        return found is int
    return kind == "any" or found is int or found is float


def _fit_map(value: dict[str, Any], shape: Shape, name: str) -> None:
    for key in [key for key, member in value.items() if member is None and shape != "any"]:
        del value[key]
    for key, member in value.items():
        shown = key if key.isprintable() else repr(key)
        fit(member, shape, f"{name}.{shown}" if name else shown)


def _fit_fields(value: dict[str, Any], shape: dict[str, Any], name: str) -> None:
    for field, is_needed, has_default, default, inner in _fields.get(id(shape)) or _read_fields(shape):
        found = value.get(field)
        if found is not None:
            # The plain cases first: a list of containers checks thousands of these.
            if inner == "text" and type(found) is str and "\0" not in found:
                continue
            fit(found, inner, f"{name}.{field}" if name else field)
        elif is_needed:
            raise WrongShape(f"{name}.{field} is missing" if name else f"{field} is missing")
        elif has_default:
            value[field] = default.copy() if type(default) in (list, dict) else default
            if default == {}:
                fit(value[field], inner)
        else:
            value.pop(field, None)


def _read_fields(shape: dict[str, Any]) -> tuple[Field, ...]:
    """Return an object shape's fields, and keep them."""
    fields = []
    for name, inner in shape.items():
        has_default = type(inner) is tuple
        kind, default = inner if has_default else (inner, None)
        fields.append((name.removesuffix("!"), name.endswith("!"), has_default, default, kind))
    _fields[id(shape)] = tuple(fields)
    return _fields[id(shape)]
