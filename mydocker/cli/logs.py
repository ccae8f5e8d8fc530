"""The verb logs: print what a container wrote."""

from __future__ import annotations

import sys

from mydocker.cli.base import Session
from mydocker.cli.verb import argument, option, switch, verb
from mydocker.engine.record import containers, state
from mydocker.engine.record.moments import moment, timestamp
from mydocker.engine.record.reader import Entry, LogReader
from mydocker.errors import BadInput, Conflict
from mydocker.kernel.inotify import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The end of a container without a monitor changes nothing in the watched directory. It may go unnoticed for this many seconds.
_PATIENCE = 1.0


@verb(
    switch("-f", "--follow", help="Go on with what it writes, until it ends."),
    option("-n", "--tail", metavar="N", default="all", help="Only the last N lines [all]."),
    option("--since", metavar="TIME", help="Only what is newer: a time, or a span such as 10m."),
    option("--until", metavar="TIME", help="Only what is older."),
    switch("-t", "--timestamps", help="Show when each line was written."),
    switch("--details", help="Show the log's extra attributes, of which json-file has none."),
    argument("name", "CONTAINER"),
)
def logs(
    session: Session, /, follow: bool, tail: str, since: str | None, until: str | None, timestamps: bool, details: bool, name: str
) -> None:
    """Print what a container wrote, standard output and error apart.

    Example: mydocker logs -f --tail 20 web
    """
    bounds = (moment(since) if since else "", moment(until) if until else "")
    count = _count(tail)
    record = containers.load(session.paths, containers.resolve(session.paths, name))
    if record["hostConfig"]["LogConfig"]["Type"] == "none":
        raise Conflict(f"container {name} has no log: it was created with --log-driver none")
    reader = LogReader(f"{session.paths.container(record['id'])}/log.json")
    if count is not None:
        reader.skip_to_last(count)
    try:
        for entry in _following(session, record["id"], reader, bounds[1]) if follow else map(Entry, reader.lines()):
            if bounds[0] <= entry.time and (not bounds[1] or entry.time <= bounds[1]):
                _print(entry, timestamps, details)
    finally:
        reader.close()


def _count(text: str) -> int | None:
    """Return the number of lines that --tail asks for, or None for all. Raises BadInput."""
    if text == "all" or text.startswith("-"):
        return None
    if not text.isdigit():
        raise BadInput(f"invalid --tail {text!r}: expected a number or all")
    return int(text)


def _following(session: Session, container_id: str, reader: LogReader, until: str) -> Iterator[Entry]:
    """Yield entries until the container has ended or the time `until` is over. until: RFC 3339 in UTC, '' for never."""
    watch = Watch(session.paths.container(container_id))
    try:
        over = False
        while not over:
            over = not (state.running_pid(session.paths, container_id) or state.has_monitor(session.paths, container_id))
            over = over or bool(until and timestamp() > until)
            yield from map(Entry, reader.lines())
            sys.stdout.flush()
            if not over:
                watch.wait(_PATIENCE)
    finally:
        watch.close()


def _print(entry: Entry, timestamps: bool, details: bool) -> None:
    output: Any = sys.stdout.buffer if entry.stream == "stdout" else sys.stderr.buffer
    output.write((entry.time.encode() + b" " if timestamps else b"") + (b" " if details else b"") + entry.text)
    if entry.stream == "stderr":
        output.flush()
