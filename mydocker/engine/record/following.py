"""What a container wrote, between two moments, and then what it writes until it ends."""

from __future__ import annotations

from mydocker.engine.record import state
from mydocker.engine.record.moments import timestamp
from mydocker.engine.record.reader import Entry, LogReader
from mydocker.errors import BadInput, Conflict
from mydocker.kernel.inotify import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

# The end of a container without a monitor changes nothing in the watched directory. It may go unnoticed for this many seconds.
_PATIENCE = 1.0


def count(text: str) -> int | None:
    """Return the number of lines that --tail asks for, or None for all. Raises BadInput."""
    if text == "all" or text.startswith("-"):
        return None
    if not text.isdigit():
        raise BadInput(f"invalid --tail {text!r}: expected a number or all")
    return int(text)


def reader(paths: Paths, record: Record, tail: int | None) -> LogReader:
    """Return the reader of a container's log, at its last `tail` lines. Raises Conflict if there is no log."""
    if record["hostConfig"]["LogConfig"]["Type"] == "none":
        raise Conflict(f"container {record['name']} has no log: it was created with --log-driver none")
    opened = LogReader(f"{paths.container(record['id'])}/log.json")
    if tail is not None:
        opened.skip_to_last(tail)
    return opened


def entries(
    paths: Paths,
    container_id: str,
    log: LogReader,
    bounds: tuple[str, str],
    follow: bool,
    idle: Callable[[], bool],
    clients: tuple[int, ...] = (),
) -> Iterator[Entry]:
    """Yield the entries of a log, and with `follow` what is added until the container ends.

    bounds: no entry is older than the first nor younger than the second; both RFC 3339 in UTC, '' for none
    idle: is called when all is told for now; with False it ends the following
    clients: descriptors; when one hangs up, idle() is called at once
    """
    since, until = bounds
    for entry in _following(paths, container_id, log, until, idle, clients) if follow else map(Entry, log.lines()):
        if since <= entry.time and (not until or entry.time <= until):
            yield entry


def _following(
    paths: Paths, container_id: str, log: LogReader, until: str, idle: Callable[[], bool], clients: tuple[int, ...]
) -> Iterator[Entry]:
    watch = Watch(paths.container(container_id))
    try:
        over = False
        while not over:
            over = not (state.running_pid(paths, container_id) or state.has_monitor(paths, container_id))
            over = over or bool(until and timestamp() > until)
            yield from map(Entry, log.lines())
            if not idle():
                return
            if not over:
                watch.wait(_PATIENCE, *clients)
    finally:
        watch.close()
