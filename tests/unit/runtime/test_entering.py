"""What init does about its cgroups: born in one, it enters the others; not born, it enters all."""

from __future__ import annotations

import errno
import marshal
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mydocker import errors
from mydocker.kernel.channel import Channel
from mydocker.runtime.init import Setting
from mydocker.runtime.launch import Launch
from mydocker.runtime.spec import SPEC
from mydocker.shape import fit
from mydocker.steps import cgroups
from mydocker.steps.base import Run, Step
from mydocker.steps.files import WriteFile


class Cgroup:
    """The cgroups of a hybrid machine, as a launch asks for them."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.unified = self

    def join_steps(self) -> list[Step]:
        return [WriteFile("pids/tasks", "0")]

    def enter_steps(self, pid: int) -> list[Step]:
        return [WriteFile(f"{name}/cgroup.procs", str(pid)) for name in ("pids", "unified")]


def tell(setting: Setting, channel: Channel) -> NoReturn:
    channel.put("s", [step.describe() for step in setting.entering])
    os._exit(0)


def said(cgroup: Any) -> list[str]:
    """Return what a fork that is launched with these cgroups would do first."""
    spec: Any = {}
    fit(spec, SPEC)
    setting = Setting(spec=spec, root="/nowhere", streams=(0, 1, 2), size=None, cgroups=[], seccomp=None)
    launch = Launch(setting, Run("monitor"), print, tell, cgroup)
    try:
        os.waitpid(launch.fork(), 0)
        found: list[str] = marshal.loads(launch._channel.receive()[1])
        return found
    finally:
        launch._channel.close()
        os.close(launch._report)


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fork_into(directory: str) -> int:
        raise OSError(number, os.strerror(number), directory)

    monkeypatch.setattr(cgroups, "fork_into", fork_into)


def test_who_was_born_in_one_enters_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "fork_into", lambda directory: os.fork())
    assert said(Cgroup(str(tmp_path))) == ["write 0 to pids/tasks"]


@pytest.mark.parametrize("name", ["ENOSYS", "E2BIG", "EINVAL", "EPERM", "EACCES", "EBUSY", "EAGAIN"])
def test_who_was_not_enters_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    refuse(monkeypatch, getattr(errno, name))
    assert said(Cgroup(str(tmp_path))) == ["write 0 to pids/cgroup.procs", "write 0 to unified/cgroup.procs"]


def test_what_no_move_would_mend_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, errno.ENOMEM)
    with pytest.raises(errors.StepFailed, match=f"^clone3 CLONE_INTO_CGROUP {tmp_path}: init is born in it: Cannot allocate memory$"):
        said(Cgroup(str(tmp_path)))


def test_without_cgroups_nothing_is_entered() -> None:
    assert said(None) == []
