"""What the documents say of the code: the files that they name are there, and the lines that they count are so many."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chinese import chinese

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "mydocker"
NAMES = ("README.md", "README.zh.md", "ARCHITECTURE.md", "HACKING.md")
DOCUMENTS = [*(REPOSITORY / name for name in NAMES), *sorted((REPOSITORY / "docs").glob("*.md"))]
FILES = [f"/{path.relative_to(REPOSITORY)}" for part in ("mydocker", "tests", "vm", "docs") for path in (REPOSITORY / part).rglob("*.*")]


def lines(*paths: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in paths)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_files_that_a_document_names_are_there(document: Path) -> None:
    named = set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|md|sh))`", document.read_text()))
    missing = [name for name in named if not any(path.endswith(f"/{name}") for path in FILES) and not (REPOSITORY / name).exists()]
    assert not missing


# The reading path in each language, and how it says lines, all lines, and a function of a file.
READING = {
    "docs/reading.md": (r"`(mydocker/[\w/]+\.py)` \((\d+) lines\)", r"stops, about ([\d,]+) lines", r"`([\w/]+\.py)` \(`(\w+)`\)"),
    "docs/阅读.md": (r"`(mydocker/[\w/]+\.py)`（(\d+) 行）", r"大约 ([\d,]+) 行", r"`([\w/]+\.py)`（`(\w+)`）"),
}


@pytest.mark.parametrize("name", READING)
def test_the_reading_path_says_how_long_each_file_is(name: str) -> None:
    each, whole, _ = READING[name]
    text = (REPOSITORY / name).read_text()
    counted = re.findall(each, text)
    assert len(counted) > 12
    for path, count in counted:
        assert abs(lines(REPOSITORY / path) - int(count)) <= max(10, int(count) // 20), path
    total = re.search(whole, text)
    assert total
    assert abs(sum(lines(REPOSITORY / path) for path, _ in counted) - int(total[1].replace(",", ""))) <= 100


@pytest.mark.parametrize("name", READING)
def test_a_function_that_the_reading_path_names_is_in_its_file(name: str) -> None:
    named = re.findall(READING[name][2], (REPOSITORY / name).read_text())
    assert named
    for path, function in named:
        assert f"def {function}(" in (PACKAGE / path).read_text(), (path, function)


def test_both_reading_paths_lead_through_the_same_files() -> None:
    english, chinese = (
        (
            re.findall(each, text),
            re.findall(r"^## \d", text, re.MULTILINE),
            re.findall(r"`([\w/]+\.py|[A-Z]\w+)`", text.partition("|---|")[2]),
        )
        for each, text in ((each, (REPOSITORY / name).read_text()) for name, (each, _, _) in READING.items())
    )
    assert english == chinese


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("README.md", r"([\d,]+) lines of Python, of which ([\d,]+) make a container"),
        ("README.zh.md", r"([\d,]+) 行 Python，其中 ([\d,]+) 行"),
    ],
)
def test_the_readme_says_how_large_it_is(name: str, words: str) -> None:
    found = re.search(words, (REPOSITORY / name).read_text())
    assert found
    whole, container = (int(number.replace(",", "")) for number in found.groups())
    parts = ("kernel", "steps", "cgroups", "storage", "runtime")
    core = lines(*(path for part in parts for path in (PACKAGE / part).rglob("*.py")))
    assert core < 10_000
    assert abs(core - container) <= container // 50
    assert abs(lines(*PACKAGE.rglob("*.py")) - whole) <= whole // 50


def test_each_readme_shows_the_same_start_in_its_language() -> None:
    english, other = ((REPOSITORY / "docs" / name).read_text() for name in ("start.svg", "start.zh.svg"))
    assert chinese(english) == other, "packaging/chinese.py docs/start.svg docs/start.zh.svg"
    shown = [re.findall(r"\]\((docs/[\w.]+\.svg)\)", (REPOSITORY / name).read_text()) for name in ("README.md", "README.zh.md")]
    assert shown == [["docs/start.svg"], ["docs/start.zh.svg"]]
    words = " ".join(re.findall(r"<(?:text|tspan)[^>]*>([^<]*)<", other))
    assert {"存储目录", "命名空间", "根文件系统", "资源限制", "等待", "共"} <= set(re.findall("[一-鿿]+", words))
    assert not re.search("namespaces|root file system|waits|in all", words)


@pytest.mark.parametrize("drawn", ["", '<svg lang="zh"></svg>'])
def test_what_is_no_english_picture_is_refused(drawn: str) -> None:
    with pytest.raises(ValueError, match="expected a picture"):
        chinese(drawn)
