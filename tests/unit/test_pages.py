"""What the pages tell readers to type can be typed: valid shell, with verbs, flags, files and targets that there are.

tests/integration/test_pages.py runs what can run on a machine of the tests.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import fabfile
import kernels
import pagelines
import pytest
from pagelines import MANUAL, PAGES, REPOSITORY, Line

from mydocker.cli import lean
from mydocker.cli.main import mydocker
from mydocker.cli.verb import Group, Verb

LINES = pagelines.typed()
# Programs of others. What of them is typed is theirs to judge; a word that is the name of a file of ours has to be one.
OTHERS = {
    *("apt", "apt-get", "cd", "critest", "docker", "docker-compose", "dockerd", "export", "go", "mkdir", "pip", "podman"),
    *("strace", "systemctl", "tar", "vagrant", "zstd"),
}


def test_pages_have_commands() -> None:
    pages = {line.page for line in LINES}
    assert {"README.md", "README.zh.md", "ARCHITECTURE.md", "HACKING.md", "api.md", "kubernetes.md", MANUAL} <= pages
    assert len(LINES) > 150


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_block_is_commands_or_a_file_that_its_reader_takes(page: Path) -> None:
    for block in pagelines.blocks(page.read_text()):
        pagelines.parse(block)


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.page}: {line.text}")
def test_a_command_of_a_page_can_be_typed(line: Line) -> None:
    if pagelines.is_summary(line.text):
        check_summary(line.text)
        return
    text = pagelines.whole(line.text)
    checked = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True)
    assert checked.stderr == ""
    for words in pagelines.simple_commands(text):
        check(words)


def check(words: list[str]) -> None:
    """Fail if there is no such command."""
    name, *others = words
    if name == "mydocker":
        assert lean.read(mydocker, others) or set(others) & {"--help"}, words
    elif "/" in name:
        found = REPOSITORY / name
        assert found.stat().st_mode & 0o111, name
        for part in others if name == ".ci/run" else []:
            assert re.search(rf"^{part}\(\)", found.read_text(), re.MULTILINE), part
    elif name == "tox":
        assert f"[testenv:{others[1]}]" in (REPOSITORY / "tox.ini").read_text() or others[1] == "unit", others[1]
        if others[1] == "kernels" and others[2:]:
            kernels.main.make_context("kernels", [word.replace("DIRECTORY", ".") for word in after_dashes(others)])
    elif name == "fab":
        tasks = [word for word in others if re.fullmatch("[a-z]+", word) and others[others.index(word) - 1] not in ("-r", "-H", "--name")]
        assert tasks and all(hasattr(fabfile, task) for task in tasks), tasks
    elif name in ("python", "python3", "pytest"):
        named = [word for word in others if re.search(r"\.py\b|/", word)]
        assert all((REPOSITORY / word).exists() or (REPOSITORY / "vm" / word).exists() for word in named), named
    else:
        assert name in OTHERS, f"{name}: what is it?"
        if name == "systemctl":
            assert all((REPOSITORY / "vm" / word).is_file() for word in others if "." in word)


def after_dashes(words: list[str]) -> list[str]:
    return words[words.index("--") + 1 :] if "--" in words else []


def check_summary(text: str) -> None:
    """Fail if a summary, such as `mydocker image ls [-q], prune`, names a verb or a flag that there is not."""
    above: Group = mydocker
    for part in text.removeprefix("mydocker ").split(", "):
        member: Verb | Group | None = above
        words = iter(re.sub(r"[][]", "", part).split())
        for word in words:
            if isinstance(member, Group):
                above, member = member, member.member(word)
                assert member, f"no {word} in {part}"
            elif word.startswith("-"):
                assert isinstance(member, Verb)
                name = word.partition("=")[0]
                assert any(name in flag.names for flag in member.flags) or set(name[1:]) <= short(member), f"no {word} in {part}"


def short(verb: Verb) -> set[str]:
    return {name[1] for flag in verb.flags for name in flag.names if len(name) == 2}


@pytest.mark.parametrize("line", pagelines.in_text(), ids=lambda line: f"{line.page}: {line.text}")
def test_what_a_text_calls_a_command_is_one(line: Line) -> None:
    words = pagelines.whole(line.text).split()[1:]
    if "--help" in words:
        words.remove("--help")
    member: Verb | Group | None = mydocker
    verbs = [word for word in words if not word.startswith("-")]
    while isinstance(member, Group) and verbs:
        member = member.member(verbs.pop(0))
    assert member, line.text
    if verbs or any(word.startswith("-") for word in words):
        assert lean.read(mydocker, words) or "--help" in line.text, line.text


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a\n\n    mydocker ps    # all\n    x y\n\nb", ["commands"]),
        ("a\n    not a block\nb", []),
        ("1. a\n\n    a paragraph of the list\n\n    and one more\n\nb\n\n    c\n", ["commands"]),
        ('a\n\n    [engine]\n    runtime = "x"\n\nb\n\n    {"a": 1}\n', ["toml", "json"]),
        ("a\n\n    kind: Pod\n    metadata: {name: web}\n\nb\n\n    x ──► y\n", ["yaml", "drawing"]),
    ],
)
def test_blocks_are_told_apart(text: str, kinds: list[str]) -> None:
    assert [pagelines.kind(block) for block in pagelines.blocks(text)] == kinds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=b mydocker ps > x && cd y", [["mydocker", "ps"], ["cd", "y"]]),
        ("mydocker inspect -f '{{.State.Pid}}' web", [["mydocker", "inspect", "-f", "{{.State.Pid}}", "web"]]),
        ("mydocker save a | zstd > b; KUBELET=/x vm/kubelet.sh &", [["mydocker", "save", "a"], ["zstd"], ["vm/kubelet.sh"]]),
    ],
)
def test_a_line_is_taken_apart(text: str, expected: list[list[str]]) -> None:
    assert pagelines.simple_commands(text) == expected


@pytest.mark.parametrize(
    "text", ["mydocker stopp web", "mydocker run --rmm busybox", "nosuch x", "vm/nosuch.sh", "tox -e nosuch", "fab nosuch"]
)
def test_what_is_no_command_is_found(text: str) -> None:
    with pytest.raises((AssertionError, FileNotFoundError)):
        check(pagelines.simple_commands(text)[0])


@pytest.mark.parametrize("text", ["mydocker network create, lss", "mydocker run [--nosuch] IMAGE", "mydocker system df, nosuch"])
def test_what_a_summary_names_wrongly_is_found(text: str) -> None:
    with pytest.raises(AssertionError):
        check_summary(text)
