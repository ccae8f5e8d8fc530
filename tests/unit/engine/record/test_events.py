"""What happened: written by many at once into a bounded file, and found again."""

from __future__ import annotations

import os
import time
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.record import events, filters
from mydocker.engine.record import history as past
from mydocker.errors import BadInput
from mydocker.paths import Paths

if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from tests.unit.conftest import MakeRecord

ID = "c1" * 32


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(str(tmp_path), f"{tmp_path}/state")


@pytest.fixture
def record(make_record: MakeRecord) -> Record:
    return make_record(id=ID, name="web", image="box:latest", config={"Labels": {"tier": "front"}})


def history(paths: Paths) -> list[events.Event]:
    return list(past.history(paths, 0, time.time_ns()))


def test_a_container_event_is_dockers(paths: Paths, record: Record) -> None:
    events.of_container(paths, record, "die", exitCode=3)
    (event,) = history(paths)
    assert event["timeNano"] // 10**9 == event["time"]
    assert {key: value for key, value in event.items() if not key.startswith("time")} == {
        "status": "die",
        "id": ID,
        "from": "box:latest",
        "Type": "container",
        "Action": "die",
        "Actor": {"ID": ID, "Attributes": {"tier": "front", "image": "box:latest", "name": "web", "exitCode": "3"}},
        "scope": "local",
    }


def test_volumes_of_a_container(paths: Paths, make_record: MakeRecord) -> None:
    mounts = [{"type": "bind", "destination": "/b"}, {"type": "volume", "name": "data", "destination": "/d", "rw": False}]
    events.of_mounts(paths, make_record(mounts=mounts), "mount")
    (event,) = history(paths)
    assert event["Actor"]["ID"] == "data"
    assert event["Actor"]["Attributes"]["read/write"] == "false"


def _write(root: str, count: int) -> None:
    for number in range(count):
        events.emit(Paths(root), "volume", "create", f"{os.getpid()}-{number}", {})


def test_many_writers_lose_nothing(paths: Paths) -> None:
    writers = [get_context("fork").Process(target=_write, args=(paths.root, 100)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len({event["Actor"]["ID"] for event in history(paths)}) == 800


def test_the_file_is_bounded_and_the_newest_stay(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LIMIT", 5000)
    for number in range(200):
        events.emit(paths, "volume", "create", str(number), {})
    assert sorted(os.listdir(paths.root)) == ["events.json", "events.json.1", "events.json.lock"]
    assert sum(os.path.getsize(f"{paths.root}/{name}") for name in os.listdir(paths.root)) < 11000
    found = [int(event["Actor"]["ID"]) for event in history(paths)]
    assert found == list(range(found[0], 200))
    assert len(found) > 20


def test_a_root_that_is_gone_or_full_is_no_error(paths: Paths) -> None:
    events.emit(Paths(f"{paths.root}/gone"), "volume", "create", "x", {})
    os.symlink("/dev/full", paths.events)
    events.emit(paths, "volume", "create", "x", {})


def test_a_line_that_was_cut_off_is_passed_over(paths: Paths) -> None:
    Path(paths.events).write_text('{"Type": "vol\n{"Type": "volume"}\n')
    events.emit(paths, "volume", "create", "x", {})
    assert [event["Actor"]["ID"] for event in history(paths)] == ["x"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("type=container",), {"start", "health_status: healthy"}),
        (("type=volume", "type=image"), {"mount", "tag"}),
        (("event=health_status",), {"health_status: healthy"}),
        (("event=health_status: healthy",), {"health_status: healthy"}),
        (("container=web",), {"start", "health_status: healthy"}),
        (("container=c1c1c1",), {"start", "health_status: healthy", "mount"}),
        (("image=box",), {"start", "health_status: healthy", "tag"}),
        (("volume=data",), {"mount"}),
        (("label=tier",), {"start", "health_status: healthy"}),
        (("label=tier=back",), set()),
    ],
)
def test_filters(paths: Paths, record: Record, texts: tuple[str, ...], expected: set[str]) -> None:
    events.of_container(paths, record, "start")
    events.of_container(paths, record, "health_status: healthy")
    events.emit(paths, "volume", "mount", "data", {"container": ID})
    events.emit(paths, "image", "tag", "sha256:" + "ab" * 32, {"name": "box:latest"})
    fits = filters.parse(texts, past.TESTS)
    assert {event["Action"] for event in history(paths) if fits(event)} == expected


def test_an_unknown_filter() -> None:
    with pytest.raises(BadInput, match="expected type="):
        filters.parse(("kind=x",), past.TESTS)
