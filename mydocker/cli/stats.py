"""The verb stats: show what containers use, once or every second."""

from __future__ import annotations

import sys
import time

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.cli.base import Session, echo
from mydocker.cli.ps import records
from mydocker.cli.rows import FORMAT, print_rows
from mydocker.cli.verb import ANY, argument, switch, verb
from mydocker.engine.record import containers, state
from mydocker.engine.view import human
from mydocker.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cli.rows import Row
    from mydocker.engine.record.containers import Record

_COLUMNS = {
    "ID": "CONTAINER ID",
    "Name": "NAME",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
    "PIDs": "PIDS",
}
_INTERVAL = 1.0


class Sample:
    """What one container used at one moment.

    moment: when that was, in seconds of the monotonic clock
    pid: its first process, 0 if it does not run
    figures: what its cgroup says, None if it does not run
    net: the bytes that it has received and sent
    """

    def __init__(self, session: Session, layout: Layout, record: Record) -> None:
        self.record = record
        self.moment = time.monotonic()
        self.pid = state.running_pid(session.paths, record["id"])
        known = state.load(session.paths, record["id"])
        self.figures = manager(layout, known["cgroup"]).stats() if self.pid and known else None
        self.net = _net(f"{session.paths.proc}/{self.pid}/net/dev") if self.pid else (0, 0)


def _net(path: str) -> tuple[int, int]:
    """Return the bytes that a network namespace has received and sent, without lo. path: its /proc/PID/net/dev."""
    try:
        with open(path) as file:
            lines = [line.split(":") for line in file if ":" in line]
    except FileNotFoundError:
        return 0, 0
    counts = [values.split() for name, values in lines if name.strip() != "lo"]
    return sum(int(each[0]) for each in counts), sum(int(each[8]) for each in counts)


@verb(
    switch("-a", "--all", "show_all", help="Show containers too that do not run."),
    switch("--no-stream", help="Print once, not every second."),
    switch("--no-trunc", help="Print ids in full."),
    FORMAT,
    argument("names", "[CONTAINER...]", ANY),
)
def stats(session: Session, /, show_all: bool, no_stream: bool, no_trunc: bool, form: str | None, names: tuple[str, ...]) -> None:
    """Show the CPU, memory, network, disk and processes that containers use.

    Example: mydocker stats --no-stream web
    """
    layout = Layout.detect(session.paths)
    before = _samples(session, layout, names, show_all)
    while True:
        time.sleep(_INTERVAL)
        now = _samples(session, layout, names, show_all)
        rows = [_row(session, before.get(identity), sample, no_trunc) for identity, sample in now.items()]
        if sys.stdout.isatty() and not no_stream:
            echo("\033[H\033[J", end="")
        print_rows(rows, _COLUMNS, form, {"Container": "CONTAINER"})
        if no_stream:
            return
        before = now


def _samples(session: Session, layout: Layout, names: tuple[str, ...], show_all: bool) -> dict[str, Sample]:
    """Return {id: sample} for the containers that are named, or for all that run if none is. show_all: also those that do not run."""
    named = [containers.load(session.paths, containers.resolve(session.paths, name)) for name in names]
    found = {}
    for record in named if names else records(session):
        try:
            sample = Sample(session, layout, record)
        except NotFound:
            continue  # it has ended and was removed meanwhile
        if sample.pid or show_all or names:
            found[record["id"]] = sample
    return found


def _row(session: Session, before: Sample | None, now: Sample, no_trunc: bool) -> Row:
    identity, name = now.record["id"], now.record["name"]
    row = {"ID": identity if no_trunc else identity[:12], "Container": name, "Name": name}
    if not now.figures:
        return {**row, **dict.fromkeys(("CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"), "--")}
    memory, blkio, pids = now.figures["memory"], now.figures["blkio"], now.figures["pids"]
    used = (memory["usage"] or 0) - (memory["cache"] or 0)
    limit = memory["limit"] or _memory_of(session)
    return {
        **row,
        "CPUPerc": f"{_cpu_percent(before, now):.2f}%",
        "MemUsage": f"{human.binary_size(used)} / {human.binary_size(limit)}",
        "MemPerc": f"{100 * used / limit:.2f}%",
        "NetIO": " / ".join(map(human.size, now.net)),
        "BlockIO": f"{human.size(blkio['read'] or 0)} / {human.size(blkio['write'] or 0)}",
        "PIDs": str(pids["current"] if pids["current"] is not None else "--"),
    }


def _cpu_percent(before: Sample | None, now: Sample) -> float:
    """Return the share of one CPU that was used since the last sample, in percent. It is more than 100 for more than one CPU."""
    if not before or not before.figures or not now.figures:
        return 0.0
    used = (now.figures["cpu"]["usage"] or 0) - (before.figures["cpu"]["usage"] or 0)
    return max(0.0, used / 1e9 / (now.moment - before.moment) * 100)


def _memory_of(session: Session) -> int:
    """Return the host's memory in bytes."""
    with open(f"{session.paths.proc}/meminfo") as file:
        return int(file.readline().split()[1]) * 1024
