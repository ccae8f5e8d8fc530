"""What a terminal shows of a build, and lines that are written again in place."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pytest
from screens import Screen

from mydocker.cli import redrawn
from mydocker.cli.builddisplay import CANCELED, ERROR, FINISHED, Display

DOCKERFILE = "FROM busybox\n# why\nRUN make \\\n  all\n\n# end\nCOPY a /b\nCMD x\n"
ONE, TWO = 11, 12  # processes


@pytest.fixture
def display() -> Iterator[Display]:
    made = Display("Dockerfile", DOCKERFILE, 100.0)
    yield made
    made.end(200.0, FINISHED)


def test_steps_that_have_ended_and_those_that_run(display: Display) -> None:
    display.begins(ONE, 100.0, "", 1, 4, "FROM busybox")
    display.is_done(ONE, 100.24)
    display.begins(ONE, 100.3, "", 2, 4, "RUN make   all")
    assert display.gone(50) == [" => [1/4] FROM busybox                       0.2s"]
    display.writes(ONE, 101.0, b"one\ntwo\n10%\r20%\r3")
    display.writes(ONE, 101.0, b"0%")
    assert display.lines(102.0, 50, 24) == [
        "[+] Building 2.0s (1/4)",
        " => [2/4] RUN make   all                     1.7s",
        " => => # one",
        " => => # two",
        " => => # 30%",
    ]
    display.is_cached(ONE, 102.0)
    display.begins(ONE, 102.0, "", 3, 4, "COPY a /b")  # whoever begins another one has ended the last
    display.end(103.0, FINISHED)
    assert display.gone(40) == [
        " => CACHED [2/4] RUN make   all    1.7s",
        " => [3/4] COPY a /b                1.0s",
        "[+] Building 3.0s (3/4) FINISHED",
    ]
    assert display.gone(40) == []


def test_two_stages_side_by_side(display: Display) -> None:
    display.begins(ONE, 100.0, "one", 2, 6, "RUN sleep 1")
    display.begins(TWO, 100.5, "two", 4, 6, "RUN sleep 2")
    for number in range(9):
        display.writes(ONE, 101.0, f"{number}\n".encode())
    display.writes(TWO, 101.0, b"x")
    assert display.lines(101.0, 40, 24) == [
        "[+] Building 1.0s (0/6)",
        " => [one 2/6] RUN sleep 1          1.0s",
        *(f" => => # {number}" for number in range(3, 9)),
        " => [two 4/6] RUN sleep 2          0.5s",
        " => => # x",
    ]
    assert display.lines(101.0, 40, 7)[1:] == [
        " => [one 2/6] RUN sleep 1          1.0s",
        " => => # 8",
        " => [two 4/6] RUN sleep 2          0.5s",
        " => => # x",
    ]
    assert len(display.lines(101.0, 40, 3)) == 3  # header and steps, and no output


def test_a_failed_step_shows_its_whole_output_and_its_lines_of_the_dockerfile(display: Display) -> None:
    display.begins(TWO, 100.0, "two", 4, 6, "RUN sleep 2")
    display.begins(ONE, 100.0, "one", 2, 6, "RUN make all")
    display.writes(ONE, 100.0, b"".join(b"%d\n" % number for number in range(200)) + b"\x1b[31mno rule\x1b[0m")
    display.has_failed(ONE, 102.0, 3)
    display.end(102.0, ERROR)
    assert display.gone(40) == [
        " => ERROR [one 2/6] RUN make all   2.0s",
        "------",
        " > [one 2/6] RUN make all:",
        *map(str, range(200)),
        "no rule",
        "------",
        "Dockerfile:3",
        "--------------------",
        "   1 |     FROM busybox",
        "   2 |     # why",
        "   3 | >>> RUN make \\",
        "   4 | >>>   all",
        "   5 |",
        "   6 |     # end",
        "--------------------",
        " => CANCELED [two 4/6] RUN sleep 2 2.0s",
        "[+] Building 2.0s (0/6) ERROR",
    ]


def test_the_last_instruction_of_a_dockerfile(display: Display) -> None:
    display.has_failed(ONE, 100.0, 8)
    assert display.gone(40)[2:-1] == ["   6 |     # end", "   7 |     COPY a /b", "   8 | >>> CMD x", "   9 |"]


def test_an_interrupted_build_and_a_trigger(display: Display) -> None:
    display.begins(ONE, 100.0, "", 0, 0, "RUN trigger")
    display.begins(ONE, 101.0, "", 2, 3, "RUN sleep 9")
    display.line(ONE, 101.0, "[Warning] x")
    display.end(102.0, CANCELED)
    assert display.gone(40) == [
        " => [ONBUILD] RUN trigger          1.0s",
        "[Warning] x",
        " => CANCELED [2/3] RUN sleep 9     1.0s",
        "[+] Building 2.0s (0/3) CANCELED",
    ]


def test_what_is_written_while_no_step_runs_stays(display: Display) -> None:
    display.writes(ONE, 100.0, b"[one] a\n[one] b\x1b]0;title\x07\x07\n")
    assert display.gone(40) == ["[one] a", "[one] b\\x07"]


@pytest.mark.parametrize(
    ("text", "columns", "wanted"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("编译完成", 5, "编译"),
        ("编译", 4, "编译"),
        ("e\u0301e\u0301e", 2, "e\u0301e\u0301"),
        ("x", 0, ""),
    ],
)
def test_a_text_is_cut_by_columns_and_not_by_characters(text: str, columns: int, wanted: str) -> None:
    assert redrawn.cut(text, columns) == wanted


class FakeTerminal(io.StringIO):
    """A terminal on which a Screen shows what is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.screen = Screen(20)
        self.height = 5
        monkeypatch.setattr(redrawn, "size", lambda _: (self.screen.columns, self.height))

    def write(self, text: str) -> int:
        self.screen.write(text)
        return len(text)


def test_lines_are_written_in_place_and_others_stay_above(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal(monkeypatch)
    area = redrawn.Redrawn(terminal)
    area.draw(["one", "two"])
    area.draw(["three", "four", "five and much more than that"])
    assert terminal.screen.text == "three\nfour\nfive and much more\n"
    area.draw(["six"], ["stays, as long as it may be"])
    assert terminal.screen.text == "stays, as long as it\n may be\nsix\n"
    area.draw([str(number) for number in range(9)])
    assert terminal.screen.text == "stays, as long as it\n may be\n5\n6\n7\n8\n"
    area.draw([], ["end"])
    assert terminal.screen.text == "stays, as long as it\n may be\nend\n"


def test_nothing_is_left_of_what_a_wider_terminal_showed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal(monkeypatch)
    terminal.height = 20
    area = redrawn.Redrawn(terminal)
    area.draw(["0123456789abcde", "short"], ["kept"])
    terminal.screen.resize(8)
    assert terminal.screen.text == "kept\n01234567\n89abcde\nshort\n"
    area.draw(["0123456789abcde", "short"])
    assert terminal.screen.text == "kept\n0123456\nshort\n"


def test_a_terminal_that_does_not_tell_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((0, 0)))
    with open(os.devnull) as file:
        assert redrawn.size(file) == (80, 24)
