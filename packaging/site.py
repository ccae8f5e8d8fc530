"""Build the site: start, lessons, reading path, manual and the other documents, in English and Chinese, as pages that need no network.

    python packaging/site.py DIRECTORY

Nothing is written twice for it: it copies the documents and the lessons, makes the manual of the table of flags, and calls MkDocs, which
refuses a link that leads nowhere. `tox -e site` has what this needs.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import manpages

from mydocker.cli.main import mydocker
from mydocker.cli.verb import Flag, Group, Verb

REPOSITORY = Path(__file__).resolve().parents[1]
LESSONS = REPOSITORY / "mydocker/learn/lessons"
# {language: [(title, where the page goes, the document that it shows)]}
DOCUMENTS = {
    "en": [
        ("Start", "index.md", "README.md"),
        ("The reading path", "reading.md", "docs/reading.md"),
        ("Design", "design.md", "ARCHITECTURE.md"),
        ("What differs from docker", "differences.md", "docs/differences.md"),
        ("Security", "security.md", "docs/security.md"),
        ("Docker's Engine API", "api.md", "docs/api.md"),
        ("Under other engines", "oci.md", "docs/oci.md"),
        ("Kubernetes", "kubernetes.md", "docs/kubernetes.md"),
        ("Kernels", "kernels.md", "docs/kernels.md"),
        ("Building, testing, debugging", "hacking.md", "HACKING.md"),
        ("Measured", "bench.md", "docs/bench.md"),
    ],
    "zh": [("开始", "zh/index.md", "README.zh.md"), ("读码路线", "zh/reading.md", "docs/阅读.md")],
}
WORDS = {"en": ("English", "Lessons", "Manual", "manual/mydocker.md"), "zh": ("中文", "课程", "手册", "zh/manual.md")}
# The flags' help is English.
BOOK = "# 手册\n\n每个动词一页，由命令行所用的同一张参数表生成，目前只有英文：[mydocker](../manual/mydocker.md)。\n"
# Where a line of Chinese ends within a sentence, and not a heading. A browser would show a blank there.
BROKEN = re.compile(r"(?m)^(?!#)(.*(?:[一-鿿](?=\n[一-鿿（])|[，。；：、）](?=\n[一-鿿（\w])))\n")
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)#\s]+)(#[^)\s]*)?\)")
THEME = "theme"
# The theme's own words on a page, such as "Table of contents", are in the page's language. Its template takes them from here.
LANGUAGE = """\
{% import "partials/languages/" ~ ("zh" if page and page.url.startswith("zh/") else "en") ~ ".html" as own %}
{% import "partials/languages/en.html" as english %}
{% macro t(key) %}{{ own.t(key) or english.t(key) }}{% endmacro %}
"""
# What makes a browser load something from elsewhere.
ELSEWHERE = re.compile(r"""<(?:script|img|iframe|link[^>]+rel="?(?:stylesheet|icon|preload))[^>]+(?:src|href)="?(?:https?:)?//[^">\s]+""")


def configuration(navigation: list[object]) -> dict[str, object]:
    """Return MkDocs' configuration. JSON is YAML, too."""
    return {
        "site_name": "mydocker",
        "site_description": "A container tool that you can learn from and still use for real",
        "use_directory_urls": False,
        "nav": navigation,
        "theme": {
            "name": "material",
            "custom_dir": THEME,
            "font": False,
            "features": ["navigation.tabs", "navigation.top", "content.code.copy"],
        },
        "plugins": [{"search": {"lang": ["en"]}}],
        "markdown_extensions": ["tables", "fenced_code", {"toc": {"permalink": True, "permalink_title": "¶"}}],
        "validation": {"links": {"not_found": "warn", "unrecognized_links": "warn", "anchors": "warn"}},
    }


def lessons(language: str) -> Iterator[tuple[str, str, str]]:
    """Yield (title, page, document) of each lesson."""
    for directory in sorted(each for each in LESSONS.iterdir() if (each / f"{language}.md").is_file()):
        source = directory / f"{language}.md"
        title = source.read_text().partition("\n")[0].removeprefix("# ")
        yield title, f"{'zh/' if language == 'zh' else ''}lessons/{directory.name}.md", str(source.relative_to(REPOSITORY))


def manual(words: list[str], member: Verb | Group) -> Iterator[tuple[str, str]]:
    """Yield (page, text) of a verb's or a group's manual, and of those below it."""
    summary, paragraphs, examples = manpages.told(member)
    lines = [f"# {' '.join(words)}", f"{summary}.", f"```\n{manpages.synopsis(words, member)}\n```", *map(harmless, paragraphs)]
    shown = [flag for flag in member.flags if not flag.is_hidden]
    if shown:
        lines += ["## Options", "\n".join(["| flag | |", "|---|---|", *map(flag_row, shown)])]
    if examples:
        lines += ["## Examples", "```\n" + "\n".join(examples) + "\n```"]
    inner = {name: member.member(name) for name in sorted(set(member.verbs) - set(member.hidden))} if isinstance(member, Group) else {}
    if inner:
        rows = [f"- [{name}]({'-'.join([*words, name])}.md): {harmless(manpages.told(each)[0])}" for name, each in inner.items() if each]
        lines += ["## Verbs", "\n".join(rows)]
    yield f"manual/{'-'.join(words)}.md", "\n\n".join(lines) + "\n"
    for name, each in inner.items():
        if each:
            yield from manual([*words, name], each)


def harmless(text: str) -> str:
    """Return a text in which Markdown sees no markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", text)


def flag_row(flag: Flag) -> str:
    names = ", ".join(f"`{name}`" for name in (*flag.names, *flag.opposites))
    value = harmless(manpages.value_of(flag))
    return f"| {names}{' ' + value if value else ''} | {harmless(flag.help)} |"


def linked(text: str, document: str, page: str, places: dict[str, str]) -> str:
    """Return a document's text with its links as they are from its page. places: {document: page}"""

    def moved(found: re.Match[str]) -> str:
        before, target, anchor = found[1], found[2], found[3] or ""
        if "://" in target:
            return found[0]
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(document), target))
        place = places.get(wanted, wanted)
        return f"{before}{posixpath.relpath(place, posixpath.dirname(page) or '.')}{anchor})"

    return LINK.sub(moved, BROKEN.sub(r"\1", text))


def sources(directory: Path) -> list[object]:
    """Write all pages into a directory, and return the site's navigation."""
    documents = {language: DOCUMENTS[language] + list(lessons(language)) for language in DOCUMENTS}
    places = {source: page for each in documents.values() for _, page, source in each}
    for each in documents.values():
        for _, page, source in each:
            write(directory / page, linked((REPOSITORY / source).read_text(), source, page, places))
    for page, text in (*manual(["mydocker"], mydocker), (WORDS["zh"][3], BOOK)):
        write(directory / page, text)
    for picture in (REPOSITORY / "docs").glob("*.svg"):
        write(directory / "docs" / picture.name, picture.read_text())
    return [{WORDS[language][0]: navigation(language, documents[language])} for language in documents]


def navigation(language: str, documents: list[tuple[str, str, str]]) -> list[object]:
    _, lesson, book, page_of_book = WORDS[language]
    first, *others = [{title: page} for title, page, source in documents if "/lessons/" not in source]
    taught = [{title: page} for title, page, source in documents if "/lessons/" in source]
    return [first, {lesson: taught}, *others, {book: page_of_book}]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def from_elsewhere(directory: Path) -> list[str]:
    """Return what pages would load from other places."""
    return sorted({found for page in directory.rglob("*.html") for found in ELSEWHERE.findall(page.read_text())})


def not_chinese(directory: Path) -> list[str]:
    """Return the pages below zh of which the theme's words are in another language."""
    pages = (directory / "zh").rglob("*.html")
    return sorted(str(page.relative_to(directory)) for page in pages if '<html lang="zh"' not in page.read_text())


def main(directory: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        pages = Path(scratch) / "docs"
        settings = configuration(sources(pages))
        write(Path(scratch) / THEME / "partials/language.html", LANGUAGE)
        write(Path(scratch) / "mkdocs.yml", json.dumps(settings, ensure_ascii=False))
        built = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", os.path.abspath(directory)], cwd=scratch
        )
    if built.returncode:
        return built.returncode
    problems = [f"the pages would load from elsewhere: {each}" for each in from_elsewhere(Path(directory))]
    problems += [f"the words around a Chinese page are not Chinese: {each}" for each in not_chinese(Path(directory))]
    if problems:
        shutil.rmtree(directory)
        print("\n".join(f"site: {each}" for each in problems), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
