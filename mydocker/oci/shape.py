"""The check of config.json and its parts against their shapes (runtime/spec.py), before anything happens. Others have written them."""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.shape import WrongShape, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.shape import Shape


def check_shape(value: object, shape: Shape, name: str = "") -> None:
    """Check that a value has a shape, and fill in the defaults.

    name: what the value is called in an error message, or '' for the whole config.json.

    Raises BadInput for the first part that does not fit.
    """
    try:
        fit(value, shape, name)
    except WrongShape as error:
        is_whole = not name and type(value) is not dict
        raise BadInput(f"config.json {error}" if is_whole else str(error)) from error
