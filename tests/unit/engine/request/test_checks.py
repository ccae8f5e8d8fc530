"""What is allowed and hardly meant is said; the rules themselves are tested in test_options.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mydocker.engine.request.checks import warnings

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Parse


@pytest.mark.parametrize(
    ("words", "count"), [([], 0), (["--oom-kill-disable"], 1), (["--oom-kill-disable", "-m", "64m"], 0), (["-m", "64m"], 0)]
)
def test_warnings(parsed: Parse, words: list[str], count: int) -> None:
    assert len(warnings(parsed(*words, "busybox"))) == count
