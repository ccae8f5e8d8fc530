"""What a check finds: a list of facts, of which each holds or does not."""

from __future__ import annotations

from mydocker.learn.texts import Text
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mydocker.learn.process import Process


class Fact(Value):
    """One thing that must be true when an exercise is done."""

    holds: bool
    sentence: Text  # what must be true
    hint: Text  # what is different, and what to look at, if it is not


def fact(holds: bool, sentence: Text, hint: Text) -> Fact:
    """Return a Fact."""
    return Fact(holds=holds, sentence=sentence, hint=hint)


def all_hold(facts: list[Fact]) -> bool:
    """Say whether an exercise is done. Without any fact it is not."""
    return bool(facts) and all(each.holds for each in facts)


def best(processes: Iterable[Process], judge: Callable[[Process], list[Fact]], nobody: Fact) -> list[Fact]:
    """Return the facts of the process that comes nearest. `env X=y unshare ... sleep` are two processes, and both carry the mark.

    judge: returns the facts of one process, in an order in which each matters only if those before it hold
    nobody: what is said if there is no process at all
    """
    judged = [judge(process) for process in processes]
    return max(judged, key=_agreed, default=[nobody])


def _agreed(facts: list[Fact]) -> tuple[int, int]:
    """Return how many facts hold before the first that does not, and how many in all."""
    holding = [each.holds for each in facts]
    return (holding.index(False) if False in holding else len(holding)), sum(holding)
