"""The verbs top and diff: show what happens inside a container."""

from __future__ import annotations

import subprocess

from mydocker.cli.base import Session, echo
from mydocker.cli.table import harmless, table
from mydocker.cli.verb import ANY, argument, verb
from mydocker.engine.container import life
from mydocker.engine.container.snapshots import changes
from mydocker.engine.record import containers, events
from mydocker.errors import BadInput, Error
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
    process = life.running_process(session.paths, record)
    process.close()
    pids = {str(pid) for pid in process.cgroup.pids()}
    heading, *lines = _ps(options or ("-ef",))
    columns = heading.split()
    if "PID" not in columns:
        raise BadInput(f"ps {' '.join(options)} shows no PID column, which tells whose process it is", "add -o pid")
    rows = [line.split(None, len(columns) - 1) for line in lines]
    found = [row for row in rows if row[columns.index("PID")] in pids]
    events.of_container(session.paths, record, "top")
    echo(table([columns, *([*row, *[""] * (len(columns) - len(row))] for row in found)]))


def _ps(options: tuple[str, ...]) -> list[str]:
    """Return the lines that the host's ps prints. Raises Error with the words of ps."""
    try:
        result = subprocess.run(["ps", *options], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise Error("ps was not found on this host", "install procps") from error
    except subprocess.CalledProcessError as error:
        raise BadInput(f"ps {' '.join(options)}: {(error.stderr.strip().splitlines() or ['failed'])[-1]}") from error
    return result.stdout.splitlines()


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
