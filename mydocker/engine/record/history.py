"""Reading ROOT/events.json: what happened between two moments, and what happens from now on.

How the file is written is explained in events.py.
"""

from __future__ import annotations

import os
import time

from mydocker import leanjson, store
from mydocker.engine.record import filters
from mydocker.engine.record.events import EVENT
from mydocker.engine.record.moments import nanoseconds
from mydocker.engine.record.reader import LogReader
from mydocker.errors import BadInput
from mydocker.kernel.inotify import Watch
from mydocker.paths import Paths
from mydocker.shape import fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.engine.record.events import Event

_FOR_EVER = 3600.0  # seconds; history() then waits again
_END_OF_TIME = 1 << 63


def span(since: str, until: str) -> tuple[int, int]:
    """Return the span of time, in ns since 1970, that two texts mean (moments.py), as docker's events takes them. Raises BadInput.

    '' is now and for ever; with an end alone, the span begins when time did.
    """
    now = time.time_ns()
    begin = nanoseconds(since, now) if since else 0 if until else now
    end = nanoseconds(until, now) if until else _END_OF_TIME
    if begin > end:
        raise BadInput(f"since {since!r} cannot be after until {until!r}")
    return begin, end


def history(paths: Paths, since: int, until: int, idle: Callable[[], bool] | None = None, clients: tuple[int, ...] = ()) -> Iterator[Event]:
    """Yield the events of a span of time, and wait for more until the span is over.

    since, until: in ns since 1970.
    idle: is called when all is told for now; with False it ends the wait.
    clients: descriptors; when one hangs up, idle() is called at once.
    """
    if not os.path.isdir(paths.root):
        store.make_private(paths.root)
    watch = Watch(paths.root)
    reader = LogReader(paths.events)
    try:
        while True:
            is_over = time.time_ns() >= until
            yield from (event for event in map(_parsed, reader.lines()) if event and since <= event["timeNano"] <= until)
            if is_over or (idle and not idle()):
                return
            watch.wait(min(_FOR_EVER, (until - time.time_ns()) / 1e9 + 0.001), *clients)
    finally:
        reader.close()
        watch.close()


def _parsed(line: bytes) -> Event | None:
    """Return the event of a line, or None if a full disk has cut the line off."""
    try:
        event: Event = leanjson.loads(line.decode())
        fit(event, EVENT)
    except (ValueError, RecursionError):
        return None
    return event


def _is_object(kind: str) -> Callable[[Event, str], bool]:
    """Return the test whether an event concerns an object of this type.

    The test's value is the object's id, the beginning of its id, or its name.
    """

    def test(event: Event, value: str) -> bool:
        actor = event["Actor"]
        owner = actor["ID"] if event["Type"] == kind else actor["Attributes"].get(kind, "")
        return bool(owner) and (owner.startswith(value) or (event["Type"] == kind and actor["Attributes"].get("name") == value))

    return test


TESTS: filters.Tests = {
    "type": lambda event, value: event["Type"] == value,
    "event": lambda event, value: value in (event["Action"], event["Action"].partition(":")[0]),
    "container": _is_object("container"),
    "image": lambda event, value: _is_image(event, value),
    "volume": _is_object("volume"),
    "network": _is_object("network"),
    "label": lambda event, value: filters.has_label(event["Actor"]["Attributes"], value),
    "scope": lambda event, value: event["scope"] == value,
}


def _is_image(event: Event, value: str) -> bool:
    attributes = event["Actor"]["Attributes"]
    names = [attributes.get("image", "")] if event["Type"] == "container" else []
    names += [event["Actor"]["ID"], attributes.get("name", "")] if event["Type"] == "image" else []
    return any(value in (name, name.removesuffix(":latest"), name.removeprefix("sha256:")[: len(value)]) for name in names if name)
