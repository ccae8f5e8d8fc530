"""Processes in a fake /proc, for checks that look at nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.cgroups.layout import Layout
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene

MakeProcess = Callable[..., Process]
KEEPER = 10


@pytest.fixture
def process(tmp_path: Path) -> MakeProcess:
    """Return a function that makes a process in a fake /proc. Namespaces that are not given are the host's, number 1."""
    (tmp_path / "uptime").write_text("1000.25 1900.00\n")

    def make(
        number: int,
        variables: str = "",
        status: str = "",
        stat: str = "S 1",
        cgroup: str = "",
        files: dict[str, str] | None = None,
        **namespaces: str,
    ) -> Process:
        directory = tmp_path / str(number)
        (directory / "ns").mkdir(parents=True)
        texts = {"environ": variables.replace(" ", "\0"), "status": status, "stat": f"{number} (a) b) {stat}\n", "cgroup": cgroup}
        for name, content in {**texts, **(files or {})}.items():
            (directory / name).write_text(content)
        for kind, inode in namespaces.items():
            (directory / "ns" / kind).symlink_to(f"{kind.removesuffix('_for_children')}:[{inode}]")
        return Process(number, str(tmp_path))

    return make


@pytest.fixture
def scene(process: MakeProcess) -> Callable[..., Scene]:
    """Return a function that makes a scene of these processes, with a keeper in the host's namespaces."""

    def make(*processes: Process) -> Scene:
        keeper = process(KEEPER, pid="1", pid_for_children="1", mnt="1", net="1")
        return Scene(keeper=keeper, processes=[keeper, *processes], layout=Layout([]), work="/work")

    return make
