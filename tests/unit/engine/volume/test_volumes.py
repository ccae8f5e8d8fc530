"""Volumes on disk, and the mount points of a container from flags, other containers and its image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.monitor import end
from mydocker.engine.request.mounts import from_volume
from mydocker.engine.system import repair
from mydocker.engine.volume import mounting, volumes
from mydocker.errors import BadInput, Conflict, NotFound
from mydocker.paths import Paths
from mydocker.steps.base import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.record.containers import MountPoint, Record
    from tests.unit.conftest import MakeRecord
    from tests.unit.engine.conftest import Parse

    Write = Callable[..., Record]

    Machine = Callable[[str], Paths]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(f"{tmp_path}/root", f"{tmp_path}/state")


def make(paths: Paths, name: str, anonymous: bool = False) -> None:
    Run("cli").execute(volumes.create_steps(paths, name, {"k": "v"}, anonymous))


@pytest.fixture
def record(paths: Paths, save_record: MakeRecord) -> Callable[..., Record]:
    """Return a function that writes a container with a name and mount points."""

    def write(name: str, mounts: list[MountPoint]) -> Record:
        return save_record(paths, id=name.encode().hex() * 8, name=name, mounts=mounts)

    return write


def on(point: MountPoint, name: str) -> MountPoint:
    return {**point, "name": name}


def test_create_and_load(paths: Paths) -> None:
    make(paths, "data")
    found = volumes.load(paths, "data")
    assert {key: found[key] for key in ("name", "labels", "anonymous")} == {"name": "data", "labels": {"k": "v"}, "anonymous": False}
    assert sorted(os.listdir(f"{paths.volumes}/data")) == ["_data", "never-filled", "volume.json"]
    assert volumes.names(paths) == ["data"]


def test_creating_again_keeps_what_is_there(paths: Paths) -> None:
    make(paths, "data")
    Path(f"{paths.volumes}/data/_data/file").touch()
    run = Run("cli")
    run.execute(volumes.create_steps(paths, "data", {}))
    assert run.undo_all() == []
    assert os.listdir(f"{paths.volumes}/data/_data") == ["file"]
    assert os.listdir(paths.volumes) == ["data"]


def test_undo_removes_what_was_made(paths: Paths) -> None:
    run = Run("cli")
    run.execute(volumes.create_steps(paths, "data", {}))
    assert run.undo_all() == []
    assert os.listdir(paths.volumes) == []


@pytest.mark.parametrize("name", ["nosuch", "../containers", "", ".", "..", ".data.1.tmp"])
def test_no_such_volume(paths: Paths, name: str) -> None:
    with pytest.raises(NotFound, match="no such volume: "):
        volumes.load(paths, name)


def test_a_volume_in_use_stays(paths: Paths, record: Write) -> None:
    make(paths, "data")
    record("user", [on(from_volume("data:/d"), "data")])
    with pytest.raises(Conflict, match="volume data: volume is in use by container user"):
        volumes.remove_steps(paths, "data")


def test_remove(paths: Paths, record: Write) -> None:
    make(paths, "data")
    record("other", [on(from_volume("more:/d"), "more")])
    os.makedirs(paths.container("half-made"))
    Run("cli").execute(volumes.remove_steps(paths, "data"))
    assert os.listdir(paths.volumes) == []


def test_size(paths: Paths) -> None:
    make(paths, "data")
    os.mkdir(f"{paths.volumes}/data/_data/sub")
    Path(f"{paths.volumes}/data/_data/sub/file").write_text("12345")
    assert volumes.size(paths, "data") == 5


def test_what_a_killed_process_left_is_found_and_removed(paths: Paths, cgroup_machine: Machine, bare_network: None) -> None:
    machine = cgroup_machine("v2")
    paths = Paths(paths.root, paths.state, machine.proc, machine.sys, machine.cgroup)
    make(paths, "data")
    left = f"{paths.volumes}/.gone.{2**22 + 1}.tmp"  # no process has a number above pid_max
    os.makedirs(f"{left}/_data/deep")
    os.makedirs(f"{paths.volumes}/.being.made.{os.getpid()}.tmp")
    [leftover] = [found for found in repair.leftovers(paths) if left in found.what]
    assert leftover.repair() == []
    assert sorted(os.listdir(paths.volumes)) == [f".being.made.{os.getpid()}.tmp", "data"]
    assert volumes.names(paths) == ["data"]


class TestPlan:
    """plan_mounts: who wins, what is made, what is refused."""

    def test_of_every_origin(self, paths: Paths, record: Write, parsed: Parse) -> None:
        record("donor", [{**from_volume("/host:/bind"), "rw": True}, on(from_volume("/lent"), "lent"), on(from_volume("/d"), "hidden")])
        options = parsed("-v", "data:/d", "--volumes-from", "donor:ro", "--tmpfs", "/t", "busybox")
        points = mounting.plan_mounts(paths, options, ["/image", "/d/", "/t"])
        assert [(p["destination"], p["type"], p["name"], p["rw"], p["anonymous"]) for p in points if p["destination"] != "/image"] == [
            ("/d", "volume", "data", True, False),
            ("/t", "tmpfs", "", True, False),
            ("/bind", "bind", "", False, False),
            ("/lent", "volume", "lent", False, True),
        ]
        assert not any(point["copy"] for point in points if point["name"] == "lent")

    def test_a_volume_without_a_name_takes_no_place_of_a_donors(self, paths: Paths, record: Write, parsed: Parse) -> None:
        record("donor", [on(from_volume("/d"), "lent")])
        points = mounting.plan_mounts(paths, parsed("--volumes-from", "donor", "-v", "/d", "-v", "/e", "busybox"), [])
        assert [(point["destination"], point["name"] == "lent") for point in points] == [("/d", True), ("/e", False)]

    def test_an_images_volume_is_anonymous(self, paths: Paths, parsed: Parse) -> None:
        [point] = mounting.plan_mounts(paths, parsed("busybox"), ["/image"])
        assert (point["destination"], point["anonymous"], point["copy"], len(point["name"])) == ("/image", True, True, 64)
        assert point["source"] == f"{paths.volumes}/{point['name']}/_data"

    def test_the_last_of_two_donors_wins(self, paths: Paths, record: Write, parsed: Parse) -> None:
        for name in ("one", "two"):
            record(name, [on(from_volume("/d"), f"volume-{name}")])
        [point] = mounting.plan_mounts(paths, parsed("--volumes-from", "one", "--volumes-from", "two", "busybox"), [])
        assert point["name"] == "volume-two"

    def test_a_donor_must_exist(self, paths: Paths, parsed: Parse) -> None:
        with pytest.raises(NotFound, match="no such container: nosuch"):
            mounting.plan_mounts(paths, parsed("--volumes-from", "nosuch", "busybox"), [])

    def test_only_mount_wants_its_source(self, paths: Paths, parsed: Parse, tmp_path: Path) -> None:
        missing = f"{tmp_path}/missing/deep"
        [point] = mounting.plan_mounts(paths, parsed("-v", f"{missing}:/d", "busybox"), [])
        Run("cli").execute(mounting.mount_steps(paths, [point]))
        assert os.stat(missing).st_mode & 0o777 == 0o755
        with pytest.raises(BadInput, match="bind source path does not exist"):
            mounting.plan_mounts(paths, parsed("--mount", f"type=bind,src={tmp_path}/nosuch,dst=/d", "busybox"), [])

    def test_the_steps_make_only_what_is_missing(self, paths: Paths, parsed: Parse, tmp_path: Path) -> None:
        make(paths, "old")
        words = ["-v", "old:/a", "--mount", "src=new,dst=/b,volume-label=x=y", "-v", f"{tmp_path}:/c", "--tmpfs", "/d"]
        steps = mounting.mount_steps(paths, mounting.plan_mounts(paths, parsed(*words, "busybox"), []))
        assert [step.describe() for step in steps] == [
            "mkdir _data for volume new, and write volume.json beside it",
            f"rename volume new to {paths.volumes}/new, unless there is one of that name",
        ]
        Run("cli").execute(steps)
        assert volumes.load(paths, "new")["labels"] == {"x": "y"}


class TestRemovalOfContainers:
    """Anonymous volumes go with the last container that mounts them (docker's own TestRunNamedVolumesFromNotRemoved)."""

    def test_its_own(self, paths: Paths, record: Write) -> None:
        for name in ("own", "kept"):
            make(paths, name, anonymous=True)
        mounts = [on(from_volume("/d"), "own"), {**on(from_volume("/e"), "kept"), "anonymous": False}]
        assert end.container(paths, record("owner", mounts)) == []
        assert volumes.names(paths) == ["kept"]

    def test_not_while_another_container_mounts_it(self, paths: Paths, record: Write, parsed: Parse) -> None:
        make(paths, "shared", anonymous=True)
        owner = record("owner", [{**on(from_volume("/d"), "shared"), "source": "x"}])
        borrowed = mounting.plan_mounts(paths, parsed("--volumes-from", "owner", "busybox"), [])
        borrower = record("borrower", borrowed)
        assert end.container(paths, owner) == []
        assert volumes.names(paths) == ["shared"]
        assert end.container(paths, borrower) == []
        assert volumes.names(paths) == []
