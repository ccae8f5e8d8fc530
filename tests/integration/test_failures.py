"""A step that fails (MYDOCKER_FAIL_AT): one line that names it, the true exit status and record, and nothing is left."""

from __future__ import annotations

import errno
import os

import pytest
from conftest import Machine

MOST_STEPS = 150
FLAGS = ["--name", "failing", "-m", "64m", "-v", "data:/data", "-v", "/anonymous", "-p", "127.0.0.1::80"]
# Their number is odd, so that in turn each comes with --rm and without.
ERRORS = ("ENOSPC", "EIO", "EMFILE", "EDQUOT", "ENFILE", "ENOMEM", "EROFS")


@pytest.mark.parametrize("who", ["cli", "monitor", "init"])
def test_any_step_of_a_start_that_fails_is_told_and_undone(mydocker: Machine, needs_controllers: None, who: str) -> None:
    mydocker("run", "--rm", "-v", "data:/data", "busybox", "true")
    before = mydocker.snapshot()
    for number in range(1, MOST_STEPS):
        error, kept = ERRORS[number % len(ERRORS)], number % 2
        flags = FLAGS if kept else ["--rm", *FLAGS]
        result = mydocker("run", *flags, "busybox", "true", env={"MYDOCKER_FAIL_AT": f"{who}:{number}:{error}"})
        told = (who, number, error, result.rc, result.stdout, result.stderr)
        if result.rc == 0:
            break
        assert result.rc == 125, told
        assert result.stderr.count("\n") == 1 and result.stderr.startswith("mydocker: "), told
        assert result.stderr.endswith(f": {os.strerror(getattr(errno, error))}\n"), told
        if kept and who != "cli":
            state = "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}"
            shown = mydocker.sh(f"{{mydocker}} inspect -f '{state}' failing && {{mydocker}} rm -v failing").stdout
            assert shown == f"created 125 {result.stderr.removeprefix('mydocker: ')}failing\n", told
        left = mydocker.left_since(before)  # a traceback in STATE/errors is among that
        assert not left, (*told, left)
    else:
        pytest.fail(f"{who} takes more than {MOST_STEPS} steps")
    assert mydocker("system", "check").stdout == ""
    mydocker("rm", "-v", "failing")
    mydocker("volume", "rm", "data")
    assert number > {"cli": 10, "monitor": 20, "init": 30}[who]


@pytest.mark.parametrize("variable", ["MYDOCKER_FAIL_AT", "MYDOCKER_CRASH_AFTER", "MYDOCKER_DELAY"])
def test_a_value_that_asks_for_nothing_is_refused(mydocker: Machine, variable: str) -> None:
    result = mydocker("run", "--rm", "busybox", "true", env={variable: "init:x"})
    assert (result.rc, result.stderr.count("\n")) == (125, 1)
    assert result.stderr.startswith(f"mydocker: {variable} 'init:x': expected ")
