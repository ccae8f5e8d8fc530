"""Fake kernel trees, recorded from real machines (tests/data), expanded into a temporary directory."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import hypothesis
import pytest

from mydocker.paths import Paths

# How long an example takes is the machine's business.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

CGROUPS = Path(__file__).parent.parent / "data" / "cgroups"

# Root's capabilities, for what is not the recordings' business.
STATUS = "CapEff:\t000001ffffffffff\n"


@pytest.fixture
def bare_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without any network of its own or anybody's rules: what is planned does not depend on where the tests run."""
    monkeypatch.setattr("mydocker.network.pools.host_subnets", list)
    monkeypatch.setattr("mydocker.network.bridge.BridgeDriver._is_there", lambda *_: False)
    monkeypatch.setattr("mydocker.kernel.netfilter.chains", list)


# (a recording's name, what it shall lack) → where it is.
Machine = Callable[..., Paths]


# (machine, pid, start time, state letter): add or change a process.
Process = Callable[..., None]


@pytest.fixture
def fake_process() -> Process:
    """Return a function that puts a process into a machine's fake /proc; its name is as bad as names get."""

    def add(paths: Paths, pid: int, started: int = 99, state: str = "S") -> None:
        fields = " ".join(["1"] * 18)
        put(Path(paths.proc).parent, f"/proc/{pid}/stat", f"{pid} (a) b (c) {state} {fields} {started} 0 0\n")

    return add


@pytest.fixture(scope="session")
def cgroup_machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return a function that expands tests/data/cgroups/NAME.txt, once for all tests: they only read it.

    `without` leaves out files whose path contains one of its words.
    """

    @cache
    def expand(name: str, without: tuple[str, ...] = ()) -> Paths:
        return expanded(tmp_path_factory.mktemp(name), name, without)

    return expand


@pytest.fixture
def own_cgroup_machine(tmp_path: Path) -> Machine:
    """Return a function that expands a recording for one test, which may change it."""
    return partial(expanded, tmp_path)


def expanded(root: Path, name: str, without: tuple[str, ...] = ()) -> Paths:
    """Expand a recording below `root`."""
    for line in (CGROUPS / f"{name}.txt").read_text().splitlines():
        path, literal = line.split(" ", 1)
        if not any(word in path for word in without):
            put(root, path, ast.literal_eval(literal))
    put(root, "/proc/self/status", STATUS)
    return Paths(proc=str(root / "proc"), sys=str(root / "sys"), cgroup=str(root / "sys/fs/cgroup"))


def put(root: Path, path: str, content: str) -> None:
    """Write one recorded file below `root`; mountinfo's mount points move there too."""
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content.replace(" /sys/fs/cgroup", f" {root}/sys/fs/cgroup") if path.endswith("mountinfo") else content)
