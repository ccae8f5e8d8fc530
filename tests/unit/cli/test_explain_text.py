"""--explain as text: groups, what is folded, and that no line is wider than the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydocker import explaining
from mydocker.cli.explain.folding import any_hierarchy, folded
from mydocker.cli.explain.text import groups, names, shortened, text
from mydocker.paths import Paths
from mydocker.steps.files import MakeDir, WriteFile
from mydocker.steps.namespaces import SetHostname, Unshare
from mydocker.steps.nodes import MakeNode
from mydocker.width import columns, wrapped

if TYPE_CHECKING:
    from mydocker.messages import Explanation
    from mydocker.steps.base import Step

ID = "3f" * 32
HIERARCHIES = ("cpu,cpuacct", "memory", "pids")
ENTER: list[Step] = [WriteFile(f"/sys/fs/cgroup/{name}/mydocker/{ID}/cgroup.procs", "7") for name in HIERARCHIES]


def told(*steps: Step, who: str = "monitor", at: float = 0.0) -> list[Explanation]:
    """Return steps as if each had taken a millisecond."""
    return [{**explaining.planned(who, step), "at": at + number, "seconds": 0.001, "pid": 7} for number, step in enumerate(steps)]


def test_a_step_in_every_hierarchy_is_one_line() -> None:
    (line,) = folded(told(*ENTER), "en")
    assert line.words == f"write 7 to /sys/fs/cgroup/*/mydocker/{ID}/cgroup.procs (3 hierarchies)"
    assert line.seconds == pytest.approx(0.003)
    assert folded(told(*ENTER), "zh")[0].words.endswith("（3 个层级）")


def test_one_hierarchy_keeps_its_name() -> None:
    (line,) = folded(told(ENTER[0]), "en")
    assert "/cgroup/cpu,cpuacct/" in line.words and "hierarch" not in line.words


def test_what_differs_stands_in_braces() -> None:
    nodes = [MakeNode("/r", f"/dev/{name}", "c", (1, number)) for name, number in (("null", 3), ("zero", 5))]
    assert [line.words for line in folded(told(*nodes), "en")] == ["mknod /dev/{null,zero} in the root c {1:3,1:5} mode 666"]


def test_what_differs_much_stays_apart() -> None:
    assert len(folded(told(MakeDir("/a", 0o700), SetHostname("a"), MakeDir("/b", 0o755)), "en")) == 3
    apart = [*told(MakeDir("/a"), who="cli"), *told(MakeDir("/b"), who="monitor")]
    assert len(folded(apart, "en")) == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mkdir /sys/fs/cgroup/pids/a mode 755", "mkdir /sys/fs/cgroup/*/a mode 755"),
        ("mount cgroup on /sys/fs/cgroup/pids in the root type cgroup flags 0 data pids", None),
        ("mkdir /var/lib/mydocker mode 700", "mkdir /var/lib/mydocker mode 700"),
    ],
)
def test_any_hierarchy(words: str, expected: str | None) -> None:
    assert any_hierarchy(words) == (expected or "mount cgroup on /sys/fs/cgroup/* in the root type cgroup flags 0 data *")


def test_groups_are_in_order_of_time_and_so_is_what_is_in_them() -> None:
    steps = [*told(SetHostname("a"), at=5.0), *told(*ENTER[:1], at=3.0), *told(Unshare(0x20000), at=1.0)]
    assert list(groups(steps)) == ["namespaces", "limits"]
    assert [step["at"] for step in groups(steps)["namespaces"]] == [1.0, 5.0]


def test_long_directories_have_names_and_ids_twelve_digits() -> None:
    paths = Paths("/var/lib/mydocker", "/run/mydocker")
    steps = told(MakeDir(f"/var/lib/mydocker/containers/{ID}/upper"), MakeDir(f"/run/mydocker/{ID}"), MakeDir("/run/mydockerish"))
    lines = text(steps, names(paths, steps), 80, "en", False)
    assert lines[:3] == ["$ROOT = /var/lib/mydocker", "$STATE = /run/mydocker", f"$CONTAINER = $ROOT/containers/{ID[:12]}"]
    assert "mkdir $CONTAINER/upper mode 755" in "\n".join(lines) and f"$STATE/{ID[:12]}" in "\n".join(lines)
    assert "/run/mydockerish" in "\n".join(lines)


def test_several_containers_have_no_name_in_common() -> None:
    paths = Paths("/r", "/s")
    steps = told(MakeDir(f"/r/containers/{ID}"), MakeDir(f"/r/containers/{'ab' * 32}"))
    assert "$CONTAINER" not in names(paths, steps).values()
    assert shortened(f"/r/containers/{ID}", names(paths, steps)) == f"$ROOT/containers/{ID[:12]}"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 80, 113])
def test_no_line_is_wider_than_the_terminal(language: str, width: int) -> None:
    steps = told(*ENTER, Unshare(0x20000), MakeDir(f"/r/containers/{ID}/" + "long/" * 60), SetHostname("鲸" * 60))
    lines = text(steps, {"/r": "$ROOT"}, width, language, True)
    assert max(map(columns, lines)) <= width


def test_a_reason_is_told_once_in_a_group_with_its_place() -> None:
    steps = told(MakeDir("/a", 0o700), WriteFile("/proc/1/uid_map", "0 1 1"), MakeDir("/b/c", 0o755))
    lines = text(steps, {}, 80, "zh", True)
    assert sum("一次只建一级" in line for line in lines) == 1
    assert any(line.strip("│ ").startswith("mydocker/steps/files.py:") for line in lines)
    assert "│" not in "\n".join(text(steps, {}, 80, "zh", False))


def test_what_is_not_done_has_no_times() -> None:
    (step,) = [explaining.planned("cli", MakeDir("/a", 0o700))]
    assert text([step], {}, 80, "en", False) == ["store", "  cli      mkdir /a mode 700"]


@given(st.text(st.sampled_from("ab ,/，。鲸魚é́"), max_size=80), st.integers(10, 30), st.integers(0, 5))
def test_wrapping_loses_nothing_but_spaces_and_fits(words: str, width: int, indent: int) -> None:
    lines = wrapped(words, width, indent)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")
    assert all(columns(line) <= width for line in lines)
    assert all(line.startswith(" " * indent) for line in lines[1:] if line)


def test_a_mark_does_not_begin_a_line() -> None:
    assert wrapped("鲸鱼鲸鱼，鲸。", 8) == ["鲸鱼鲸", "鱼，鲸。"]
