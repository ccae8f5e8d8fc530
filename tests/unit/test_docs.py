"""What the documents say of the code: the files that they name are there, and the lines that they count are so many."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "mydocker"
DOCUMENTS = [REPOSITORY / name for name in ("README.md", "ARCHITECTURE.md", "HACKING.md")] + sorted((REPOSITORY / "docs").glob("*.md"))
FILES = [f"/{path.relative_to(REPOSITORY)}" for part in ("mydocker", "tests", "vm", "docs") for path in (REPOSITORY / part).rglob("*.*")]


def lines(*paths: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in paths)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_files_that_a_document_names_are_there(document: Path) -> None:
    named = set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|md|sh))`", document.read_text()))
    missing = [name for name in named if not any(path.endswith(f"/{name}") for path in FILES) and not (REPOSITORY / name).exists()]
    assert not missing


def test_the_reading_path_says_how_long_each_file_is() -> None:
    text = (REPOSITORY / "docs/reading.md").read_text()
    counted = re.findall(r"`(mydocker/[\w/]+\.py)` \((\d+) lines\)", text)
    assert len(counted) > 12
    for name, count in counted:
        assert abs(lines(REPOSITORY / name) - int(count)) <= max(10, int(count) // 20), name
    total = re.search(r"stops, about ([\d,]+) lines", text)
    assert total
    assert abs(sum(lines(REPOSITORY / name) for name, _ in counted) - int(total[1].replace(",", ""))) <= 100


def test_the_readme_says_how_large_it_is() -> None:
    text = (REPOSITORY / "README.md").read_text()
    found = re.search(r"([\d,]+) lines of Python, of which ([\d,]+) make a container", text)
    assert found
    whole, container = (int(number.replace(",", "")) for number in found.groups())
    parts = ("kernel", "steps", "cgroups", "storage", "runtime")
    core = lines(*(path for part in parts for path in (PACKAGE / part).rglob("*.py")))
    assert core < 10_000
    assert abs(core - container) <= container // 50
    assert abs(lines(*PACKAGE.rglob("*.py")) - whole) <= whole // 50
