"""--explain=svg, html and trace: what is drawn is what was told, whatever words it has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from mydocker import explaining
from mydocker.cli.explain.html import html
from mydocker.cli.explain.svg import COLOURS, svg
from mydocker.cli.explain.timeline import Timeline, idle, timeline
from mydocker.cli.explain.trace import trace
from mydocker.reasons import KINDS
from mydocker.steps.files import MakeDir, WriteFile
from mydocker.steps.namespaces import SetHostname, Unshare

if TYPE_CHECKING:
    from mydocker.messages import Explanation
    from mydocker.steps.base import Step

HOSTILE = '</script><script>alert(1)</script> & "@DATA@" ]]> 鲸 \x1b[31m'
SVG = "{http://www.w3.org/2000/svg}"


def did(who: str, pid: int, at: float, seconds: float, step: Step) -> Explanation:
    return {**explaining.planned(who, step), "at": 100 + at, "seconds": seconds, "pid": pid}


def message(who: str, pid: int, at: float, act: str, name: str) -> Explanation:
    return {**explaining.said(who, name), "message": act, "at": 100 + at, "seconds": 0.0, "pid": pid}


TOLD = [
    did("init", 9, 0.020, 0.005, Unshare(0x20000)),
    did("monitor", 8, 0.010, 0.004, WriteFile("/sys/fs/cgroup/pids/a/cgroup.procs", "9")),
    did("cli", 7, 0.000, 0.001, MakeDir("/var", 0o700)),
    message("cli", 7, 0.002, "send", "START"),
    message("monitor", 8, 0.009, "receive", "START"),
    message("init", 9, 0.026, "send", "BUILT"),
    message("monitor", 8, 0.030, "receive", "BUILT"),
    message("monitor", 8, 0.031, "send", "GO"),  # nobody has received it
    did("init", 9, 0.040, 0.0, SetHostname(HOSTILE)),
    explaining.said("monitor", "a warning has no time"),
]


@pytest.fixture
def known() -> Timeline:
    return timeline(TOLD, "en")


def test_each_process_is_a_lane_in_the_order_of_a_start(known: Timeline) -> None:
    assert [(lane.who, lane.pid) for lane in known.lanes] == [("cli", 7), ("monitor", 8), ("init", 9)]
    assert known.lanes[1].begin == pytest.approx(0.009) and known.lanes[1].end == pytest.approx(0.031)
    assert known.seconds == pytest.approx(0.040)
    assert [(bar.lane, bar.kind) for bar in known.bars] == [(0, "store"), (1, "limits"), (2, "namespaces"), (2, "namespaces")]


def test_a_message_is_an_arrow_if_it_arrived(known: Timeline) -> None:
    assert [(arrow.name, arrow.source, arrow.target) for arrow in known.arrows] == [("START", 0, 1), ("BUILT", 2, 1)]
    assert known.arrows[0].received - known.arrows[0].sent == pytest.approx(0.007)


def test_idle_time_is_what_is_between_steps(known: Timeline) -> None:
    assert idle(2, known)[0] == pytest.approx((0.025, 0.040))
    assert idle(0, known)[0] == pytest.approx((0.001, 0.002))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_drawing_has_a_bar_for_each_step_where_it_belongs(language: str) -> None:
    known = timeline(TOLD, language)
    root = ElementTree.fromstring(svg(known, language))
    bars = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "bar"]
    assert [bar.get("data-step") for bar in bars] == ["0", "1", "2", "3"]
    assert [float(bar.get("x", "")) for bar in bars] == sorted(float(bar.get("x", "")) for bar in bars)
    assert float(bars[2].get("width", "")) == pytest.approx((984 - 96) * 5 / 40, abs=0.1)
    assert len({bar.get("y") for bar in bars}) == 3
    words = " ".join(root.itertext())
    assert ("资源限制" if language == "zh" else "limits") in words and "BUILT" in words
    assert HOSTILE.replace("\x1b", "\\x1b") in words


def test_every_kind_has_a_colour_of_its_own() -> None:
    assert COLOURS.keys() == KINDS.keys() and len(set(COLOURS.values())) == len(COLOURS)


def test_the_page_has_all_that_is_known_and_asks_for_nothing_else(known: Timeline) -> None:
    page = html(known, "en")
    assert len(re.findall("</script>", page)) == 2
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data["steps"][3]["step"] == f"sethostname {explaining.planned('', SetHostname(HOSTILE))['step'].partition(' ')[2]}"
    assert data["steps"][1]["where"].startswith("mydocker/steps/files.py:") and "children could escape" in data["steps"][1]["why"]
    assert not re.search(r"@[A-Z]+@", page.replace("@DATA@", ""))
    outside = re.findall(r"""(?:src|href|url|@import|https?:)[=(:]+["']?[^\s"'<>]*""", page)
    assert [each for each in outside if "www.w3.org/2000/svg" not in each and "url(#" not in each] == []


def test_a_trace_viewer_finds_steps_and_messages(known: Timeline) -> None:
    events = json.loads(trace(known, "en"))["traceEvents"]
    assert [event["args"]["name"] for event in events if event["ph"] == "M"] == ["cli", "monitor", "init"]
    steps = [event for event in events if event["ph"] == "X"]
    assert [(event["pid"], round(event["ts"]), round(event["dur"])) for event in steps][1] == (8, 10_000, 4_000)
    flows = [(event["ph"], event["name"], event["pid"]) for event in events if event["cat" if event["ph"] in "sf" else "ph"] == "message"]
    assert flows == [("s", "START", 7), ("f", "START", 8), ("s", "BUILT", 9), ("f", "BUILT", 8)]


def test_one_moment_can_be_drawn() -> None:
    known = timeline([did("cli", 7, 0.0, 0.0, MakeDir("/var"))], "en")
    ElementTree.fromstring(svg(known, "en"))
    assert json.loads(trace(known, "en"))["traceEvents"]
