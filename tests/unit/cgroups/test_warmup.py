"""cgroups.warmup: a write that changes nothing, here or in a child."""

import os
from pathlib import Path

import pytest

from mydocker.cgroups.layout import Hierarchy, Layout
from mydocker.cgroups.warmup import WarmUp, warm_up


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/cgroup.procs").touch()
    return Layout(
        [
            Hierarchy(version=1, mount=str(tmp_path), controllers=("cpu",), name="", root="/", own="/mine", readonly=False),
            Hierarchy(version=1, mount="/nowhere", controllers=("pids",), name="", root="/", own="/", readonly=False),
        ]
    )


def test_the_process_is_moved_to_where_it_is(layout: Layout, tmp_path: Path) -> None:
    warm_up(layout)
    assert (tmp_path / "mine/cgroup.procs").read_text() == "0"


def test_that_it_may_not_be_moved_is_no_error(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "mine/cgroup.procs").unlink()
    (tmp_path / "mine/cgroup.procs").mkdir()
    warm_up(layout)


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_child_does_it_for_root(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with WarmUp(layout):
        pass
    assert (tmp_path / "mine/cgroup.procs").read_text() == ("0" if uid == 0 else "")
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_there_may_be_nothing_to_do(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    warm_up(Layout([]))
    for warming in (WarmUp(Layout([])), WarmUp(layout, wanted=False)):
        with warming, pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
