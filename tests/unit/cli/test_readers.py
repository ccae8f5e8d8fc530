"""The two readers of a command line: what the lean one takes, click reads as the same values; what it declines, it has not touched."""

from __future__ import annotations

import inspect
import random
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mydocker.cli import clicked
from mydocker.cli.lean import read, values
from mydocker.cli.main import mydocker
from mydocker.cli.outcome import perform
from mydocker.cli.verb import Argument, Flag, Group, Verb, argument, meaningless, option, switch, verb

REPOSITORY = Path(__file__).resolve().parents[3]
ROUNDS = 40
# Words that are values, arguments, the names of flags that do not exist, and what readers like to fall over.
WORDS = [
    "busybox",
    "web",
    "-",
    "--",
    "",
    "5",
    "-1",
    "+5",
    " 7",
    "1_0",
    "²",
    "KEY=VALUE",
    "=",
    "-x",
    "--nosuch",
    "-é",
    "text",
    "true",
    "é",
    "\udcff",
]
VALUES = ["=", "=true", "=false", "=x", "=5", "=-1", "=json", "=a=b"]


def members(group: Group) -> Iterator[tuple[list[str], Verb]]:
    """Yield every verb with the words that name it."""
    for name in group.verbs:
        found = group.member(name)
        if isinstance(found, Group):
            yield from (([name, *words], member) for words, member in members(found))
        elif found:
            yield [name], found


VERBS = list(members(mydocker))


def clicks(words: list[str]) -> Any:
    """Return click's values of a line: (names, outer, values); or the class of what it says instead."""
    root = clicked.command(mydocker)
    try:
        with root.make_context("mydocker", list(words)) as outer:
            context: click.Context = outer
            values = outer.params
            names = ["mydocker"]
            while isinstance(context.command, click.Group):
                name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
                assert name
                assert command
                names.append(name)
                context = command.make_context(name, rest, parent=context)
            return names, values, context.params
    except (click.ClickException, click.exceptions.Exit) as error:
        return type(error)


def check(words: list[str]) -> bool:
    """Check that both readers agree on a line. Return whether the lean one took it."""
    before = list(words)
    line = read(mydocker, words)
    assert words == before
    if line is None:
        return False
    assert (line.names, line.outer, line.values) == clicks(words), words
    return True


def shaken(chance: random.Random, takes: Verb | Group) -> list[str]:
    """Return random words for a verb: many of its flags, right and wrong."""
    names = [name for flag in takes.flags for name in (*flag.names, *flag.opposites)]
    words = []
    for _ in range(chance.randrange(7)):
        kind = chance.randrange(6)
        if kind < 3 and names:
            words.append(chance.choice(names) + (chance.choice(VALUES) if kind == 2 else ""))
        elif kind == 3:
            letters = [name[1] for name in names if not name.startswith("--")] or ["h"]
            words.append("-" + "".join(chance.choices(letters, k=chance.randrange(1, 4))) + chance.choice(["", "", "x", "=x"]))
        else:
            words.append(chance.choice(WORDS))
    return words


@pytest.mark.parametrize(("names", "member"), VERBS, ids=lambda each: " ".join(each) if isinstance(each, list) else "")
def test_random_lines(names: list[str], member: Verb) -> None:
    chance = random.Random(" ".join(names))
    for _ in range(ROUNDS):
        outer = shaken(chance, mydocker)[:2] if chance.random() < 0.2 else []
        check([*outer, *names, *shaken(chance, member)])


@pytest.mark.parametrize(("names", "member"), VERBS, ids=lambda each: " ".join(each) if isinstance(each, list) else "")
def test_every_flag_is_taken(names: list[str], member: Verb) -> None:
    """The lean reader takes a line that is right: each flag alone, in each of its forms, then all of them together."""
    words = [argument.choices[0] if argument.choices else f"word{i}" for i, argument in enumerate(member.arguments)]
    assert check([*names, *words])
    everything: list[str] = []
    for flag in member.flags:
        for form in forms(flag):
            assert check([*names, *form, *words]), form
            everything += form
    assert check(["--root", "/r", "--state=/s", *names, *everything, *words])


@pytest.mark.parametrize(("names", "member"), VERBS, ids=lambda each: " ".join(each) if isinstance(each, list) else "")
def test_a_function_takes_what_its_verb_declares(names: list[str], member: Verb) -> None:
    wanted = [flag.into for flag in member.flags if not flag.into.startswith("_")]  # see verb.meaningless()
    declared = [*wanted, *(argument.into for argument in member.arguments)]
    inspect.signature(member.function).bind("session", **dict.fromkeys({*declared} - {"explain", "dry_run"}))
    assert next(iter(inspect.signature(member.function).parameters)) == "session"


def test_a_flag_that_means_nothing_here_does_not_reach_its_verb() -> None:
    given: list[object] = []
    row = meaningless("--isolation", why="there is one", values=("default",))
    taken = Verb(lambda session, **values: given.append(values), "taken", [row, switch("--all", help="All.")], True)
    outer = {**{flag.into: flag.default for flag in mydocker.flags}, "root": "/nowhere", "state": "/nowhere"}
    assert perform(["mydocker", "taken"], taken, outer, values(taken, ["--isolation", "default", "--all"])) == 0
    assert given == [{"all": True}]


def forms(flag: Flag) -> Iterator[list[str]]:
    """Yield the ways to write a flag."""
    value = flag.choices[0] if flag.choices else "x" if flag.integers is None else str(min(max(5, flag.integers[0]), flag.integers[1]))
    for name in flag.names:
        if not flag.takes_value:
            yield from ([name], [name + "=true"], [name + "=false"])
        elif name == "--explain":  # alone it means text, so its value cannot be the next word
            yield from ([name], [f"{name}={value}"])
        elif name.startswith("--"):
            yield from ([name, value], [f"{name}={value}"])
        else:
            yield from ([name, value], [name + value], [f"{name}={value}"])
    yield from ([name] for name in flag.opposites)


def typed_lines() -> list[str]:
    """Return the mydocker command lines that the documentation and the tests type, as far as they stand in one line."""
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    lines = [line.strip().removeprefix("$ ").removeprefix("# ") for page in pages for line in page.read_text().splitlines()]
    return sorted({line.partition(" #")[0] for line in lines if line.startswith("mydocker ") and not set(line) & set("…|>;&`")})


@pytest.mark.parametrize("line", typed_lines())
def test_lines_of_the_documentation(line: str) -> None:
    words = shlex.split(line)[1:]
    assert check(words) or "--help" in words or isinstance(clicks(words), type), line


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("run -it --rm=false -eA=1 -e=B=2 -e C=3 busybox -x --rm", {"interactive": True, "remove": False, "env": ("A=1", "B=2", "C=3")}),
        ("network create -subnet 10.9.0.0/24 -driver bridge net", {"driver": "bridge", "name": "net"}),
        ("run -name web busybox", {"name": "web", "words": ("busybox",)}),
        ("run -ite=A busybox", {"tty": True, "env": ("A",)}),
        ("run -e -x busybox", {"env": ("-x",)}),
        ("--explain run --sig-proxy=false busybox", {"sig_proxy": False, "explain": None}),
        ("run --explain busybox", {"explain": "text"}),
        ("rm -- -f", {"names": ("-f",), "force": False}),
        ("rm web -f db", {"names": ("web", "db"), "force": True}),
        ("ps -n -1", {"last": -1}),
        ("commit web", {"name": None, "container": "web"}),
    ],
)
def test_values(line: str, values: dict[str, Any]) -> None:
    found = read(mydocker, line.split())
    assert found
    assert {name: found.values[name] for name in values} == values


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ps --help",
        "container",
        "nosuch",
        "--version",
        "-v ps",
        "rm",
        "rm -z x",
        "rm --for x",
        "ps -n",
        "ps -n x",
        "rename a",
        "rename a b c",
        "inspect --type x y",
        "stop -t 1.5 x",
        "logs --follow=perhaps x",
        "search --limit 0 x",
        "run --log-driver x y",
        "completion csh",
    ],
)
def test_what_is_left_to_click(line: str) -> None:
    assert read(mydocker, line.split()) is None


def test_a_table_is_data() -> None:
    """What a verb declares is what both readers know of it."""

    @verb(switch("-a", "--all/--none", help="All."), option("--size", "bytes", integers=(1, 9), help="Size."), argument("name"), name="x-y")
    def function() -> None:
        """Do it."""

    assert [flag.into for flag in function.flags] == ["all", "bytes"]
    assert function.flags[0].opposites == ("--none",)
    assert [type(row) for row in function.arguments] == [Argument]
    command = clicked.command(function)
    assert (command.name, command.help) == ("x-y", "Do it.")
    assert [parameter.name for parameter in command.params] == ["all", "bytes", "name"]
