"""What `learn` says and keeps, without root: languages, pages, progress, processes and facts."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.cgroups.layout import Hierarchy, Layout
from mydocker.errors import BadInput, Conflict, Damaged
from mydocker.learn import lessons, opening, page, progress
from mydocker.learn.facts import Fact, all_hold, best, fact
from mydocker.learn.guide import Guide
from mydocker.learn.lab import Lab, is_below
from mydocker.learn.machine import Machine
from mydocker.learn.process import Process, every
from mydocker.learn.shell import environment_of
from mydocker.learn.texts import language_of, text
from mydocker.paths import Paths
from mydocker.width import columns

PACKAGE = Path(lessons.__file__).parents[1]
LEARN = [*sorted((PACKAGE / "learn").glob("*.py")), PACKAGE / "cli/learn.py", PACKAGE / "cli/learnshow.py"]


@pytest.mark.parametrize(
    ("given", "environment", "language"),
    [
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
        ("en", {"LC_ALL": "zh_CN.UTF-8"}, "en"),
        (None, {"LANG": "zh_TW.UTF-8"}, "zh"),
        (None, {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"LC_MESSAGES": "zh_CN", "LANG": "C"}, "zh"),
        (None, {"LC_ALL": "", "LANG": "zh"}, "zh"),
        (None, {"LANGUAGE": "zh", "LC_ALL": "C"}, "zh"),
        (None, {}, "en"),
    ],
)
def test_the_language_is_what_was_given_or_what_the_locale_says(given: str | None, environment: dict[str, str], language: str) -> None:
    assert language_of(given, environment) == language


PAGE = """# 7. A title

Words.
```console v1
# one
1
```
```console v2
# two
```
```console
# both
```
End.
"""


def machine(version: int, *filesystems: str) -> Machine:
    found = Hierarchy(version=version, mount="/c", controllers=("memory",))
    return Machine(layout=Layout([found]), filesystems=filesystems, is_root=True)


def test_a_page_shows_what_this_machine_has() -> None:
    assert page.rendered(PAGE, machine(1), colours=False) == "7. A title\n\nWords.\n  # one\n  1\n  # both\nEnd.\n"
    assert page.blocks(PAGE, machine(2)) == [["# two", "# both"]]
    assert "\x1b[1m7. A title\x1b[0m" in page.rendered(PAGE, machine(1), colours=True)


def test_a_machine_knows_what_it_has() -> None:
    words = ("v1", "v2", "aufs", "overlay", "root", "processors", "memory", "cpu")
    assert [word for word in words if machine(1, "overlay").has(word)] == ["v1", "overlay", "root", "memory"]
    assert Machine(layout=Layout([]), filesystems=(), is_root=False, processors=2).has("processors")


def test_a_machine_has_programs_and_one_of_several_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "crun").write_text("#!/bin/sh\n")
    (tmp_path / "crun").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [machine(1).has(word) for word in ("runc", "crun", "runc|crun", "v2|runc")] == [False, True, True, False]


def test_progress_is_kept_where_the_user_keeps_state() -> None:
    assert progress.place({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == "/s/mydocker/learn"
    assert progress.place({"XDG_STATE_HOME": "s", "HOME": "/h"}) == "/h/.local/state/mydocker/learn"
    assert progress.place({"HOME": "/h"}) == "/h/.local/state/mydocker/learn"


def test_progress_of_two_who_change_it_at_once_is_whole(tmp_path: Path) -> None:
    code = f"""
from mydocker.learn import progress
for number in range(40):
    progress.change({str(tmp_path)!r}, lambda known: known["done"].append(len(known["done"])))
"""
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert progress.load(str(tmp_path))["done"] == list(range(80))


def test_progress_that_is_damaged_is_said_and_kept(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text("{")
    with pytest.raises(Damaged, match=r"progress\.json: not valid JSON"):
        progress.change(str(tmp_path), lambda known: None)
    assert (tmp_path / "progress.json").read_text() == "{"


def test_a_process_is_read_from_proc(process: Callable[..., Process]) -> None:
    status = "Name:\tx\nNSpid:\t700\t30\t1\nCapEff:\t00000000a80425fb\n"
    found = process(7, "LESSON=pid A=b=c", status, "Z 5", "4:memory:/m/shell\n0::/u\n", pid="99")
    assert found.variables() == {"LESSON": "pid", "A": "b=c"}
    assert (found.innermost_pid(), found.capabilities(), found.state(), found.parent()) == (1, 0xA80425FB, "Z", 5)
    assert (found.namespace("pid"), found.namespace("net")) == ("pid:[99]", "")
    memory = Hierarchy(version=1, mount="/c/memory", controllers=("memory",), root="/m")
    assert found.group(memory).path == "/shell"
    assert found.limits(Layout([Hierarchy(version=2, mount="/c", controllers=("memory",))]), "memory").directory == "/c/u"  # type: ignore[union-attr]
    assert [each.pid for each in every(found.proc)] == [7]


def test_a_process_that_has_ended_has_nothing(tmp_path: Path) -> None:
    gone = Process(8, str(tmp_path))
    assert (gone.variables(), gone.namespace("pid"), gone.innermost_pid(), gone.state()) == ({}, "", 0, "")
    assert (gone.parent(), gone.capabilities(), gone.mounts(), gone.mount_at("/")) == (0, 0, [], None)


def test_what_is_outside_of_a_cgroup_namespace_is_not_below() -> None:
    assert is_below("/shell", "/")
    assert is_below("/lab/mine", "/lab/")
    assert not is_below("/lab2", "/lab/")
    assert not is_below("/../other", "/")


def holds(*truths: bool) -> list[Fact]:
    return [fact(each, text(f"e{number}", f"z{number}"), text(f"hint {number}", f"提示 {number}")) for number, each in enumerate(truths)]


def test_the_process_that_comes_nearest_is_told() -> None:
    judged = {1: holds(True, False, True), 2: holds(True, True, False), 3: holds(False, True, True)}
    found = best([Process(pid) for pid in judged], lambda each: judged[each.pid], holds(False)[0])
    assert found is judged[2]
    assert best([], lambda each: [], holds(False)[0]) == holds(False)
    assert [all_hold(each) for each in (holds(True, True), holds(True, False), [])] == [True, False, False]


@pytest.fixture
def guide(tmp_path: Path) -> Callable[[str], Guide]:
    return lambda language: Guide(Lab(str(tmp_path), Paths()), language, width=0)


def test_only_the_first_fact_that_fails_has_a_hint(guide: Callable[[str], Guide]) -> None:
    assert list(guide("en")._told(holds(True, False, False, True))) == ["  ✓ e0", "  ✗ e1", "    hint: hint 1", "  · e2", "  ✓ e3"]
    assert list(guide("zh")._told(holds(False))) == ["  ✗ z0", "    提示：提示 0"]


def test_nothing_is_wider_than_the_terminal(tmp_path: Path) -> None:
    told = Guide(Lab(str(tmp_path), Paths()), "zh", width=24)
    long = fact(False, text("e", "它的根之上什么也没有，逃不出去"), text("h", "请用 pivot_root 换掉整个命名空间的根"))
    green, red, plain = "\x1b[32m", "\x1b[31m", "\x1b[0m"
    assert list(told._told([*holds(True), long])) == [
        f"  {green}✓{plain} z0",
        f"  {red}✗{plain} 它的根之上什么也没",
        "    有，逃不出去",
        "    提示：请用",
        "    pivot_root 换掉整个",
        "    命名空间的根",
    ]
    for _ in range(2):
        assert max(map(columns, told.hint(lessons.find("3")).splitlines())) <= 24


def test_hints_begin_again_when_an_exercise_is_done(guide: Callable[[str], Guide]) -> None:
    told, lesson = guide("en"), lessons.find("3")
    assert [told.hint(lesson)[:3] for _ in range(3)] == ["1/3", "2/3", "3/3"]
    progress.change(told.lab.directory, lambda known: told._add(known, lesson))
    assert told.hint(lesson)[:3] == "1/3"


def test_the_overview_knows_what_is_done_and_what_comes_next(guide: Callable[[str], Guide], tmp_path: Path) -> None:
    first, second, *_ = lessons.every()
    progress.change(str(tmp_path), lambda known: known["done"].append(first.number))
    lines = guide("en").overview().splitlines()
    assert lines[0] == f"{first.number:3} ✓ {first.title('en')}"
    assert lines[1] == f"{second.number:3} → {second.title('en')}"
    assert lines[-1] == f"next: mydocker learn {second.number}"
    assert guide("zh").overview().endswith(f"下一课：mydocker learn {second.number}")


def test_to_read_a_lesson_makes_it_the_current_one(guide: Callable[[str], Guide]) -> None:
    told = guide("en")
    assert told.lesson(None) == lessons.every()[0]
    told.read(lessons.find("4"))
    assert told.lesson(None) == lessons.find("4")
    assert told.lesson("3") == lessons.find("3")


def test_hints_are_counted_for_each_lesson(guide: Callable[[str], Guide]) -> None:
    told, third = guide("zh"), lessons.find("3")
    assert [told.hint(third)[:3] for _ in range(4)] == ["1/3", "2/3", "3/3", "3/3"]
    assert told.hint(lessons.find("4")).startswith("1/3 看")


@pytest.mark.parametrize("number", ["", "x", "99", "-3", "٣"])
def test_a_number_of_no_lesson_is_refused_with_those_that_are_there(number: str) -> None:
    with pytest.raises(BadInput, match=f"no lesson '{number}': expected one of 0, "):
        lessons.find(number)


def test_errors_are_said_in_the_language_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    with pytest.raises(BadInput, match="没有第 '99' 课，应为其中之一：0, 1, "):
        lessons.find("99")
    with pytest.raises(Conflict, match="实验室没有打开"):
        Lab(str(tmp_path), Paths()).scene()


@pytest.mark.parametrize("path", LEARN, ids=lambda path: path.name)
def test_no_error_of_learn_is_said_in_english_alone(path: Path) -> None:
    raised = [node.exc for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    plain = [ast.unparse(call) for call in raised if isinstance(call.args[0], (ast.Constant, ast.JoinedStr))]
    assert not [words for words in plain if not words.startswith("Unexpected(")], "what is nobody's mistake but ours is English"


def test_a_closed_lab_cannot_be_checked(tmp_path: Path) -> None:
    lab = Lab(str(tmp_path), Paths())
    with pytest.raises(Conflict, match="the lab is closed"):
        lab.scene()
    (tmp_path / "lab.json").write_text(f'{{"pid": {os.getpid()}, "started": 1}}')  # a pid that was used again
    assert lab.keeper() is None
    (tmp_path / "lab.json").write_text('{"pid": "x"}')
    with pytest.raises(Damaged, match=r"lab\.json"):
        lab.keeper()


def test_what_the_lab_keeps_is_in_its_own_directory(tmp_path: Path) -> None:
    lab = Lab(str(tmp_path), Paths(root="/var/lib/mydocker", state="/run/mydocker", config="/c.json"))
    for path in (lab.work, lab.root, lab.outside.root, lab.outside.state):
        assert path.startswith(f"{tmp_path}/lab/")
    assert lab.outside.config == "/c.json"


def test_a_page_says_what_is_missing(guide: Callable[[str], Guide], monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout([Hierarchy(version=1, mount="/c", controllers=("memory",))])
    found = Machine(layout=layout, filesystems=(), is_root=False)
    monkeypatch.setattr("mydocker.learn.guide.this_machine", lambda paths: found)
    assert (
        guide("en")
        .read(lessons.find("6"))
        .endswith("\n\ncannot be shown here, as this is missing: the rights of root\ncannot be shown here, as this is missing: cpu\n")
    )
    assert guide("zh").read(lessons.find("6")).endswith("\n这里无法演示，因为缺少: root 权限\n这里无法演示，因为缺少: cpu\n")


def test_two_users_have_two_labs() -> None:
    assert Lab("/a", Paths()).cgroup != Lab("/b", Paths()).cgroup


def test_the_lab_limits_what_this_machine_can_limit() -> None:
    both = Layout([Hierarchy(version=1, mount="/m", controllers=("memory",)), Hierarchy(version=1, mount="/p", controllers=("pids",))])
    assert opening.limits(both, False) == {"memory": {"limit": 1 << 30}, "pids": {"limit": 512}}
    assert opening.limits(both, True)["memory"] == {"limit": 1 << 30, "swap": 1 << 30}
    assert opening.limits(Layout([]), True) == {}


def test_the_labs_shell_keeps_mydocker_in_the_lab(tmp_path: Path) -> None:
    lab = Lab(str(tmp_path), Paths())
    lab.layout = Layout([Hierarchy(version=1, mount="/m", controllers=("memory",))])
    made = environment_of(lab, {"PATH": "/nowhere", "LESSON": "pid", "MYDOCKER_ROOT": "/var/lib/mydocker"}, "zh")
    assert (made["MYDOCKER_ROOT"], made["MYDOCKER_STATE"], made["MEMORY"]) == (f"{tmp_path}/lab/root", "/run/mydocker", "/m")
    assert made["LANGUAGE"] == "zh"
    assert made["PATH"].endswith(":/nowhere")
    assert "LESSON" not in made
