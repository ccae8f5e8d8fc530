"""The commands that the pages and the manual tell readers to type are typed.

tests/data/pages.txt places each line that calls mydocker (pagelines.py finds them). A scene begins with # and its name; its lines are:

    $ a line of a page; it ends with status 0, or with what = says below it
    > what is waited for on its terminal, < what is typed there (^C is Ctrl-C, ^M Enter), & what is done meanwhile
    + what the page takes for granted; it ends with 0
    - in a scene "not run: REASON" a line that is only read, by tests/unit/test_pages.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pagelines
import pytest
from conftest import REPOSITORY, Machine, Terminal

# Title of a scene → its lines, as (mark, text).
Scenes = dict[str, list[tuple[str, str]]]
KEYS = {"^C": "\x03", "^M": "\r"}


def scenes() -> Scenes:
    found: Scenes = {}
    for scene in (REPOSITORY / "tests/data/pages.txt").read_text().strip().split("\n\n"):
        name, *lines = scene.splitlines()
        found[name.removeprefix("# ")] = [(line[0], line[2:]) for line in lines]
    return found


SCENES = scenes()
RUN = [name for name in SCENES if not name.startswith("not run")]


def test_every_command_of_a_page_is_run_or_there_is_a_reason() -> None:
    told = {line.text for line in pagelines.typed() if pagelines.calls_mydocker(line.text)}
    placed = {text for lines in SCENES.values() for mark, text in lines if mark in "$-"}
    assert (told - placed, placed - told) == (set(), set())


class Reader:
    """Somebody who types what a page says, in a directory of their own, where `mydocker` is a command."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.directory = f"{machine.directory}/reader"
        path = f"{os.path.dirname(machine.command)}:{os.environ['PATH']}"
        own = {"PATH": path, "HOME": self.directory, "XDG_STATE_HOME": f"{self.directory}/state", "LC_ALL": "C.UTF-8"}
        self.environment = {**os.environ, **machine.environment, **own}

    def begins(self, line: str) -> Terminal:
        script = f'cd {self.directory} && eval "$1"'
        return Terminal(["bash", "-c", script, "bash", line], self.environment, (24, 80))

    def types(self, line: str, doing: list[tuple[str, str]]) -> None:
        """Type a line, and what is to be done while it runs. Fails if it ends with another status than the page lets expect."""
        expected = int(next((text for mark, text in doing if mark == "="), "0"))
        with self.begins(pagelines.whole(line)) as terminal:
            for mark, text in doing:
                if mark == ">":
                    terminal.expect(text)
                elif mark == "<":
                    terminal.send(re.sub(r"\^[CM]", lambda key: KEYS[key[0]], text))
                elif mark == "&":
                    self.types(text, [])
            status = terminal.wait(60)
        assert status == expected, f"{line}: {terminal.seen}"


@pytest.fixture
def reader(mydocker: Machine) -> Iterator[Reader]:
    made = Reader(mydocker)
    Path(made.directory).mkdir()
    yield made
    mydocker.sh(f"rm -rf {made.directory}")


@pytest.mark.parametrize("name", RUN)
def test_what_a_page_says_can_be_typed(reader: Reader, name: str, needs_controllers: None) -> None:
    lines = SCENES[name]
    programs = {words[0] for mark, text in lines if mark in "$+" for words in pagelines.simple_commands(pagelines.whole(text))}
    missing = [program for program in programs if reader.machine.sh(f"command -v {program}").rc and program != "mydocker"]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    for number, (mark, text) in enumerate(lines):
        if mark in "$+":
            following = next((n for n in range(number + 1, len(lines)) if lines[n][0] in "$+"), len(lines))
            reader.types(text, lines[number + 1 : following])
