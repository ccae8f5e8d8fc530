"""What a picture of steps is made of: a lane for each process, a bar for each step, an arrow for each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mydocker import reasons
from mydocker.value import Value

if TYPE_CHECKING:
    from mydocker.engine.view.containertree import Sight
    from mydocker.messages import Explanation

# The order of the lanes.
_ORDER = ("cli", "api", "monitor", "stage", "init")


class Lane(Value):
    """One process. Times are seconds since the first thing that any process has told."""

    who: str
    pid: int
    begin: float
    end: float


class Bar(Value):
    """One step."""

    lane: int
    begin: float
    seconds: float
    kind: str
    step: str
    shell: str
    why: str
    where: str


class Arrow(Value):
    """One message, from when it was sent to when it was received."""

    name: str
    source: int  # the lane that sent it
    target: int
    sent: float
    received: float


class Timeline(Value):
    """All that was told."""

    lanes: list[Lane]
    bars: list[Bar]
    arrows: list[Arrow]
    seconds: float  # from the first to the last
    sights: tuple[Sight, Sight] | None = None  # what the kernel had of the command before, and of the container's first process after it


def timeline(told: list[Explanation], language: str, sights: tuple[Sight, Sight] | None = None) -> Timeline:
    """Return what was done as a timeline. What was not done, such as a warning, has no time and is left out."""
    done = sorted((each for each in told if each["at"] is not None), key=_begin)
    start = _begin(done[0]) if done else 0.0
    processes = sorted({(each["who"], each["pid"] or 0) for each in done}, key=_place)
    number = {process: position for position, process in enumerate(processes)}
    lanes = [_lane(who, pid, [each for each in done if (each["who"], each["pid"] or 0) == (who, pid)], start) for who, pid in processes]
    bars = [_bar(each, number[each["who"], each["pid"] or 0], start, language) for each in done if not each["message"]]
    arrows = _arrows([each for each in done if each["message"]], number, start)
    return Timeline(lanes=lanes, bars=bars, arrows=arrows, seconds=max((lane.end for lane in lanes), default=0.0), sights=sights)


def idle(lane: int, known: Timeline) -> list[tuple[float, float]]:
    """Return (begin, end) of each time in which a process did no step, after its first one."""
    gaps: list[tuple[float, float]] = []
    free: float | None = None
    for bar in (each for each in known.bars if each.lane == lane):
        if free is not None and bar.begin > free:
            gaps.append((free, bar.begin))
        free = max(free or 0.0, bar.begin + bar.seconds)
    return [*gaps, (free, known.lanes[lane].end)] if free is not None else gaps


def _begin(told: Explanation) -> float:
    return told["at"] or 0.0


def _place(process: tuple[str, int]) -> tuple[int, int]:
    return _ORDER.index(process[0]) if process[0] in _ORDER else len(_ORDER), process[1]


def _lane(who: str, pid: int, own: list[Explanation], start: float) -> Lane:
    return Lane(who=who, pid=pid, begin=_begin(own[0]) - start, end=max(_begin(each) + (each["seconds"] or 0.0) for each in own) - start)


def _bar(told: Explanation, lane: int, start: float, language: str) -> Bar:
    why = reasons.reason(told)
    return Bar(
        lane=lane,
        begin=_begin(told) - start,
        seconds=told["seconds"] or 0.0,
        kind=why.kind,
        step=told["step"],
        shell=told["shell"],
        why=why.text(language),
        where=reasons.place(told["origin"]),
    )


def _arrows(messages: list[Explanation], number: dict[tuple[str, int], int], start: float) -> list[Arrow]:
    """Return an arrow for each message that one process has sent and another one received: the first of a name to the first, and so on."""
    sent = [each for each in messages if each["message"] == "send"]
    received = [each for each in messages if each["message"] == "receive"]
    arrows = []
    for one in sent:
        other = next((each for each in received if each["step"] == one["step"] and each["pid"] != one["pid"]), None)
        if other:
            received.remove(other)
            ends = [number[each["who"], each["pid"] or 0] for each in (one, other)]
            arrows.append(Arrow(name=one["step"], source=ends[0], target=ends[1], sent=_begin(one) - start, received=_begin(other) - start))
    return arrows
