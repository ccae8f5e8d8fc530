"""Clients that cannot be installed here: what lazydocker, ctop, Portainer, act and Jenkins' docker plugin ask is played (recorded.py).

With `--reference docker` the same is played to the dockerd that is installed, so that no recording is wrong itself.
"""

from __future__ import annotations

import platform

import pytest
from conftest import Machine
from recorded import NAMES, Player, Unlike, compare
from services import Service

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths

# Names in memory.stat of both versions of cgroups, which clients subtract from what is used.
FIRST, SECOND = ("cache", "rss", "total_inactive_file"), ("anon", "file", "inactive_file")
# What docker calls this machine's architecture in images.
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def played(path: str, name: str) -> str:
    """Play a recording, and return what is read wrongly, a line each."""
    layout = Layout.detect(Paths())
    known = {
        "architecture": ARCHITECTURE,
        # What there is to be told of a container's memory and processors depends on the version of cgroups.
        "memory": dict.fromkeys(FIRST if layout.find("cpuacct") else SECOND, "<number>"),
        "processors": {"percpu_usage": ["<number>"]} if layout.find("cpuacct") else {},
    }
    return "\n".join(Player(path, known).play(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_client_reads_what_it_expects(needs_controllers: None, mydocker: Machine, service: Service, name: str) -> None:
    before = mydocker.snapshot()
    wrong = played(service.path, name)
    mydocker("run", "--rm", "busybox", "true")  # has the default bridge made again, which a prune removes
    assert wrong == ""
    assert mydocker.left_since(before) == []


@pytest.mark.parametrize("name", NAMES)
def test_dockerd_is_read_alike(docker_client: str, name: str) -> None:
    assert played(docker_client.rpartition("unix://")[2], name) == ""


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


def test_what_a_client_reads_is_kept() -> None:
    kept: dict[str, object] = {}
    wanted = {"a": [{"Id": "<digits:one>", "x": "~y+"}], "b": "<any:two>"}
    compare(wanted, {"a": [{"Id": "1", "x": "z"}, {"Id": "2", "x": "yy"}], "b": None}, kept)
    assert kept == {"one": "2", "two": None}
