"""vm/whichtests.py: whether pytest's arguments name tests."""

import pytest
from whichtests import which_tests


@pytest.mark.parametrize(
    "arguments", [["tests/unit"], ["-k", "a", "tests/integration/test_run.py::TestTerminal"], ["./tests/unit/vm", "-x"]]
)
def test_named_tests_are_the_only_ones(arguments: list[str]) -> None:
    assert which_tests(arguments, ["usual"]) == arguments


@pytest.mark.parametrize("arguments", [[], ["-k", "tests"], ["-x", "--durations=3"], ["--junitxml", "tests/no/such.xml"]])
def test_else_the_usual_ones_are_added(arguments: list[str]) -> None:
    assert which_tests(arguments, ["a", "b"]) == [*arguments, "a", "b"]
