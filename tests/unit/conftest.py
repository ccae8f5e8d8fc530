"""Fake kernel trees, recorded from real machines (tests/data), expanded into a temporary directory."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis
import pytest

from mydocker import store
from mydocker.engine.record.containers import RECORD
from mydocker.paths import Paths
from mydocker.shape import fit

if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record

# How long an example takes is the machine's business.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

MACHINES = Path(__file__).parent.parent / "data" / "machines"

# Root's capabilities, where a recording has none.
STATUS = "CapEff:\t000001ffffffffff\n"


class Recording(NamedTuple):
    """What is known of a recorded machine. A test that asks for the fixture `recording` or `recorded` runs over all of them.

    mode: of its cgroup layout; lacking: controllers whose limits nothing there can apply, by version 1's names, without those that version
    2 never has; systemd: whether it is the init; container: whose container it is; closed: how the kernel, or whoever made the
    container, keeps cgroups from being made there; whole: more than cgroups was recorded.
    """

    name: str
    mode: str
    lacking: str = ""
    systemd: bool = False
    container: str = ""
    closed: str = ""
    whole: bool = True

    @property
    def lacks(self) -> set[str]:
        return set(self.lacking.split()) | ({"net_cls", "net_prio"} if self.mode == "v2" else set())


READ_ONLY = "is mounted read-only"
RECORDINGS = [
    Recording("5.10-v1", "v1"),
    Recording("5.10-hybrid", "hybrid"),
    Recording("5.10-v2", "v2"),
    Recording("6.12-v1", "v1", "memory cpuset"),
    Recording("6.12-hybrid", "hybrid"),
    Recording("6.12-v2", "v2"),
    Recording("systemd-v1", "v1", systemd=True),
    Recording("systemd-hybrid", "hybrid", "pids", systemd=True),
    Recording("systemd-v2", "v2", systemd=True),
    Recording("crun-v1", "v1", container="crun", closed=READ_ONLY),
    Recording("crun-v2", "v2", "rdma", container="crun", closed=READ_ONLY),
    Recording("mydocker-v1", "v1", "hugetlb rdma net_cls net_prio", container="mydocker", closed=READ_ONLY),
    Recording("podman-v1", "v1", "hugetlb rdma net_cls net_prio", container="podman", closed=READ_ONLY),
    Recording("podman-v1-privileged", "v1", "hugetlb rdma net_cls net_prio", container="podman"),
    Recording("comounted", "v1", whole=False),
    Recording("hybrid", "hybrid", "rdma net_cls net_prio", whole=False),
    Recording("split", "hybrid", whole=False),
    Recording("v2", "v2", whole=False),
    Recording("v2-container", "v2", "rdma", container="docker", closed="holds processes", whole=False),
]


def pytest_configure(config: pytest.Config) -> None:
    os.umask(0o022)  # as the monitor does
    config.addinivalue_line("markers", "applies(function): which recordings a test runs over, all without it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("applies")
        chosen = [each for each in RECORDINGS if not marker or marker.args[0](each)]
        metafunc.parametrize("recording", chosen, ids=[each.name for each in chosen])


@pytest.fixture
def recorded(recording: Recording, cgroup_machine: Machine) -> Paths:
    """Return where a recording is expanded, for tests that only read it."""
    return cgroup_machine(recording.name)


@pytest.fixture
def own_recorded(recording: Recording, own_cgroup_machine: Machine) -> Paths:
    """Return where a recording is expanded for one test, which may change it."""
    return own_cgroup_machine(recording.name)


@pytest.fixture
def bare_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without any network of its own or anybody's rules: what is planned does not depend on where the tests run."""
    monkeypatch.setattr("mydocker.network.pools.host_subnets", list)
    monkeypatch.setattr("mydocker.network.bridge.BridgeDriver._is_there", lambda *_: False)
    monkeypatch.setattr("mydocker.kernel.netfilter.chains", list)
    monkeypatch.setattr("mydocker.kernel.route.Route.links", lambda _: [])
    monkeypatch.setattr("mydocker.network.firewall._listed_by_iptables", lambda _: "")


# (fields that are not as usual) → a container's record.
MakeRecord = Callable[..., "Record"]


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """Return a function that makes a whole record: what is not given is as in the plainest container that was created and never ran."""

    def make(**fields: Any) -> Record:
        record: Any = {
            "id": "c1" * 32,
            "name": "web",
            "status": "created",
            "createTime": "2026-01-01T00:00:00Z",
            "command": ["sh"],
            "image": "box:latest",
            "storageDriver": "overlay",
            "layers": [],
            "config": {},
            "hostConfig": {},
            **fields,
        }
        record["hostConfig"] = {"CgroupPath": f"/mydocker/{record['id']}", **record["hostConfig"]}
        fit(record, RECORD)
        made: Record = record
        return made

    return make


@pytest.fixture(scope="session")
def save_record(make_record: MakeRecord) -> MakeRecord:
    """Return a function that makes a whole record and writes it below the root of paths, its first argument."""

    def save(paths: Paths, **fields: Any) -> Record:
        record = make_record(**fields)
        Path(paths.container(record["id"])).mkdir(parents=True, exist_ok=True)
        Path(paths.names).mkdir(exist_ok=True)
        Path(paths.names, record["name"]).write_text(record["id"])
        store.write_json(f"{paths.container(record['id'])}/config.json", record)
        return record

    return save


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
    """Return a function that expands tests/data/machines/NAME.txt, once for all tests: they only read it.

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
    put(root, "/proc/self/status", STATUS)
    for line in (MACHINES / f"{name}.txt").read_text().splitlines():
        path, literal = line.split(" ", 1)
        if not any(word in path for word in without):
            put(root, path, ast.literal_eval(literal))
    return Paths(proc=str(root / "proc"), sys=str(root / "sys"), cgroup=str(root / "sys/fs/cgroup"), run=str(root / "run"))


def put(root: Path, path: str, content: str) -> None:
    """Write one recorded file below `root`, or make a directory; mountinfo's mount points move there too."""
    file = root / path.lstrip("/")
    if path.endswith("/"):
        file.mkdir(parents=True, exist_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(moved(root, line) for line in content.splitlines(True)) if path.endswith("mountinfo") else content)


def moved(root: Path, line: str) -> str:
    """Return a line of mountinfo with the mount point below `root`."""
    words = line.split(" ")
    return " ".join([*words[:4], f"{root}{words[4]}", *words[5:]])
