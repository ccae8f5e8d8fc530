"""Records as they are read: those of older versions, and damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker import store
from mydocker.engine.record import containers, removal
from mydocker.errors import Damaged, NotFound
from mydocker.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.conftest import MakeRecord

# What records of older versions do not have.
LATER = ["mounts", "endpoints", "ports", "published", "restartCount", "restartDelay", "stopped", "autoRemove", "error", "oomKilled"]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(f"{tmp_path}/root", f"{tmp_path}/state")


def write(paths: Paths, record: Mapping[str, Any]) -> None:
    store.write_json(f"{paths.container(record['id'])}/config.json", record)


def test_what_was_saved_is_loaded(paths: Paths, save_record: MakeRecord) -> None:
    record = save_record(paths, builder={"pid": 5, "start": 6})
    assert containers.load(paths, record["id"]) == record


def test_a_record_of_an_older_version_has_what_came_later(paths: Paths, save_record: MakeRecord) -> None:
    record = save_record(paths)
    old = {name: value for name, value in record.items() if name not in LATER}
    write(paths, {**old, "hostConfig": {"CgroupPath": "/mydocker/x"}, "config": {"Env": ["A=b"], "Labels": None}})
    loaded: Mapping[str, Any] = containers.load(paths, record["id"])
    assert {name: loaded[name] for name in LATER} == {
        "mounts": [],
        "endpoints": {},
        "ports": [],
        "published": [],
        "restartCount": 0,
        "restartDelay": 0.0,
        "stopped": False,
        "autoRemove": False,
        "error": "",
        "oomKilled": False,
    }
    assert loaded["hostConfig"]["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert loaded["hostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {}}
    assert (loaded["config"]["Env"], loaded["config"]["Labels"], loaded["config"]["Healthcheck"]) == (["A=b"], {}, None)
    assert "builder" not in loaded


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("command", "sh", "command 'sh': expected a list"),
        ("status", None, "status is missing"),
        ("pid", "1", "pid '1': expected a whole number that is not negative"),
        ("mounts", [{"type": "bind"}], "mounts[0].destination is missing"),
        ("endpoints", {"net": {"ip": 7}}, "endpoints.net.ip 7: expected a text"),
        ("config", {"Tty": "yes"}, "config.Tty 'yes': expected true or false"),
        ("hostConfig", {}, "hostConfig.CgroupPath is missing"),
    ],
)
def test_a_damaged_record_is_named_with_its_field(paths: Paths, save_record: MakeRecord, field: str, value: object, problem: str) -> None:
    record = save_record(paths)
    write(paths, {**record, field: value})
    with pytest.raises(Damaged) as raised:
        containers.load(paths, record["id"])
    assert raised.value.message == f"{paths.container(record['id'])}/config.json: {problem}"


def test_none(paths: Paths) -> None:
    with pytest.raises(NotFound):
        containers.load(paths, "c" * 64)


def test_a_directory_goes_only_when_nothing_of_others_is_mounted_in_it(paths: Paths) -> None:
    """What lies in a mount point looks as a mounted volume does: it must not be removed with the container."""
    directory = Path(paths.container("a" * 64))
    (directory / "mounts/0/shown").mkdir(parents=True)
    (directory / "mounts/0/shown/file").touch()
    (directory / "config.json").touch()
    with pytest.raises(OSError, match="not empty"):
        removal.remove_directory(str(directory))
    assert (directory / "mounts/0/shown/file").exists() and (directory / "config.json").exists()
    (directory / "mounts/0/shown/file").unlink()
    removal.remove_directory(str(directory))
    assert not directory.exists()
