"""Objects of which JSON has only the fields that say something, as docker writes some of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = dict[str, Any]
else:
    Fields = dict


class Omitting(Fields):
    """An object without those of its fields that say nothing. A template finds them all the same: they are nil.

    omitted: the names of all fields that may be left out
    """

    def __init__(self, fields: Fields, *omitted: str) -> None:
        super().__init__({name: value for name, value in fields.items() if name not in omitted or _says(value)})
        self.omitted = omitted


def _says(value: Any) -> bool:
    """Say whether a value is more than nothing, false or empty. The number 0 is: somebody has chosen it."""
    return bool(value) or type(value) is int
