"""The verb system check: list what a crash has left and what is damaged, and make it right."""

from __future__ import annotations

from mydocker.cli.base import Session, complain, echo
from mydocker.cli.verb import switch, verb
from mydocker.engine.system import repair


@verb(
    switch("--repair", "do_repair", help="Remove what a crash left, put away what is damaged."),
)
def check(session: Session, do_repair: bool) -> int:
    """List what a crash left behind and what is damaged; exit 1 if there is anything.

    Example: mydocker system check --repair
    """
    status = 0
    for leftover in repair.leftovers(session.paths):
        problems = leftover.repair() if do_repair else []
        echo((f"{leftover.done} " if do_repair and not problems else "") + leftover.what)
        for problem in problems:
            complain(problem.message, problem.hint)
        status = 1 if problems or not do_repair else status
    return status
