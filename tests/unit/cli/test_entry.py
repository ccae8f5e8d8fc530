"""What the entry point makes of a command line before it is read."""

from __future__ import annotations

import pytest

from mydocker import freeze
from mydocker.cli.entry import module_of, needs_monitor


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("run", "run"),
        ("start web", "run"),
        ("exec web", "execute"),
        ("container exec", "execute"),
        ("ps", "ps"),
        ("stop web", "life"),
        ("network connect", "networks"),
        ("volume ls", "volumes"),
        ("image ls", "images"),
        ("web", ""),
        ("", ""),
    ],
)
def test_the_module_of_a_verb(line: str, module: str) -> None:
    assert module_of(line.split()) == module
    assert not module or module in freeze.PROGRAMS


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("run busybox", True),
        ("--root /x exec web sh", True),
        ("container start web", True),
        ("container ls run", False),
        ("ps", False),
        ("--state run ps", False),
        ("", False),
    ],
)
def test_a_line_that_looks_as_if_there_will_be_a_monitor(line: str, answer: bool) -> None:
    assert needs_monitor(line.split()) is answer
