"""Clients that cannot be installed here: what lazydocker, ctop, Portainer, act and Jenkins' docker plugin ask is played (recorded.py).

With `--reference docker` the same is played to the dockerd that is installed, so that no recording is wrong itself.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, UnixStreamServer
from threading import Thread

import pytest
import recorded
from conftest import FACTOR, Machine
from recorded import NAMES, Player, Unlike, compare
from reference import Docker
from services import Service

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths

# Names in memory.stat of both versions of cgroups, which clients subtract from what is used.
FIRST, SECOND = ("cache", "rss", "total_inactive_file"), ("anon", "file", "inactive_file")
# What docker calls this machine's architecture in images.
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def played(path: str, name: str, patience: float = 0) -> str:
    """Play a recording, and return what is read wrongly, a line each. patience: see Player"""
    layout = Layout.detect(Paths())
    known = {
        "architecture": ARCHITECTURE,
        # What there is to be told of a container's memory and processors depends on the version of cgroups.
        "memory": dict.fromkeys(FIRST if layout.find("cpuacct") else SECOND, "<number>"),
        "processors": {"percpu_usage": ["<number>"]} if layout.find("cpuacct") else {},
    }
    return "\n".join(Player(path, known, patience).play(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_client_reads_what_it_expects(needs_controllers: None, mydocker: Machine, service: Service, name: str) -> None:
    before = mydocker.snapshot()
    wrong = played(service.path, name)
    mydocker("run", "--rm", "busybox", "true")  # has the default bridge made again, which a prune removes
    assert wrong == ""
    assert mydocker.left_since(before) == []


@pytest.mark.parametrize("name", NAMES)
def test_dockerd_is_read_alike(dockerd: Docker, name: str) -> None:
    """It is asked again: for a moment after the end of an exec's stream it says that the process runs. Ours is asked once."""
    assert played(dockerd.address.removeprefix("unix://"), name, patience=10 * FACTOR) == ""


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 2}),
        ({"a": 0}, {"a": False}),
        ({"a": {}}, {"a": None}),
        ([{"a": 1}], []),
        ([{"a": 1}, {"a": 2}], [{"a": 1}]),
        ("<number>", True),
        ("<text>", None),
        ("<id>", "abc"),
        ("~a.c", "abcd"),
    ],
)
def test_what_a_client_reads_otherwise_is_told(wanted: object, found: object) -> None:
    with pytest.raises(Unlike):
        compare(wanted, found, {})


@pytest.mark.parametrize("patience", [0, 30])
def test_only_a_patient_player_asks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int) -> None:
    """Nobody else does: what a client reads first has to be right."""
    (tmp_path / "one.json").write_text(json.dumps({"requests": [{"why": "", "send": "GET /", "status": 200, "reads": {"a": 2}}]}))
    monkeypatch.setattr(recorded, "DIRECTORY", tmp_path)
    with answering(f"{tmp_path}/sock", [{"a": 1}, {"a": 2}]):
        wrong = Player(f"{tmp_path}/sock", {}, patience).play("one")
    assert wrong == ([] if patience else ["GET /: .a: 1 is not 2 ()"])


@contextmanager
def answering(path: str, documents: list[object]) -> Iterator[None]:
    """Answer requests at a socket, one after the other, with these documents."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            body = json.dumps(documents.pop(0))
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    with UnixStreamServer(path, Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_what_a_client_reads_is_kept() -> None:
    kept: dict[str, object] = {}
    wanted = {"a": [{"Id": "<digits:one>", "x": "~y+"}], "b": "<any:two>"}
    compare(wanted, {"a": [{"Id": "1", "x": "z"}, {"Id": "2", "x": "yy"}], "b": None}, kept)
    assert kept == {"one": "2", "two": None}
