"""What `system check` tells of, and how --repair makes it right."""

from __future__ import annotations

from mydocker.errors import attempt
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.errors import Error


class Leftover(Value):
    """One thing that should not be so."""

    what: str
    repair: Callable[[], list[Error]]  # returns what it failed with
    done: str = "removed"  # what repair() has done to it


def trying(action: Callable[..., object], *arguments: object) -> Callable[[], list[Error]]:
    """Return what calls an action and returns its failure."""

    def repair() -> list[Error]:
        problems: list[Error] = []
        attempt(problems, action, *arguments)
        return problems

    return repair
