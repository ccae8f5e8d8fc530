"""Shapes say, as data, what a JSON document is made of. Here is the one check that a document fits its shape.

A shape is one of these:

    "text"                                      a string without NUL
    "natural" "number" "real"                   a whole number from 0 on, any whole number, any number
    "truth"                                     true or false
    "any"                                       whatever JSON can say; in {"*": "any"} also null
    [shape]                                     a list whose members have this shape
    {"*": shape}                                an object with any fields, each of this shape
    {"name": shape, …}                          an object with these fields; fields that nobody knows are kept as they are

A field of an object is one of these:

    "name!": shape              it must be there
    "name": (shape, default)    if it is missing, it gets the default; with the default None, null is a value too; with the default {},
                                the fields of the new object get their defaults
    "name": shape               it may be missing; null is the same as missing, and is taken away

A constant that holds a shape, such as MOUNT_POINT, stands beside a TypedDict of its name, MountPoint. A unit test finds that both say the
same. That is why a reader of a checked document needs no check of its own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    Shape = str | list[Any] | dict[str, Any]
    # (name, the type of a plain value or None, whether it must be there, whether it has a default, the default, shape)
    Field = tuple[str, Any, bool, bool, Any, Shape]

_EXPECTED = {
    "text": "a text",
    "number": "a whole number",
    "natural": "a whole number that is not negative",
    "real": "a number",
    "truth": "true or false",
}
# A value of this type fits the shape, unless it is a text with a NUL or a negative number where a natural one should be.
_PLAIN = {"text": str, "number": int, "natural": int, "truth": bool}
# The fields of object shapes, by the identity of the shape. Shapes are constants, and each is read once.
_fields: dict[int, tuple[Field, ...]] = {}


class WrongShape(ValueError):
    """A part of a document is not what it should be. The text names the part, its value and what was expected."""

    def __init__(self, problem: str, name: str = "") -> None:
        super().__init__(f"{name} {problem}".lstrip())
        self.problem = problem
        self.name = name

    def of(self, part: str) -> WrongShape:
        """Return the same problem, told of the whole. `part` is the field, or the '[NUMBER]' of a list, in which it was found."""
        dot = "." if self.name and self.name[0] != "[" else ""
        return WrongShape(self.problem, part + dot + self.name)


def fit(value: Any, shape: Shape, name: str = "") -> None:
    """Check a document, and give what is missing its default. Raises WrongShape.

    name: what a message calls the whole document.
    """
    if name:
        _fit_part(value, shape, name)
    elif isinstance(shape, dict):
        if type(value) is not dict:
            raise WrongShape(f"{value!r}: expected an object")
        if "*" in shape:
            _fit_map(value, shape["*"])
        else:
            _fit_fields(value, _fields.get(id(shape)) or _read_fields(shape))
    elif isinstance(shape, list):
        if type(value) is not list:
            raise WrongShape(f"{value!r}: expected a list")
        _fit_list(value, shape[0])
    elif not _is(value, shape):
        raise WrongShape(f"{value!r}: expected {_EXPECTED[shape]}")


def _fit_part(value: Any, shape: Shape, name: str) -> None:
    try:
        fit(value, shape)
    except WrongShape as error:
        raise error.of(name) from None


def _is(value: Any, kind: str) -> bool:
    found = type(value)
    if kind == "text":
        return found is str and "\0" not in value
    if kind in _PLAIN:
        return found is _PLAIN[kind] and (kind != "natural" or value >= 0)
    return kind == "any" or found is int or found is float


def _are_plain(values: Collection[Any], shape: Shape) -> bool:
    """Say whether there are no values, or only texts where texts should be. That is so for most lists and maps."""
    return not values or (shape == "text" and {*map(type, values)} == {str} and "\0" not in "".join(values))


def _fit_list(value: list[Any], shape: Shape) -> None:
    if not _are_plain(value, shape):
        for number, member in enumerate(value):
            _fit_part(member, shape, f"[{number}]")


def _fit_map(value: dict[str, Any], shape: Shape) -> None:
    if not _are_plain(value.values(), shape):
        for key in [key for key, member in value.items() if member is None and shape != "any"]:
            del value[key]
        for key, member in value.items():
            _fit_part(member, shape, key if key.isprintable() else repr(key))


def _fit_fields(value: dict[str, Any], fields: tuple[Field, ...]) -> None:
    for name, plain, is_needed, has_default, default, shape in fields:
        found: Any = value.get(name)
        # The plain cases come first, because a list of containers checks thousands of these.
        if type(found) is plain and ("\0" not in found if plain is str else shape != "natural" or found >= 0):
            continue
        if found is not None:
            _fit_part(found, shape, name)
        elif is_needed:
            raise WrongShape("is missing", name)
        elif not has_default:
            value.pop(name, None)
        elif default is None:
            value[name] = None
        else:
            value[name] = default.copy() if type(default) in (list, dict) else default
            if default == {}:
                fit(value[name], shape)  # The object's own fields have defaults too.


def _read_fields(shape: dict[str, Any]) -> tuple[Field, ...]:
    """Return the fields of an object's shape, and keep them for the next time."""
    fields: list[Field] = []
    for name, inner in shape.items():
        has_default = type(inner) is tuple
        kind, default = inner if has_default else (inner, None)
        plain = _PLAIN.get(kind) if isinstance(kind, str) else None
        fields.append((name.removesuffix("!"), plain, name.endswith("!"), has_default, default, kind))
    _fields[id(shape)] = tuple(fields)
    return _fields[id(shape)]
