"""runc's command lines, as callers write them."""

from __future__ import annotations

import pytest

from mydocker.errors import BadInput
from mydocker.oci.arguments import Flags, parse

FLAGS = Flags("detach tty", "root user", "env", {"d": "detach", "u": "user"})


def test_flags_of_every_kind_with_one_dash_or_two_and_values_either_way() -> None:
    found = parse(["--root", "/r", "-user=1:2", "-d", "--tty=false", "--env", "A=b=c", "--env=D=", "one", "--detach=1"], FLAGS)
    assert (found.value("root"), found.value("user"), found.words) == ("/r", "1:2", ["one"])
    assert (found.on("detach"), found.on("tty"), found.lists["env"]) == (True, False, ["A=b=c", "D="])


def test_words_after_the_first_one_or_a_double_dash_are_the_commands_own() -> None:
    assert parse(["-d", "one", "ls", "-u", "x"], FLAGS, mixed=False).words == ["one", "ls", "-u", "x"]
    assert parse(["one", "--", "-u"], FLAGS).words == ["one", "-u"]
    assert parse(["-"], FLAGS).words == ["-"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nosuch"], "unknown flag '--nosuch'"),
        (["--root"], "flag '--root': expected a value"),
        (["--tty=maybe"], "flag --tty=maybe: expected true or false"),
        ([], "expected 1 argument, got 0"),
        (["a", "b"], "unexpected argument 'b'"),
    ],
)
def test_bad_lines(words: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(words, FLAGS, 1, 1)
    assert caught.value.message == message


@pytest.mark.parametrize("text", ["-1", "x", "", "1.5", "²"])
def test_numbers(text: str) -> None:
    found = parse([f"--root={text}"], FLAGS)
    with pytest.raises(BadInput, match="--root"):
        found.number("root")
    assert parse(["--root", "7"], FLAGS).number("root") == 7
    assert parse([], FLAGS).number("root", 3) == 3
