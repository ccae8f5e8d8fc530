"""vm/requirements.py: pyproject.toml's lists as pip reads them."""

import pytest
import requirements

PROJECT = {"project": {"dependencies": ["a>=1"], "optional-dependencies": {"test": ["b"], "vm": ["c; python_version < '4'"]}}}


@pytest.mark.parametrize(
    "groups, lines",
    [
        ([], ["a>=1"]),
        (["test"], ["a>=1", "b"]),
        (["vm", "test"], ["a>=1", "c; python_version < '4'", "b"]),
        (["--only", "test"], ["b"]),
    ],
)
def test_groups_come_after_what_the_project_itself_needs(groups: list[str], lines: list[str]) -> None:
    assert requirements.requirements(PROJECT, groups) == lines


def test_an_unknown_group_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements.main(["tests"]) == 1
    assert capsys.readouterr().err == "requirements: unknown group 'tests': expected one of test, lint, fuzz, types, vm\n"


def test_the_real_file_has_the_groups_that_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements.main(["lint", "types", "test", "vm"]) == 0
    assert {"ruff", "mypy", "pytest", "fabric", "click"} <= {line.partition(">=")[0] for line in capsys.readouterr().out.splitlines()}
