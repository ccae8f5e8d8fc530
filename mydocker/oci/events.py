"""The verb events: it tells what a container uses, once or again and again, and when the OOM killer kills one of its processes."""

from __future__ import annotations

import os
import sys
from select import POLLIN, poll
from time import monotonic

from mydocker import leanjson
from mydocker.errors import BadInput, Conflict
from mydocker.oci import containers
from mydocker.oci.arguments import Arguments, Flags
from mydocker.oci.figures import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.oci.containers import Container
    from mydocker.oci.figures import Figures
    from mydocker.oci.settings import Settings

    class Event(TypedDict):
        """One line of the output."""

        type: str  # 'stats' or 'oom'
        id: str  # the container's
        data: NotRequired[Figures]  # only of 'stats'


EVENTS = Flags("stats", "interval")
_UNITS = (("ms", 0.001), ("us", 0.000001), ("ns", 0.000000001), ("s", 1.0), ("m", 60.0), ("h", 3600.0))
# A kill by the OOM killer is noticed after at most this many seconds.
_GLANCE = 0.5


def events(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci events`: print JSON objects, one a line, until the container ends. With --stats, print one object."""
    interval = seconds(arguments.value("interval", "5s"))
    container = containers.running(settings, arguments.words[0])
    if not container.record["cgroup"]:
        raise Conflict(f"container {container.id} has no cgroup of its own: nothing counts what it uses")
    if arguments.on("stats"):
        _tell(container, "stats", figures(container.cgroup()))
    else:
        _stream(container, interval)
    return 0


def _stream(container: Container, interval: float) -> None:
    ended = os.pidfd_open(container.record["pid"])
    waiting = poll()
    waiting.register(ended, POLLIN)
    manager = container.cgroup()
    kills, due = manager.oom_kills(), monotonic()
    while container.pid:
        if monotonic() >= due:
            _tell(container, "stats", figures(manager))
            due += interval
        over = waiting.poll(max(0.0, min(_GLANCE, due - monotonic())) * 1000)
        now = manager.oom_kills()
        if now > kills:
            _tell(container, "oom", None)
            kills = now
        if over:
            break
    os.close(ended)


def _tell(container: Container, kind: str, data: Figures | None) -> None:
    event: Event = {"type": kind, "id": container.id}
    if data is not None:
        event["data"] = data
    sys.stdout.write(leanjson.compact(event) + "\n")
    sys.stdout.flush()


def seconds(text: str) -> float:
    """Return the seconds of a duration as Go writes it: '5s', '1m30s', '500ms'. Raises BadInput for any other text, and for 0."""
    rest, total = text, 0.0
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        unit = next((name for name, _ in _UNITS if rest[digits:].startswith(name)), "")
        if not unit or rest[:digits].strip(".") == "" or rest[:digits].count(".") > 1:
            raise BadInput(f"--interval {text!r}: expected a duration such as 5s")
        total += float(rest[:digits]) * dict(_UNITS)[unit]
        rest = rest[digits + len(unit) :]
    if total <= 0:
        raise BadInput(f"--interval {text!r}: expected a duration greater than 0, such as 5s")
    return total
