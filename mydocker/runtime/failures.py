"""An error as data: how one process of ours tells another what it failed with."""

from __future__ import annotations

from mydocker import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def failure(error: errors.Error) -> dict[str, Any]:
    """Return an error as data that a parent can raise again."""
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint, "errno": getattr(error, "errno", 0)}


def error_from(data: dict[str, Any]) -> errors.Error:
    """Return the exception that init, in its own words, ended with."""
    kind: type[errors.Error] = getattr(errors, data["type"], errors.Error)
    if issubclass(kind, errors.StepFailed):
        return kind(data["message"], data["errno"], data["hint"])
    return kind(data["message"], data["hint"])
