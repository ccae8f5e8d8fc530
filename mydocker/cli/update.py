"""The verb update: change limits and the restart policy of containers."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.flags import UPDATE
from mydocker.cli.verb import SOME, argument, verb
from mydocker.engine.container import update as engine
from mydocker.engine.record import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@verb(
    *UPDATE,
    *EXPLAIN,
    argument("names", "CONTAINER...", SOME),
)
def update(session: Session, /, names: tuple[str, ...], **flags: Any) -> int:
    """Change limits and the restart policy of containers, at once where they run.

    Example: mydocker update -m 128m --cpus 1.5 web
    """
    wanted = engine.parse(flags)

    def one(name: str) -> None:
        record = containers.load(session.paths, containers.resolve(session.paths, name))
        runner(session).execute(engine.steps(session.paths, record, wanted))
        if not session.dry_run:
            echo(name)

    return each(names, one)
