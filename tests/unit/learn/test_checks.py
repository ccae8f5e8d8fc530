"""Checks of lessons over processes in a fake /proc: what holds, and which hint comes first."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mydocker.learn import lessons
from mydocker.learn.facts import Fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene
from mydocker.reasons import LANGUAGES

REPOSITORY = Path(__file__).parents[3]
MakeScene = Callable[..., Scene]
# The fields of /proc/PID/stat from the state on: state, parent, ..., cminflt, ..., starttime. The machine is up for 1000.25 s.
STAT = "S 1 1 1 0 -1 0 5 {} 0 0 0 0 0 0 20 0 1 0 {} 0"
WAITED, NOT_WAITED, YOUNG = STAT.format(7, 1000), STAT.format(0, 1000), STAT.format(7, 99950)


def check(number: str, scene: Scene) -> tuple[list[bool], str]:
    """Return what holds, and the first hint in English."""
    facts: list[Fact] = lessons.find(number).checked().facts(scene)
    return [each.holds for each in facts], next((each.hint.en for each in facts if not each.holds), "")


def own_proc(process: Process, inode: str) -> None:
    """Give a process a /proc that shows a pid namespace."""
    place = Path(process.directory, "root/proc/1/ns")
    place.mkdir(parents=True)
    (place / "pid").symlink_to(f"pid:[{inode}]")


@pytest.fixture
def first(process: Callable[..., Process]) -> Process:
    """The first process of pid namespace 2."""
    return process(20, "LESSON=pid", "NSpid:\t20\t1\n", WAITED, pid="2", pid_for_children="2")


def test_pid_1_with_its_own_proc_that_waited_is_right(scene: MakeScene, first: Process) -> None:
    own_proc(first, "2")
    assert check("3", scene(first)) == ([True] * 4, "")


def test_nobody_is_marked(scene: MakeScene, process: Callable[..., Process]) -> None:
    held, hint = check("3", scene(process(20, "LESSON=other", pid="2")))
    assert held == [False]
    assert hint.startswith("begin with `env LESSON=pid ...`")


def test_who_did_not_fork_is_told_that_only_children_move(scene: MakeScene, process: Callable[..., Process]) -> None:
    # As long as no child is there, pid_for_children leads nowhere.
    held, hint = check("3", scene(process(20, "LESSON=pid", "NSpid:\t20\n", NOT_WAITED, pid="1")))
    assert not held[0]
    assert hint.startswith("unshare(2) moves only the children")


def test_the_hosts_proc_is_told(scene: MakeScene, first: Process) -> None:
    own_proc(first, "1")
    assert check("3", scene(first)) == (
        [True, False, True, True],
        "its /proc is still the host's, so ps shows the host's processes: mount a new one in there, of type proc",
    )


def test_a_zombie_of_that_namespace_counts_and_no_other(scene: MakeScene, first: Process, process: Callable[..., Process]) -> None:
    own_proc(first, "2")
    process(30, stat="Z 1", pid="3")
    everything = scene(first)
    assert check("3", everything)[0] == [True] * 4
    process(21, stat="Z 20", pid="2")
    held, hint = check("3", everything)
    assert held == [True, True, True, False]
    assert hint.startswith("process 21 is a zombie")


def test_who_has_only_just_begun_may_still_get_a_zombie(scene: MakeScene, process: Callable[..., Process]) -> None:
    young = process(20, "LESSON=pid", "NSpid:\t20\t1\n", YOUNG, pid="2", pid_for_children="2")
    own_proc(young, "2")
    held, hint = check("3", scene(young))
    assert held == [True, True, True, False]
    assert hint.startswith("it has only just begun")


POWER = "Uid:\t{}\t0\t0\t0\nCapEff:\t{:016x}\nCapBnd:\t{:016x}\nSeccomp:\t{}\n"
CHOWN, MKNOD, ADMIN = 1 << 0, 1 << 27, 1 << 21


@pytest.mark.parametrize(
    ("uid", "effective", "bounding", "seccomp", "hint"),
    [
        (0, CHOWN, CHOWN, 2, ""),
        (7, CHOWN, CHOWN, 2, "it is an ordinary user"),
        (0, 0, CHOWN, 2, "CAP_CHOWN is not in CapEff"),
        (0, CHOWN, CHOWN | MKNOD, 2, "CAP_MKNOD is in CapBnd"),
        (0, CHOWN, CHOWN | ADMIN, 2, "CAP_SYS_ADMIN is in CapBnd"),
        (0, CHOWN, CHOWN, 0, "no seccomp filter is loaded"),
    ],
)
def test_power_is_read_from_status(
    scene: MakeScene, process: Callable[..., Process], uid: int, effective: int, bounding: int, seccomp: int, hint: str
) -> None:
    found = check("8", scene(process(20, "LESSON=power", POWER.format(uid, effective, bounding, seccomp))))
    assert found[1].startswith(hint)
    assert bool(found[1]) == bool(hint)


MOUNTS = "30 1 8:1 / / rw {} - ext4 /dev/a rw\n"
TMPFS = "31 30 0:{} / /mnt rw - tmpfs mine rw\n"


@pytest.mark.parametrize(
    ("optional", "tmpfs", "hint"),
    [
        ("master:5", 9, ""),
        ("shared:5", 9, "its mounts are peers of the host's"),
        ("master:5", 0, "it has no tmpfs of its own yet"),
        ("", 9, "it is private"),
        ("master:6", 9, "it is private"),
    ],
)
def test_propagation_is_read_from_mountinfo(
    scene: MakeScene, process: Callable[..., Process], optional: str, tmpfs: int, hint: str
) -> None:
    own = MOUNTS.format(optional).replace("  ", " ") + (TMPFS.format(tmpfs) if tmpfs else "")
    seen = scene(process(20, "LESSON=mounts", mnt="2", files={"mountinfo": own}))
    Path(seen.keeper.directory, "mountinfo").write_text(MOUNTS.format("shared:5 master:1"))
    found = check("2", seen)
    assert found[1].startswith(hint)
    assert bool(found[1]) == bool(hint)


# A file system of the host's, whatever its type is, and one of the container's own.
@pytest.mark.parametrize(("volume", "hint"), [("0:40 /data /v rw - tmpfs host rw", ""), ("0:9 / /v rw - tmpfs own rw", "none is")])
def test_a_volume_is_of_a_file_system_of_the_hosts(scene: MakeScene, process: Callable[..., Process], volume: str, hint: str) -> None:
    mounts = {"mountinfo": f"50 1 0:50 / / rw - overlay overlay rw\n51 50 {volume}\n52 50 0:41 / /sys rw - sysfs sysfs rw\n"}
    contained = process(20, "LESSON=volumes", stat=f"S 1{' 0' * 17} 99999999999", mnt="2", files=mounts)
    for path in ("v", "sys"):
        Path(contained.directory, "root", path).mkdir(parents=True)
        Path(contained.directory, "root", path, "file").touch()
    seen = scene(contained)
    Path(seen.keeper.directory, "mountinfo").write_text(
        "30 1 8:1 / / rw - ext4 a rw\n31 30 0:40 / /t rw - tmpfs host rw\n32 30 0:41 / /sys rw - sysfs s rw\n"
    )
    found = check("9", seen)
    assert found[1].startswith(hint) and bool(found[1]) == bool(hint)


AUFS = "31 30 0:9 / /merged rw - aufs none rw,si=7b,dio\n"


def aufs(scene: Scene, files: dict[str, str]) -> None:
    """Put what the kernel shows of an aufs, and its branches, where the lab's first process sees them."""
    root = Path(scene.keeper.directory, "root")
    for name, content in {"sys/fs/aufs/si_7b/br0": "/rw=rw\n", "sys/fs/aufs/si_7b/br1": "/low=ro+wh\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


@pytest.mark.parametrize(
    ("written", "held", "hint"),
    [
        (["changed", ".wh.hidden", "dir/.wh..wh..opq"], [True] * 4, ""),
        (["new", ".wh.hidden", "dir/.wh..wh..opq"], [True, False, True, True], "the writable layer has no file that a lower one has too"),
        (["changed", ".wh.never", "dir/.wh..wh..opq"], [True, True, False, True], "the writable layer has no whiteout (a file .wh.NAME)"),
        (["changed", ".wh.hidden", "new/.wh..wh..opq"], [True, True, True, False], "no directory of the writable layer has .wh..wh..opq"),
        ([".wh..wh.aufs", ".wh..wh.plnk/changed"], [True, False, False, False], "the writable layer has no file"),
    ],
)
def test_layers_of_aufs_are_read_from_its_branches(
    scene: MakeScene, process: Callable[..., Process], written: list[str], held: list[bool], hint: str
) -> None:
    seen = scene(process(20, "LESSON=layers", mnt="2", files={"mountinfo": AUFS}))
    aufs(seen, {f"low/{name}": "" for name in ("changed", "hidden", "dir/old")} | {f"rw/{name}": "" for name in written})
    found = check("5", seen)
    assert (found[0], found[1][: len(hint)] if hint else found[1]) == (held, hint)


def test_an_overlay_with_nothing_writable_does_not_count(scene: MakeScene, process: Callable[..., Process]) -> None:
    mounted = "31 30 0:9 / /merged ro - overlay none ro,lowerdir=/a:/b\n"
    assert check("5", scene(process(20, "LESSON=layers", mnt="2", files={"mountinfo": mounted})))[0] == [False]


def test_an_overlay_that_the_machine_itself_has_does_not_count(scene: MakeScene, process: Callable[..., Process]) -> None:
    mounted = "31 30 0:9 / / rw - overlay none rw,lowerdir=/a,upperdir=/b,workdir=/c\n"
    seen = scene(process(20, "LESSON=layers", mnt="2", files={"mountinfo": mounted}), process(1, files={"mountinfo": mounted}))
    assert check("5", seen)[0] == [False]


def test_the_places_that_are_asked_for_are_in_the_code() -> None:
    reading: Any = lessons.find("19").checked()
    for place in [each for places in reading.PLACES for each in places]:
        path, name = place.split()
        tree = ast.parse((REPOSITORY / "mydocker" / path).read_text())
        lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
        assert name in [found for line in lines for found in reading.within(path, line)], place
    for language in LANGUAGES:
        asked = re.findall(r"^ ?(\d+) ", lessons.find("19").page(language), re.MULTILINE)
        assert list(map(int, asked)) == list(range(1, len(reading.PLACES) + 1))


@pytest.mark.parametrize(
    ("path", "document", "runtime"),
    [
        ("crun/theirs/status", '{"pid": 7}', "crun"),
        ("user/0/crun/theirs/status", '{"pid": 7}', "crun"),  # XDG_RUNTIME_DIR, which every login with systemd sets
        ("runc/one/state.json", '{"init_process_pid": 7}', "runc"),
        ("mydocker-oci/one/state.json", '{"pid": 7}', "mydocker-oci"),
        ("mydocker/3f3f/state.json", '{"pid": 7}', "mydocker"),
    ],
)
def test_where_a_runtime_keeps_its_pids(tmp_path: Path, path: str, document: str, runtime: str) -> None:
    file = tmp_path / "run" / path
    file.parent.mkdir(parents=True)
    file.write_text(document)
    owners: Callable[[str], Iterator[tuple[int, str]]] = getattr(lessons.find("17").checked(), "_owners")  # noqa: B009
    assert [*owners(f"{tmp_path}/run")] == [(7, runtime)]
