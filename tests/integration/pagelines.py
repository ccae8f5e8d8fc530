"""What the pages tell readers to type: the commands of README, of the documents, of HACKING and of the manual's examples.

A page shows commands in indented blocks, one a line, and some in its text, in backquotes. An indented block may be something else, too:
a file of configuration or a drawing.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import manpages

from mydocker.cli.main import mydocker
from mydocker.cli.verb import Group, Verb

REPOSITORY = Path(__file__).resolve().parents[2]
LESSONS = REPOSITORY / "mydocker/learn/lessons"
PAGES = [REPOSITORY / name for name in ("README.md", "README.zh.md", "ARCHITECTURE.md", "HACKING.md")]
PAGES += sorted((REPOSITORY / "docs").glob("*.md"))
MANUAL = "manual"
_LIST = re.compile(r"(?:[-*]|\d+\.) ")
_DRAWN = re.compile("[─│┌└►▼]")
# `mydocker system check [--repair]` is a summary of what may be typed, and so is `mydocker save, load`.
_SUMMARY = re.compile(r"(?:^|\s)\[[-A-Z]|, ")


class Line(NamedTuple):
    """A line that a reader may type."""

    page: str  # the file's name, or MANUAL
    text: str  # without the comment behind it


def blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines of each indented block of a page, without what indents them. Paragraphs of a list are none."""
    found: list[str] = []
    is_free, outside = True, ""
    for line in [*text.splitlines(), "end"]:
        if line.startswith("    ") and (found or (is_free and not _LIST.match(outside))):
            found.append(line[4:])
        elif line.strip():
            if found:
                yield found
            found, outside = [], line if line[0] != " " else outside
        is_free = not line.strip()


def kind(block: list[str]) -> str:
    """Return what a block is: drawing, json, toml, yaml or commands."""
    if any(map(_DRAWN.search, block)):
        return "drawing"
    if block[0].startswith("{"):
        return "json"
    if re.match(r"\[|\w+ = ", block[0]):
        return "toml"
    return "yaml" if re.match(r"\w+:( |$)", block[0]) else "commands"


def parse(block: list[str]) -> None:
    """Read a block of configuration as its programs do. Raises ValueError."""
    {"json": json.loads, "toml": tomllib.loads}.get(kind(block), str)("\n".join(block))


def without_comment(line: str) -> str:
    return re.sub(r"\s+#.*", "", line).rstrip()


def typed() -> list[Line]:
    """Return every line of commands on the pages, each line of a page once."""
    lines = [
        Line(page.name, without_comment(line))
        for page in PAGES
        for block in blocks(page.read_text())
        if kind(block) == "commands"
        for line in block
    ]
    return list(dict.fromkeys([*lines, *(Line(MANUAL, line) for line in _examples(mydocker))]))


def _examples(member: Verb | Group) -> Iterator[str]:
    yield from manpages.told(member)[2]
    if isinstance(member, Group):
        for inner in map(member.member, member.verbs):
            assert inner
            yield from _examples(inner)


def in_text() -> list[Line]:
    """Return each `mydocker …` in the text of a page or a lesson."""
    pages = [*PAGES, *LESSONS.glob("*/*.md")]
    return [Line(page.name, code) for page in pages for code in re.findall(r"`(mydocker [^`\n]+)`", page.read_text())]


def is_summary(text: str) -> bool:
    return text.startswith("mydocker ") and bool(_SUMMARY.search(text))


def calls_mydocker(text: str) -> bool:
    """Say whether a line is a command, and no summary, that calls mydocker."""
    return not is_summary(text) and any(words[0] in ("mydocker", "strace") for words in simple_commands(whole(text)))


def whole(text: str) -> str:
    """Return a line with something in the place of `…` and of the words in capitals that a reader replaces."""
    text = re.sub(r"mydocker (?:…|\.\.\.)", "mydocker run --rm busybox true", text)
    text = re.sub(r"(run\b.*?) (?:…|\.\.\.)", r"\1 --rm busybox true", text).replace("…", "")
    return re.sub(r"\bNAME\b", "web", text).replace("VERB", "run")


def simple_commands(text: str) -> list[list[str]]:
    """Return the words of each command of a line of shell, without redirections and variables before the command."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if word and not word.strip("|&;"):
            found.append([])
        elif word and not word.strip("<>"):
            next(words)
        elif found[-1] or not re.match(r"[A-Z_0-9]+=", word):
            found[-1].append(word)
    return [each for each in found if each]
