"""The verb logs: print what a container wrote."""

from __future__ import annotations

import sys

from mydocker.cli.base import Session
from mydocker.cli.verb import argument, option, switch, verb
from mydocker.engine.record import containers, following
from mydocker.engine.record.moments import moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.record.reader import Entry


@verb(
    switch("-f", "--follow", help="Go on with what it writes, until it ends."),
    option("-n", "--tail", metavar="N", default="all", help="Only the last N lines [all]."),
    option("--since", metavar="TIME", help="Only what is newer: a time, or a span such as 10m."),
    option("--until", metavar="TIME", help="Only what is older."),
    switch("-t", "--timestamps", help="Show when each line was written."),
    switch("--details", help="Show the attributes that --log-opt labels, env and tag have given the log."),
    argument("name", "CONTAINER"),
)
def logs(
    session: Session, /, follow: bool, tail: str, since: str | None, until: str | None, timestamps: bool, details: bool, name: str
) -> None:
    """Print what a container wrote, standard output and error apart.

    Example: mydocker logs -f --tail 20 web
    """
    bounds = (moment(since) if since else "", moment(until) if until else "")
    count = following.count(tail)
    record = containers.load(session.paths, containers.resolve(session.paths, name))
    reader = following.reader(session.paths, record, count)
    try:
        for entry in following.entries(session.paths, record["id"], reader, bounds, follow, _flush):
            _print(entry, timestamps, details)
    finally:
        reader.close()


def _flush() -> bool:
    sys.stdout.flush()
    return True


def _details(entry: Entry) -> bytes:
    from mydocker.engine.record.attributes import shown  # few ask for them

    return shown(entry.attributes)


def _print(entry: Entry, timestamps: bool, details: bool) -> None:
    output: Any = sys.stdout.buffer if entry.stream == "stdout" else sys.stderr.buffer
    output.write((entry.time.encode() + b" " if timestamps else b"") + (_details(entry) if details else b"") + entry.text)
    if entry.stream == "stderr":
        output.flush()
