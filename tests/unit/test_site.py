"""The site's pages: each document, lesson and verb has one, in both languages where there are two, and links lead from page to page."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from mydocker.cli.main import mydocker

REPOSITORY = Path(__file__).resolve().parents[2]
# Python has a module `site` of its own.
_SPEC = importlib.util.spec_from_file_location("mydocker_site", REPOSITORY / "packaging/site.py")
assert _SPEC and _SPEC.loader
site = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(site)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of every page, by its path."""
    directory = tmp_path_factory.mktemp("site")
    site.sources(directory)
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*.md")}


def test_every_lesson_has_a_page_in_both_languages(pages: dict[str, str]) -> None:
    names = [each.name for each in site.LESSONS.iterdir() if (each / "en.md").is_file()]
    assert len(names) > 15
    for name in names:
        assert f"lessons/{name}.md" in pages and f"zh/lessons/{name}.md" in pages


def test_every_verb_has_a_page_with_its_flags(pages: dict[str, str]) -> None:
    assert {f"manual/mydocker-{name}.md" for name in set(mydocker.verbs) - set(mydocker.hidden)} <= set(pages)
    assert "| `-f`, `--force` | End a running container first (SIGKILL). |" in pages["manual/mydocker-rm.md"]


def test_links_lead_to_pages(pages: dict[str, str]) -> None:
    for page, text in pages.items():
        for _, target, _ in site.LINK.findall(text):
            if "://" not in target and target.endswith(".md"):
                assert str((Path("/") / page).parent.joinpath(target).resolve()).lstrip("/") in pages, (page, target)


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        ("see [a](docs/oci.md#x) and [b](https://e.org)", "index.md", "see [a](oci.md#x) and [b](https://e.org)"),
        ("![p](docs/start.svg)", "zh/index.md", "![p](../docs/start.svg)"),
        ("杀掉它，容器照样\n运行。", "zh/index.md", "杀掉它，容器照样运行。"),
        ("杀掉它，\nmonitor 也\n一样。\n", "zh/index.md", "杀掉它，monitor 也一样。\n"),
        ("## 练习\n启动它：\n\n    x\n", "zh/index.md", "## 练习\n启动它：\n\n    x\n"),
        ("例如：\n```\nx\n```\n", "zh/index.md", "例如：\n```\nx\n```\n"),
    ],
)
def test_a_document_is_linked_from_its_page(text: str, page: str, expected: str) -> None:
    assert site.linked(text, "README.md", page, {"docs/oci.md": "oci.md"}) == expected


def test_what_a_page_would_load_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<link rel="stylesheet" href="a.css"><a href="https://e.org">x</a>')
    assert site.from_elsewhere(tmp_path) == []
    (tmp_path / "b.html").write_text('<script src="https://e.org/a.js"></script>')
    assert len(site.from_elsewhere(tmp_path)) == 1


def test_a_chinese_page_with_the_themes_english_words_is_found(tmp_path: Path) -> None:
    for path, language in (("index.html", "en"), ("zh/index.html", "zh"), ("zh/lessons/a.html", "en")):
        site.write(tmp_path / path, f'<!doctype html><html lang="{language}" class="no-js"></html>')
    assert site.not_chinese(tmp_path) == ["zh/lessons/a.html"]


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = ((REPOSITORY / name).read_text() for name in ("README.md", "README.zh.md"))
    commands = [re.findall(r"^    (.*?)(?: *#.*)?$", text, re.MULTILINE) for text in (english, chinese)]
    assert commands[0] == commands[1]
