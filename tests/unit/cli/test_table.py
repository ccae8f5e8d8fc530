"""Columns."""

from mydocker.cli.table import table


def test_columns_are_ten_wide_or_three_apart() -> None:
    assert table([["NAME", "WHAT", "LAST"], ["a-long-name", "x", ""]]) == "NAME          WHAT      LAST\na-long-name   x         "
