"""Checking what is somebody else's, config.json and its parts, against its shape (runtime/spec.py) before anything happens."""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.shape import WrongShape, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.shape import Shape


def check_shape(value: object, shape: Shape, name: str = "") -> None:
    """Fill in what has a default, or raise BadInput for the first part of `value` that is not of its shape. name: what it is called."""
    try:
        fit(value, shape, name)
    except WrongShape as error:
        is_whole = not name and type(value) is not dict
        raise BadInput(f"config.json {error}" if is_whole else str(error)) from error
