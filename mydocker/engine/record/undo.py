"""Steps that are done all, or not at all."""

from __future__ import annotations

from mydocker.errors import Error, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.steps.base import Run


class AllOrNothing:
    """A `with` block whose failure undoes all steps of a run. The error is told first, and after it what could not be undone."""

    __slots__ = ("run",)

    def __init__(self, run: Run) -> None:
        self.run = run

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, (Error, OSError)):
            return
        problems = self.run.undo_all()
        if problems:
            raise with_problems(error, problems) from error


def with_problems(error: Error | OSError, problems: list[Error]) -> Error:
    """Return an error that tells what could not be undone after itself."""
    told = error if isinstance(error, Error) else StepFailed(str(error), error.errno or 0)
    told.message += "".join(f"; not undone: {problem.message}" for problem in problems)
    return told
