"""What `system check` finds of each thing that a crash can leave, and that --repair takes away that and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker import store
from mydocker.cgroups.manager import CgroupManager
from mydocker.engine.container import orphans
from mydocker.engine.monitor import end
from mydocker.engine.record import bundle, containers, state
from mydocker.engine.system.repair import leftovers
from mydocker.errors import Conflict, StepFailed
from mydocker.paths import Paths

if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from tests.unit.conftest import MakeRecord, Process

RUNNING, ENDED, LOST = "a" * 64, "b" * 64, "c" * 64
DEAD = 2**22 + 1  # no process has a number above pid_max
SHORT = LOST[:12]
HIERARCHIES = ("memory", "pids")


@pytest.fixture
def record(save_record: MakeRecord) -> MakeRecord:
    """Return a function that writes a container with its name."""

    def write(paths: Paths, container_id: str, name: str, status: str, **more: Any) -> Record:
        os.makedirs(paths.container(container_id) + "/bundle")
        for file in ("hostname", "hosts", "resolv.conf"):
            Path(paths.container(container_id), file).touch()
        store.write_json(bundle.path(paths, container_id), {"ociVersion": "1.2.0", "root": {"path": "rootfs"}})
        return save_record(paths, id=container_id, name=name, status=status, **more)

    return write


def cgroup(paths: Paths, container_id: str) -> None:
    for hierarchy in HIERARCHIES:
        os.makedirs(f"{paths.cgroup}/{hierarchy}/mydocker/{container_id}")


def run_state(paths: Paths, container_id: str, pid: int) -> None:
    os.makedirs(paths.running(container_id))
    state.save(paths, container_id, pid, f"/mydocker/{container_id}")


@pytest.fixture
def paths(tmp_path: Path, fake_process: Process, record: MakeRecord, bare_network: None) -> Paths:
    """A machine where one container runs and one has ended, with names that look like temporary files."""
    paths = Paths(*(f"{tmp_path}/{name}" for name in ("root", "state", "proc", "sys", "cgroup")))
    os.makedirs(f"{paths.proc}/self")
    mounts = [f"{n} 1 0:{n} / {paths.cgroup}/{name} rw - cgroup cgroup rw,{name}\n" for n, name in enumerate(HIERARCHIES, 30)]
    Path(paths.proc, "self/mountinfo").write_text("".join(mounts))
    Path(paths.proc, "self/cgroup").write_text("".join(f"{n}:{name}:/\n" for n, name in enumerate(HIERARCHIES, 1)))
    for directory in (paths.names, paths.cache, f"{paths.volumes}/data.{DEAD}.tmp/_data", f"{paths.layers}/vfs"):
        os.makedirs(directory)
    store.write_json(f"{paths.volumes}/data.{DEAD}.tmp/volume.json", {"name": f"data.{DEAD}.tmp", "createdAt": "2026-01-01T00:00:00Z"})
    record(paths, RUNNING, f"web.{DEAD}.tmp", "running")
    fake_process(paths, 4242)
    run_state(paths, RUNNING, 4242)
    cgroup(paths, RUNNING)
    record(paths, ENDED, "ended", "exited")
    for container_id in (RUNNING, ENDED):
        Path(paths.container(container_id), "lock").touch()
    assert [leftover.what for leftover in leftovers(paths)] == []
    return paths


def snapshot(paths: Paths) -> set[str]:
    """Return every path there is; layers/lock is made by whoever looks."""
    found = {str(p) for top in (paths.root, paths.state, paths.cgroup) for p in Path(top).rglob("*")}
    return found - {f"{paths.layers}/lock", paths.events}


def unfinished(paths: Paths, record: MakeRecord) -> None:
    record(paths, LOST, "lost", "creating")
    cgroup(paths, LOST)


def interrupted(paths: Paths, record: MakeRecord) -> None:
    record(paths, LOST, "lost", "running", autoRemove=True)
    run_state(paths, LOST, 4343)
    cgroup(paths, LOST)


def run_lost(paths: Paths, record: MakeRecord) -> None:
    os.makedirs(paths.running(LOST))
    cgroup(paths, LOST)


def of_another_runtime(paths: Paths, record: MakeRecord) -> None:
    run_state(paths, LOST, 4343)
    os.makedirs(f"{paths.running(LOST)}/oci/{LOST}")


# (paths, what the fixture record gives) → nothing that matters
Maker = Callable[[Paths, Any], object]
MAKERS: dict[str, tuple[Maker, list[str]]] = {
    "no record": (lambda p, record: os.makedirs(p.container(LOST)), [f"container {SHORT}: it has no record"]),
    "creating": (lambda p, record: record(p, LOST, "lost", "creating"), [f"container {SHORT}: its creation was not finished"]),
    "removing": (lambda p, record: record(p, LOST, "lost", "removing"), [f"container {SHORT}: its removal was not finished"]),
    "creating, with a cgroup": (
        unfinished,
        [f"container {SHORT}: its creation was not finished", f"cgroup /mydocker/{LOST}"],
    ),
    "a run of --rm": (
        interrupted,
        [f"state of container {SHORT}, which does not run"],
    ),
    "state without a container": (lambda p, record: run_state(p, LOST, 4343), [f"state of container {SHORT}, which does not run"]),
    "state without content": (lambda p, record: os.makedirs(p.running(LOST)), [f"state of container {SHORT}, which does not run"]),
    "another runtime's state": (
        of_another_runtime,
        [f"state of container {SHORT}, which does not run"],
    ),
    "cgroups": (lambda p, record: cgroup(p, ENDED), [f"cgroup /mydocker/{ENDED}"]),
    "cgroups with a directory under STATE only": (
        run_lost,
        [f"state of container {SHORT}, which does not run"],
    ),
    "a name": (lambda p, record: (Path(p.names) / "lost").write_text(LOST), ["name 'lost' of a container that is gone"]),
    "a name before or after a rename": (
        lambda p, record: (Path(p.names) / "other").write_text(ENDED),
        [f"name 'other' of container {ENDED[:12]}, which has another one"],
    ),
    "a half-unpacked layer": (
        lambda p, record: os.makedirs(f"{p.layers}/vfs/{LOST}.{DEAD}.partial/etc"),
        [f"half-unpacked layer ROOT/layers/vfs/{LOST}.{DEAD}.partial"],
    ),
    "a layer of no image": (lambda p, record: os.makedirs(f"{p.layers}/vfs/{LOST}/etc"), [f"layer {LOST} that nothing needs"]),
}
PLACES = [".", "names", "containers", "volumes", "cache", f"containers/{ENDED}", f"containers/{ENDED}/bundle"]
for place in PLACES:
    MAKERS[f"temporary in {place}"] = (
        lambda p, record, place=place: os.makedirs(f"{p.root}/{place}/.some.thing.{DEAD}.tmp/inside"),  # type: ignore[misc]
        [os.path.normpath(f"temporary file ROOT/{place}/.some.thing.{DEAD}.tmp")],
    )


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_left_is_found_and_repaired_and_nothing_else(paths: Paths, record: MakeRecord, kind: str) -> None:
    before = snapshot(paths)
    make, expected = MAKERS[kind]
    make(paths, record)
    found = list(leftovers(paths))
    assert [os.path.normpath(leftover.what.replace(paths.root, "ROOT")) for leftover in found] == expected
    problems = [problem.message for leftover in leftovers(paths) for problem in leftover.repair()]
    assert problems == []
    assert snapshot(paths) == before
    assert list(leftovers(paths)) == []


def test_a_damaged_record(paths: Paths, record: MakeRecord) -> None:
    """All of the container is put away, and nothing of it lost; its name is free."""
    record(paths, LOST, "lost", "exited")
    os.makedirs(f"{paths.container(LOST)}/upper/written")
    before = snapshot(paths) - {f"{paths.names}/lost"}
    Path(paths.container(LOST), "config.json").write_text('{"id": ')
    assert "config.json: not valid JSON" in next(leftovers(paths)).what
    for leftover in leftovers(paths):
        assert leftover.repair() == []
    [kept] = Path(paths.damaged).iterdir()
    assert kept.name.startswith("container-lost-")
    moved = {path.replace(str(kept), paths.containers) for path in snapshot(paths) - {paths.damaged, str(kept)}}
    assert moved == before | {f"{paths.container(LOST)}/lock"}


@pytest.mark.parametrize("kind", ["creating", "creating, with a cgroup", "a run of --rm", "no record"])
def test_what_somebody_works_on_is_not_left(paths: Paths, record: MakeRecord, kind: str) -> None:
    MAKERS[kind][0](paths, record)
    with store.Lock(paths.container(LOST) + "/lock"):
        assert [leftover.what for leftover in leftovers(paths)] == []


@pytest.mark.parametrize(("process", "is_left"), [("S", False), ("Z", True), ("X", True)])
def test_what_a_process_writes_is_left_when_it_has_ended(
    paths: Paths, record: MakeRecord, fake_process: Process, process: str, is_left: bool
) -> None:
    """Also if its parent, which may be some container's first process, never takes note of its end."""
    fake_process(paths, DEAD, state=process)
    for name in PLACES:
        MAKERS[f"temporary in {name}"][0](paths, record)
    os.makedirs(f"{paths.layers}/vfs/{LOST}.{DEAD}.partial")
    assert len(list(leftovers(paths))) == (len(PLACES) + 1 if is_left else 0)


def test_a_cgroup_of_no_container_of_ours_is_left_alone(paths: Paths) -> None:
    """Every ROOT has its cgroups in /mydocker."""
    cgroup(paths, LOST)
    assert [leftover.what for leftover in leftovers(paths)] == []


def test_what_is_started_meanwhile_keeps_its_cgroup(paths: Paths) -> None:
    cgroup(paths, ENDED)
    [leftover] = leftovers(paths)
    os.makedirs(paths.running(ENDED))
    assert leftover.repair() == []
    assert os.path.isdir(f"{paths.cgroup}/memory/mydocker/{ENDED}")


def test_while_a_cgroup_stays_the_state_says_whose_it_is(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def stays(self: CgroupManager) -> None:
        raise Conflict(f"cgroup {self.path} is still there")

    cgroup(paths, LOST)
    run_state(paths, LOST, 4343)
    with monkeypatch.context() as patched:
        patched.setattr(CgroupManager, "remove", stays)
        assert [problem.message for problem in end.runtime_state(paths, LOST)] == [f"cgroup /mydocker/{LOST} is still there"]
    assert [leftover.repair() for leftover in leftovers(paths)] == [[]]
    assert not os.path.exists(f"{paths.cgroup}/memory/mydocker/{LOST}")


def test_a_cgroup_with_processes_is_left_alone(paths: Paths) -> None:
    cgroup(paths, ENDED)
    Path(paths.cgroup, "memory/mydocker", ENDED, "cgroup.procs").write_text("4242\n")
    assert [leftover.what for leftover in leftovers(paths)] == []


def test_a_container_that_vanishes_while_it_is_looked_at(paths: Paths, make_record: MakeRecord) -> None:
    assert orphans.half_made(paths, LOST) == ""
    assert [error.message for error in orphans.discard(paths, LOST)] == []
    gone = make_record(id=ENDED, name="ended")
    assert end.container(paths, gone) == []


def test_the_end_of_a_run_that_nobody_saw(paths: Paths, record: MakeRecord) -> None:
    record(paths, LOST, "lost", "running", pid=4343, finishedAt="of the run before")
    run_state(paths, LOST, 4343)
    assert orphans.settle(paths, LOST) == []
    known = containers.load(paths, LOST)
    assert (known["status"], known["pid"], known["exitCode"], known["finishedAt"]) == ("exited", 0, 255, "")
    assert known["error"] == "its monitor died before it ended"
    assert not os.path.exists(paths.running(LOST))


def test_removal_goes_on_past_failures_and_tells_them(paths: Paths, record: MakeRecord) -> None:
    """The record cannot be marked: its directory's name for it is taken."""
    volume = {"type": "volume", "destination": "/data", "name": "e" * 64, "anonymous": True}
    whole = record(paths, LOST, "lost", "exited", mounts=[volume])
    os.makedirs(f"{paths.volumes}/{'e' * 64}/_data")
    os.makedirs(store.temporary(f"{paths.container(LOST)}/config.json"))
    [problem] = end.container(paths, whole)
    assert isinstance(problem, StepFailed)
    assert problem.message.endswith("Is a directory")
    assert not os.path.exists(paths.container(LOST))
    assert not os.path.exists(f"{paths.names}/lost")
    assert not os.path.exists(f"{paths.volumes}/{'e' * 64}")


@pytest.mark.parametrize(("shared", "kept"), [(True, {"named", "e" * 64}), (False, {"named"})])
def test_volumes_that_go_with_a_container(paths: Paths, record: MakeRecord, shared: bool, kept: set[str]) -> None:
    volume = {"type": "volume", "destination": "/data"}
    anonymous, named = {**volume, "name": "e" * 64, "anonymous": True}, {**volume, "name": "named", "anonymous": False}
    whole = record(paths, LOST, "lost", "exited", mounts=[anonymous, named])
    record(paths, "f" * 64, "other", "exited", mounts=[{**anonymous, "anonymous": False}] if shared else [])
    for name in ("e" * 64, "named"):
        os.makedirs(f"{paths.volumes}/{name}/_data")
    assert end.container(paths, whole) == []
    assert set(os.listdir(paths.volumes)) - {f"data.{DEAD}.tmp"} == kept


@pytest.mark.parametrize(("started", "status"), [("", "created"), ("2026-01-01T00:00:00Z", "exited")])
def test_a_start_that_failed(paths: Paths, record: MakeRecord, started: str, status: str) -> None:
    whole = record(paths, LOST, "lost", "created", startedAt=started)
    assert end.after_failed_start(paths, whole, Conflict("it was so")) == []
    known = containers.load(paths, LOST)
    assert (known["status"], known["exitCode"], known["error"]) == (status, 125, "it was so")


def test_a_start_that_failed_with_rm(paths: Paths, record: MakeRecord) -> None:
    before = snapshot(paths)
    assert end.after_failed_start(paths, record(paths, LOST, "lost", "created", autoRemove=True), Conflict("x")) == []
    assert snapshot(paths) == before
