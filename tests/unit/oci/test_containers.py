"""What is true about a container, whatever its files say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mydocker import store
from mydocker.errors import BadInput, Conflict, NotFound
from mydocker.kernel import tasks
from mydocker.oci import containers
from mydocker.oci.arguments import parse
from mydocker.oci.cgroup import take_back
from mydocker.oci.settings import FLAGS, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with an empty --root."""
    return Settings(parse(["--root", str(tmp_path / "state"), "verb"], FLAGS, mixed=False))


def made(settings: Settings, **record: Any) -> containers.Container:
    """Make a container's files with a record."""
    container = containers.Container(settings, "one")
    os.close(containers.claim(container))
    changed: Any = {**containers.blank(), "bundle": "/b", "whole": True, **record}
    container.record = changed
    container.save()
    return containers.load(settings, "one")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "ä", "x" * 256, "a\n"])
def test_ids_that_cannot_be(name: str) -> None:
    with pytest.raises(BadInput, match="invalid container id"):
        containers.checked_id(name)
    assert containers.checked_id("a_B-9.+") == "a_B-9.+"


def test_an_id_is_claimed_once(settings: Settings) -> None:
    made(settings)
    with pytest.raises(Conflict, match="container with given ID already exists: 'one'"):
        containers.claim(containers.Container(settings, "one"))
    with pytest.raises(NotFound, match="container does not exist: 'two'"):
        containers.load(settings, "two")


def test_the_states(settings: Settings) -> None:
    own = os.getpid()
    container = made(settings, pid=own, started=tasks.start_time(own))
    assert container.status() == "running"
    Path(container.directory, "exec.fifo").touch()
    assert container.status() == "created"
    assert container.record["started"]
    container.record["started"] -= 1  # the pid belongs to another process by now
    assert (container.status(), container.state()["pid"]) == ("stopped", 0)


def test_nobody_is_taken_back_into_a_cgroup_that_was_never_made(settings: Settings, tmp_path: Path) -> None:
    """A create can be killed before it makes the freezer's. Its first process may still be ending when the container is deleted."""
    own = os.getpid()
    if ":freezer:" not in Path("/proc/self/cgroup").read_text():
        pytest.skip("no freezer of cgroup version 1")
    container = made(settings, pid=own, started=tasks.start_time(own), cgroup="/one", freezer=str(tmp_path / "none/freezer.state"))
    take_back(container, own)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("content", "status"),
    [("FROZEN\n", "paused"), ("FREEZING\n", "paused"), ("THAWED\n", "running"), ("1\n", "paused"), ("0\n", "running")],
)
def test_a_frozen_container_is_paused(settings: Settings, tmp_path: Path, content: str, status: str) -> None:
    own = os.getpid()
    container = made(settings, pid=own, started=tasks.start_time(own), freezer=str(tmp_path / "freezer.state"))
    assert container.status() == "running", "without its cgroup it cannot be frozen"
    (tmp_path / "freezer.state").write_text(content)
    assert container.status() == status


def test_half_made_containers_are_being_created_while_somebody_holds_their_lock(settings: Settings) -> None:
    container = containers.Container(settings, "one")
    lock = containers.claim(container)
    assert containers.load(settings, "one").status() == "creating"
    os.close(lock)
    assert containers.load(settings, "one").status() == "stopped"
    assert [each.id for each in containers.everyone(settings)] == ["one"]


def test_what_is_no_container_is_not_listed(settings: Settings) -> None:
    assert containers.everyone(settings) == []
    made(settings)
    Path(settings.root, "cache").mkdir()
    Path(settings.root, "file").touch()
    assert [each.id for each in containers.everyone(settings)] == ["one"]


def test_a_damaged_record_is_named(settings: Settings) -> None:
    container = made(settings)
    store.write_json(f"{container.directory}/state.json", [])
    with pytest.raises(Exception, match=r"one/state\.json: \[\]: expected an object"):
        containers.load(settings, "one")
