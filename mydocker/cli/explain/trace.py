"""--explain=trace: a timeline as the JSON that trace viewers open (ui.perfetto.dev, chrome://tracing; the Trace Event Format)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mydocker import leanjson

if TYPE_CHECKING:
    from mydocker.cli.explain.timeline import Timeline


def trace(known: Timeline, _: str) -> str:
    """Return a timeline as one JSON document. Times are in microseconds."""
    events: list[dict[str, object]] = []
    for lane in known.lanes:
        events.append({"ph": "M", "name": "process_name", "pid": lane.pid, "tid": lane.pid, "args": {"name": lane.who}})
    for bar in known.bars:
        more = {"step": bar.step, "shell": bar.shell, "why": bar.why, "where": bar.where}
        times = {"ts": bar.begin * 1e6, "dur": bar.seconds * 1e6}
        events.append({"ph": "X", "name": bar.step.split("\n")[0][:80], "cat": bar.kind, **_who(known, bar.lane), **times, "args": more})
    for number, arrow in enumerate(known.arrows):
        common = {"name": arrow.name, "cat": "message", "id": number}
        events.append({"ph": "s", **common, **_who(known, arrow.source), "ts": arrow.sent * 1e6})
        events.append({"ph": "f", "bp": "e", **common, **_who(known, arrow.target), "ts": arrow.received * 1e6})
    return leanjson.dumps({"traceEvents": events, "displayTimeUnit": "ms"}) + "\n"


def _who(known: Timeline, lane: int) -> dict[str, object]:
    return {"pid": known.lanes[lane].pid, "tid": known.lanes[lane].pid}
