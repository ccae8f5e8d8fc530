"""The verbs top and diff: show what happens inside a container."""

from __future__ import annotations

from mydocker.cli.base import Session, echo
from mydocker.cli.table import harmless, table
from mydocker.cli.verb import ANY, argument, verb
from mydocker.engine.container import processes
from mydocker.engine.container.snapshots import changes
from mydocker.engine.record import containers
from mydocker.storage import drivers


@verb(
    argument("name", "CONTAINER"),
    argument("options", "[PS-OPTION...]", ANY),
    is_interspersed=False,
)
def top(session: Session, /, name: str, options: tuple[str, ...]) -> None:
    """Show a container's processes, as the host's ps sees them.

    Example: mydocker top web -o pid,comm
    """
    record = containers.load(session.paths, containers.resolve(session.paths, name))
    heading, rows = processes.table(session.paths, record, options)
    echo(table([heading, *rows]))


@verb(
    argument("name", "CONTAINER"),
)
def diff(session: Session, /, name: str) -> None:
    """Show which files a container has added (A), changed (C) and deleted (D).

    Example: mydocker diff web
    """
    record = containers.load(session.paths, containers.resolve(session.paths, name))
    driver = drivers.driver(record["storageDriver"], session.paths)
    for change in changes(session.paths, driver, record):
        echo(f"{change.kind} {harmless(change.path)}")
