"""Fake kernel trees, recorded from real machines (tests/data), expanded into a temporary directory."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.paths import Paths

CGROUPS = Path(__file__).parent.parent / "data" / "cgroups"

# A machine's name and the cgroups (or files) that it shall not have.
Machine = Callable[..., Paths]


@pytest.fixture
def cgroup_machine(tmp_path: Path) -> Machine:
    """Return a function that expands tests/data/cgroups/NAME.txt; `without` leaves out files whose path contains one of its words."""

    def expand(name: str, without: tuple[str, ...] = ()) -> Paths:
        for line in (CGROUPS / f"{name}.txt").read_text().splitlines():
            path, literal = line.split(" ", 1)
            if not any(word in path for word in without):
                put(tmp_path, path, ast.literal_eval(literal))
        return Paths(proc=str(tmp_path / "proc"), sys=str(tmp_path / "sys"), cgroup=str(tmp_path / "sys/fs/cgroup"))

    return expand


def put(root: Path, path: str, content: str) -> None:
    """Write one recorded file below `root`; mountinfo's mount points move there too."""
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content.replace(" /sys/fs/cgroup", f" {root}/sys/fs/cgroup") if path.endswith("mountinfo") else content)
