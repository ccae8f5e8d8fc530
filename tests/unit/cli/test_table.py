"""Columns."""

import pytest

from mydocker.cli.base import complain
from mydocker.cli.table import table


def test_columns_are_ten_wide_or_three_apart() -> None:
    assert table([["NAME", "WHAT", "LAST"], ["a-long-name", "x", ""]]) == "NAME          WHAT      LAST\na-long-name   x         "


def test_what_others_wrote_does_not_steer_the_terminal() -> None:
    rows = [["NAME", "LABELS"], ["a\x1b[2J", "b=\x9b1m\x7f\r\nü"]]
    assert table(rows) == "NAME       LABELS\na\\x1b[2J   b=\\x9b1m\\x7f\\r\\nü"


def test_nor_do_errors(capsys: pytest.CaptureFixture[str]) -> None:
    complain("no such image: \x1b]0;title\x07\nsecond line", "a hint\x1b[31m")
    assert capsys.readouterr().err == "mydocker: no such image: \\x1b]0;title\\x07\\nsecond line\nhint: a hint\\x1b[31m\n"
