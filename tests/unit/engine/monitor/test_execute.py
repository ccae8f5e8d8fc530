"""What an exec leaves behind when its container is removed under it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker import store
from mydocker.engine.monitor.execute import Execution
from mydocker.engine.record import containers, history
from mydocker.errors import NotFound
from mydocker.kernel.channel import Channel
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord


def test_the_end_is_told_although_the_container_is_removed(tmp_path: Path, save_record: MakeRecord) -> None:
    paths = Paths(str(tmp_path), f"{tmp_path}/state")
    record = save_record(paths, name="web")
    client, ours = Channel.pair()
    request: Any = {"root": str(tmp_path), "state": paths.state, "id": record["id"], "wanted": "", "explain": False, "faults": ()}
    request |= {"silent": False, "exec": "", "process": {"args": ["sleep", "1"]}}
    one = Execution(request, ours)
    one._tell_event("exec_create")
    record["name"] = "renamed"
    containers.save(paths, record)
    one._tell_event("exec_start")
    store.remove_tree(paths.container(record["id"]))
    one._tell_event("exec_die", exitCode=137)
    told = [(event["Action"], event["Actor"]["Attributes"]["name"]) for event in history.history(paths, 0, time.time_ns())]
    assert told == [("exec_create: sleep 1", "web"), ("exec_start: sleep 1", "renamed"), ("exec_die", "renamed")]
    client.close()
    one.audience.close()


def test_one_that_was_never_there_is_an_error(tmp_path: Path) -> None:
    client, ours = Channel.pair()
    request: Any = {"root": str(tmp_path), "state": str(tmp_path), "id": "c", "wanted": "", "explain": False, "faults": ()}
    request |= {"silent": False, "exec": "", "process": {"args": []}}
    one = Execution(request, ours)
    with pytest.raises(NotFound, match="no such container"):
        one._tell_event("exec_create")
    client.close()
    one.audience.close()
