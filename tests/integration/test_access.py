"""Who may read and write what mydocker keeps: HACKING.md's table, whatever the caller's umask; and nobody else on the host gets in."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Machine
from keeper import Keeper

HACKING = Path(__file__).resolve().parents[2] / "HACKING.md"
WORDS = {
    "ID": "[0-9a-f]{64}",
    "HEX": "[0-9a-f]{64}",
    "NAME": "[^/]+",
    "DRIVER": "(?:overlay|aufs|vfs)",
    "SHORT": "[0-9a-f]+",
    "NUMBER": "[0-9]+",
    "STREAMS": "[IOE-]+",
    "ADDRESS": "[0-9a-f.:]+",
}
SECRET = "hunter2"
# What the flags of a container with everything are; it runs until it is removed.
DOCKERFILE = (
    "FROM busybox\\nWORKDIR /made\\nCOPY file /copied/\\nADD file /added/\\nENV TOKEN="
    + SECRET
    + "\\nRUN --mount=type=cache,target=/c echo x > /c/x"
)


def table() -> list[tuple[re.Pattern[str], set[str]]]:
    """Return HACKING.md's rows: which paths, and their modes."""
    rows = re.findall(r"^\| `(ROOT|STATE)([^`]*)` \| ([0-7 or]+) \|", HACKING.read_text(), re.MULTILINE)
    assert len(rows) > 50
    return [(re.compile(top + _pattern(path)), set(modes.split(" or "))) for top, path, modes in rows]


def _pattern(path: str) -> str:
    return re.sub("|".join(rf"\b{word}\b" for word in WORDS), lambda found: WORDS[found[0]], re.escape(path))


class Used:
    """A ROOT and a STATE that have seen use under one umask."""

    def __init__(self, mydocker: Machine, place: str, umask: str) -> None:
        self.mydocker = mydocker
        self.place = place
        self.umask = umask

    def __call__(self, *words: str) -> str:
        environment = f"MYDOCKER_ROOT={self.place}/root MYDOCKER_STATE={self.place}/state"
        line = " ".join(self.mydocker.quote(word) for word in words)
        result = self.mydocker.sh(f"umask {self.umask}; env {environment} {self.mydocker.command} {line} < /dev/null")
        assert result.rc == 0, result.stderr
        return str(result.stdout)

    def fill(self, flags: list[str]) -> None:
        """Have everything made that there is: image, build, volume, network, running containers, an exec, a log, events."""
        self.mydocker.sh(f"cd {self.place} && printf {self.mydocker.quote(DOCKERFILE)} > Dockerfile && echo x > file")
        archive = self.mydocker.sh(f"{{mydocker}} save busybox -o {self.place}/busybox.tar")
        assert archive.rc == 0, archive.stderr
        self("load", "-q", "-i", f"{self.place}/busybox.tar")
        self("build", "-q", "--network", "none", "-t", "made", self.place)
        self("network", "create", "net")
        self(
            "run",
            "-d",
            "--name",
            "one",
            "--network",
            "net",
            "-p",
            "127.0.0.1::80",
            "-v",
            "vol:/vol",
            "-e",
            f"A={SECRET}",
            "made",
            "sleep",
            "600",
        )
        self(
            "run",
            "-d",
            "--name",
            "two",
            *flags,
            "--network",
            "none",
            "-v",
            "vol:/vol",
            "--log-opt",
            "max-size=1k",
            "busybox",
            "sleep",
            "600",
        )
        self("exec", "one", "sh", "-c", "cp /bin/busybox /s && chmod 4755 /s && cp /bin/busybox /vol/s && chmod 4755 /vol/s && echo hi")
        self("create", "--name", "three", "--storage-driver", "vfs", "--network", "none", "busybox", "true")

    def found(self) -> list[tuple[str, str, str]]:
        """Return (path, mode, owner) of all that mydocker made itself, without what images and containers have in their own trees."""
        names = ("layers/*/[0-9a-f]*", "upper", "rw", "tree", "work", "_data", "data")
        trees = " -o ".join(f"-path '*/{name}/*'" for name in names)
        lines = self.mydocker.sh(
            f"cd {self.place}; find root state \\( {trees} \\) -prune -o -not -type l -printf '%p %m %U:%G\\n'"
        ).stdout.splitlines()
        return [(path.replace("root", "ROOT", 1).replace("state", "STATE", 1), mode, owner) for path, mode, owner in map(str.split, lines)]


@pytest.fixture(scope="module", params=["000", "022", "077"])
def used(
    request: pytest.FixtureRequest, host: Any, program: str, directory: str, image_imported: None, keeper: Keeper, no_idmapped_mounts: str
) -> Iterator[Used]:
    """It is made once for all tests of a umask."""
    machine = Machine(host, program, directory)
    before = machine.snapshot()
    place = tempfile.mkdtemp(prefix="mydocker-access-")
    keeper.watch(place)
    os.chmod(place, 0o755)
    used = Used(machine, place, request.param)
    used.fill([] if no_idmapped_mounts else ["--userns", "auto"])
    yield used
    used("rm", "-f", "one", "two", "three")
    used("network", "prune", "-f")
    shutil.rmtree(place)
    assert not machine.left_since(before)


@pytest.fixture
def stranger(used: Used) -> Any:
    """Return what runs a shell script as an ordinary user of the host."""
    return lambda script: used.mydocker.sh(f"setpriv --reuid 65534 --regid 65534 --clear-groups sh -c {used.mydocker.quote(script)}")


def test_everything_has_the_mode_that_the_table_says(used: Used) -> None:
    rows = table()
    wrong = []
    for path, mode, owner in used.found():
        modes = next((modes for pattern, modes in rows if pattern.fullmatch(path)), None)
        mapped = path.endswith(("/hostname", "/hosts", "/resolv.conf", "/upper", "/_data"))  # the root's of a user namespace
        if modes is None or mode not in modes or (owner != "0:0" and not mapped):
            wrong.append(f"{path} {mode} {owner}: expected {modes or 'to be in HACKING.md'}")
    assert not wrong, "\n".join(wrong)


def test_an_ordinary_user_reaches_nothing_of_it(used: Used, stranger: Any) -> None:
    ids = used("ps", "-aq", "--no-trunc").split()
    assert stranger(f"find {used.place}/root {used.place}/state").stdout.splitlines() == [f"{used.place}/root", f"{used.place}/state"]
    for container_id in ids:
        directory = f"{used.place}/root/containers/{container_id}"
        assert stranger(f"{directory}/*/s id -u").rc == 126
        assert stranger(f"cat {directory}/config.json {directory}/hosts {directory}/log.json").stdout == ""
    assert stranger(f"{used.place}/root/volumes/vol/_data/s id -u").rc == 126


def test_proc_tells_an_ordinary_user_no_variable_of_it(used: Used, stranger: Any) -> None:
    states = used.mydocker.sh(f"cat {used.place}/state/*/state.json").stdout
    pids = re.findall(r'"(?:pid|monitor)": (\d+)', states)
    assert len(pids) == 4
    for pid in pids:
        told = stranger(f"cd /proc/{pid}; cat environ cmdline; ls cwd/ root/ fd/")
        assert SECRET not in told.stdout and "TOKEN" not in told.stdout
        assert told.stdout.strip("\0\n")  # what it was called as


def test_what_is_made_does_not_depend_on_the_umask(used: Used) -> None:
    listed = used(
        "run",
        "--rm",
        "--network",
        "none",
        "--user",
        "1000",
        "made",
        "sh",
        "-c",
        "stat -c '%a %n' / /made /copied /copied/file /added /added/file",
    )
    assert listed.splitlines() == ["755 /", "755 /made", "755 /copied", "644 /copied/file", "755 /added", "644 /added/file"]


def test_an_older_installation_is_closed_by_the_next_command(used: Used) -> None:
    used.mydocker.sh(f"chmod 711 {used.place}/root; chmod 755 {used.place}/state")
    used("ps")
    assert used.mydocker.sh(f"stat -c %a {used.place}/root {used.place}/state").stdout.split() == ["700", "700"]
