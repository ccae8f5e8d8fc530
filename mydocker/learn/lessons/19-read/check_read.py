"""Lesson 19: ten places in the code, written into a file that a process of the learner's has open."""

from __future__ import annotations

import ast
import os
import re

from mydocker.learn import lessons
from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import nobody
from mydocker.learn.texts import Text, manual, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.learn.scene import Scene

LOOK = text(
    "Look at `where` of the steps (mydocker --explain=json --dry-run run busybox true), and at the table in ARCHITECTURE.md.",
    "看各步骤的 where（mydocker --explain=json --dry-run run busybox true），以及 ARCHITECTURE.md 里的表。",
)
MANUAL = manual(
    "grep(1), unshare(2), pivot_root(2), seccomp(2), execve(2)",
    "the page of any other system call that you look for",
    "你要找的其他系统调用的手册页",
)
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("-m", "64m", "busybox", "true")
STEPS = "unshare|pivot_root|CLONE_INTO_CGROUP|/(cgroup.procs|tasks)$|claim the|SECCOMP|execve"
# The functions and classes in which the answer of each question is, below mydocker/. A line of any of them is right.
PLACES = (
    ("kernel/namespaces.py unshare", "steps/namespaces.py Unshare"),
    ("kernel/mounts.py pivot_root", "steps/pivot.py PivotRoot"),
    (
        "kernel/process.py fork_into",
        "steps/cgroups.py ForkInto",
        "cgroups/manager.py CgroupManager.join_steps",
        "cgroups/subsystem.py Subsystem.apply",
    ),
    ("cgroups/v2.py Memory",),
    ("storage/whiteouts.py _Overlay.white_out",),
    ("store.py claim", "engine/container/claim.py ClaimName.apply"),
    ("network/ipam.py Pool.claim", "network/ipam.py ClaimAddress.apply"),
    ("kernel/seccomp.py load", "steps/confinement.py LoadSeccomp"),
    ("engine/monitor/supervise.py Supervisor.run",),
    ("engine/container/orphans.py half_made",),
)
_PACKAGE = os.path.dirname(os.path.dirname(lessons.DIRECTORY))
_LONGEST = 64 << 10  # bytes of a file that are read
_LINE = re.compile(r"^\s*(\d+)\W+(?:\S*/)?mydocker/(\S+\.py):(\d+)", re.MULTILINE)


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("read"), _judge, nobody("read"))


def _judge(process: Process) -> list[Fact]:
    answers = max((_answers(each) for each in _open_files(process)), key=len, default={})
    missing = [str(number) for number in range(1, len(PLACES) + 1) if number not in answers]
    problem = next((found for number in sorted(answers) if (found := _problem(number, *answers[number]))), None)
    return [
        fact(
            bool(answers),
            text("it has a file with answers open", "它打开着一个写有答案的文件"),
            text(
                "none of its open files has a line such as `3 mydocker/cgroups/manager.py:7`: let `tail -f answers` run",
                "它打开的文件里没有形如 3 mydocker/cgroups/manager.py:7 的行：让 tail -f answers 一直运行",
            ),
        ),
        fact(
            not missing,
            text(f"{len(PLACES)} questions are answered", f"{len(PLACES)} 个问题都有答案"),
            text(f"no answer to {', '.join(missing)}", f"还没有答案的问题：{'、'.join(missing)}"),
        ),
        fact(
            bool(answers) and problem is None,
            text("each answer is where it is done", "每个答案都是真正做这件事的地方"),
            problem or text("", ""),
        ),
    ]


def _open_files(process: Process) -> list[str]:
    """Return what a process's regular files hold, as far as they are text."""
    directory = f"{process.directory}/fd"
    texts = []
    try:
        for name in os.listdir(directory):
            if os.path.isfile(f"{directory}/{name}"):
                with open(f"{directory}/{name}", encoding="utf-8", errors="replace") as file:
                    texts.append(file.read(_LONGEST))
    except OSError:
        return texts  # it has ended, or closed the file
    return texts


def _answers(written: str) -> dict[int, tuple[str, int]]:
    """Return {number of the question: (path below mydocker/, line)} of a text."""
    found = {int(number): (path, int(line)) for number, path, line in _LINE.findall(written)}
    return {number: answer for number, answer in found.items() if 1 <= number <= len(PLACES)}


def _problem(number: int, path: str, line: int) -> Text | None:
    """Return what is wrong with an answer, None if it is right."""
    place = f"mydocker/{path}:{line}"
    if ".." in path or not os.path.isfile(f"{_PACKAGE}/{path}"):
        return text(f"{number}: there is no mydocker/{path}", f"{number}：没有 mydocker/{path} 这个文件")
    inside = within(path, line)
    if any(each == path + " " + name for each in PLACES[number - 1] for name in inside):
        return None
    if not inside:
        return text(
            f"{number}: {place} is in no function: an import or a comment only names what another place does",
            f"{number}：{place} 不在任何函数里：import 和注释只是提到，真正做的是别处",
        )
    return text(
        f"{number}: {place} is in {inside[-1]}, and that is not where it is done",
        f"{number}：{place} 在 {inside[-1]} 里，不是做这件事的地方",
    )


def within(path: str, line: int) -> list[str]:
    """Return the names of the classes and functions around a line of a file below mydocker/, the outermost first."""
    with open(f"{_PACKAGE}/{path}", encoding="utf-8") as file:
        return _around(ast.parse(file.read()).body, line, "")


def _around(body: list[ast.stmt], line: int, above: str) -> list[str]:
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.lineno <= line <= (node.end_lineno or 0):
            return [above + node.name, *_around(node.body, line, f"{above}{node.name}.")]
    return []
