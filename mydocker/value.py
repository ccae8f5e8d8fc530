"""Values are objects of classes that declare their fields, each with its type and a comment, and need no constructor of their own.

    class Change(Value):
        \"""What a container did to one path.\"""

        path: str  # from the container's root
        kind: str = "C"  # 'A' added, 'C' changed, 'D' deleted

A value is made by keyword: Change(path="/etc/hosts"). A default is shared by all values, so it must be one that nobody can change. Two
values are equal if they are of the same class and all their fields are equal. (dataclasses would cost every start 15 ms.)
"""

from __future__ import annotations

__all__ = ["Fields", "Value", "dataclass_transform", "fill"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda decorated: decorated


class Fields(type):
    """The class of classes with declared fields. It turns a class's annotations into its slots and its fields."""

    _fields: tuple[str, ...] = ()  # the names, in their order
    _defaults: dict[str, Any] = {}  # noqa: RUF012 - never changed, only replaced

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Fields:
        annotations = namespace.get("__annotations__", {})
        own = tuple(field for field, kind in annotations.items() if not kind.startswith("ClassVar"))
        defaults = {field: namespace.pop(field) for field in own if field in namespace}
        namespace.setdefault("__slots__", own)
        made = super().__new__(cls, name, bases, namespace)
        made._fields += own
        made._defaults = made._defaults | defaults
        return made


def fill(made: Any, given: dict[str, Any]) -> None:
    """Set the fields of a new object. Raises TypeError for a field that is missing or unknown."""
    for field in made._fields:
        if field in given:
            setattr(made, field, given.pop(field))
        elif field in made._defaults:
            setattr(made, field, made._defaults[field])
        else:
            raise TypeError(f"{type(made).__name__}: {field} is missing")
    if given:
        raise TypeError(f"{type(made).__name__} has no field {', '.join(given)}")


@dataclass_transform(kw_only_default=True)
class Value(metaclass=Fields):
    """The base class of values. Raises TypeError for a field that is missing or unknown."""

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[dict[str, Any]]

    def __init__(self, **given: Any) -> None:
        fill(self, given)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(getattr(self, field) == getattr(other, field) for field in self._fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, field) for field in self._fields)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{field}={getattr(self, field)!r}' for field in self._fields)})"
