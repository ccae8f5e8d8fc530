"""Lesson 18: the skeleton is the solution with eight holes, and both stand by themselves."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from mydocker.learn import lessons

DIRECTORY = Path(lessons.find("18").directory)
HOLES = 8


def skeleton(solution: str) -> str:
    """Return a solution with holes: what follows a comment `# N. Title (lessons): ...` up to the next empty line is left out."""

    def hole(found: re.Match[str]) -> str:
        indent, comment, number, which = found[1], found[2], found[3], found[4]
        return f'{indent}{comment}\n{indent}raise NotImplementedError("hole {number} ({which})")\n'

    return re.sub(r"^( +)(# (\d)\. .*?\((lessons? [\d, ]+)\).*)\n(?:.+\n)+", hole, solution, flags=re.MULTILINE)


def test_the_skeleton_is_the_solution_with_holes() -> None:
    made = skeleton((DIRECTORY / "solution.py").read_text()).replace("solution.py", "container.py")
    assert (DIRECTORY / "container.py").read_text() == made
    assert made.count("raise NotImplementedError") == HOLES


def test_both_need_nothing_but_python() -> None:
    for name in ("solution.py", "container.py"):
        tree = ast.parse((DIRECTORY / name).read_text())
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert imported <= sys.stdlib_module_names
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_the_pages_say_how_long_it_is() -> None:
    lines = (DIRECTORY / "solution.py").read_text().splitlines()
    count, full = len(lines), len([line for line in lines if line])
    assert full <= 120
    for page in ("en.md", "zh.md"):
        assert str(full) in (DIRECTORY / page).read_text()
    assert f"solution is {count} lines" in (DIRECTORY / "en.md").read_text()
    assert f"答案共 {count} 行" in (DIRECTORY / "zh.md").read_text()
