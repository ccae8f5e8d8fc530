"""Which command lines have a monitor started before they are parsed."""

import pytest

from mydocker.engine.launcher import needs_monitor


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("run busybox", True),
        ("--root /r --state /s run --rm busybox true", True),
        ("--root=/r --explain run busybox", True),
        ("container exec web sh", True),
        ("start web", True),
        ("ps", False),
        ("rm run", False),
        ("container rm run", False),
        ("--root run ps", False),
        ("", False),
    ],
)
def test_needs_monitor(words, expected):
    assert needs_monitor(words.split()) == expected
