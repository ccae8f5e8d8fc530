"""--tree: lines, and what a layer does to those below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mydocker.cgroups.layout import Hierarchy
from mydocker.engine.view import containertree
from mydocker.engine.view.containertree import cgroup_of
from mydocker.engine.view.layertree import changes_below
from mydocker.engine.view.tree import Node, drawn, lines_of, some
from mydocker.paths import Paths
from mydocker.storage.whiteouts import AUFS


def test_lines_lead_from_each_node_to_those_below() -> None:
    tree = Node(words="a", below=(Node(words="b", below=(Node(words="c"), Node(words="d"))), Node(words="e", below=(Node(words="f"),))))
    assert drawn(tree) == ["a", "├─ b", "│  ├─ c", "│  └─ d", "└─ e", "   └─ f"]


def test_names_of_an_image_control_no_terminal_and_ids_are_short() -> None:
    assert lines_of(Node(words="\x1b[31m " + "ab" * 32)) == "\\x1b[31m abababababab"


def test_a_container_that_ends_while_it_is_looked_at_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containertree, "_layers", lambda paths, record: Node(words="layers"))
    monkeypatch.setattr(containertree, "_others", lambda paths, record: [])
    monkeypatch.setattr("mydocker.engine.record.state.running_pid", lambda paths, identity: 77)
    record: Any = {"id": "ab" * 32, "name": "box"}
    tree = containertree.container_tree(Paths(proc=str(tmp_path)), record)
    assert tree.words == "box  abababababab  (does not run: the kernel knows nothing of it)"


def test_of_many_names_some_are_listed() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some([str(number) for number in range(9)]) == "0, 1, 2, 3, 4, 5 and 3 more"


def test_a_layer_adds_changes_hides_and_is_opaque(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for path in (lower / "etc", upper / "etc", upper / "var/cache"):
        path.mkdir(parents=True)
    (lower / "etc/motd").touch()
    (lower / "etc/passwd").touch()
    (upper / "etc/passwd").touch()
    (upper / "etc/.wh.motd").touch()
    (upper / "var/cache/.wh..wh..opq").touch()
    below = changes_below(AUFS, str(upper), [str(lower)])
    assert [node.words for node in below] == ["2 added, 2 changed", "1 hidden by whiteouts: /etc/motd", "1 opaque: /var/cache"]


def test_an_empty_layer_says_so(tmp_path: Path) -> None:
    assert [node.words for node in changes_below(AUFS, str(tmp_path), [])] == ["nothing added or changed"]


LINES = ["5:name=systemd:/s", "4:cpu,cpuacct:/c/d", "3:memory:/lxc/one/m", "0::/unified"]


@pytest.mark.parametrize(
    ("hierarchy", "path"),
    [
        (Hierarchy(version=1, mount="/g/cpu", controllers=("cpuacct", "cpu")), "/c/d"),
        (Hierarchy(version=1, mount="/g/systemd", name="systemd"), "/s"),
        (Hierarchy(version=2, mount="/g/unified"), "/unified"),
        (Hierarchy(version=1, mount="/g/memory", controllers=("memory",), root="/lxc/one"), "/m"),
        (Hierarchy(version=1, mount="/g/pids", controllers=("pids",)), "/"),
    ],
)
def test_a_process_has_a_cgroup_in_each_hierarchy(hierarchy: Hierarchy, path: str) -> None:
    assert cgroup_of(LINES, hierarchy) == path
