"""The verb system check: list what a crash has left and what is damaged, and make it right."""

from __future__ import annotations

from itertools import chain

from mydocker.cli.base import EXPLAIN, Session, complain, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import switch, verb
from mydocker.engine.system import repair
from mydocker.engine.system.layers import differing
from mydocker.steps.base import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.system.leftover import Leftover
    from mydocker.errors import Error


@verb(
    switch("--repair", "do_repair", help="Remove what a crash left, put away what is damaged."),
    switch("--layers", help="Compare each unpacked layer with its image, too: what a power cut took."),
    *EXPLAIN,
)
def check(session: Session, do_repair: bool, layers: bool) -> int:
    """List what a crash left behind and what is damaged; exit 1 if there is anything.

    Example: mydocker system check --repair
    """
    status = 0
    # One after the other: what is repaired may bring the next one to light.
    for leftover in chain(repair.leftovers(session.paths), differing(session.paths) if layers else ()):
        problems = _mended(session, leftover) if do_repair else []
        if not do_repair or not session.dry_run:
            echo((f"{leftover.done} " if do_repair and not problems else "") + leftover.what)
        for problem in problems:
            complain(problem.message, problem.hint)
        status = 1 if problems or not do_repair else status
    return status


def _mended(session: Session, leftover: Leftover) -> list[Error]:
    """Make one thing right, or only tell it. Return what that failed with."""
    problems: list[Error] = []
    runner(session).apply(Action(lambda: problems.extend(leftover.repair()), f"make right: {leftover.what}"))
    return problems
