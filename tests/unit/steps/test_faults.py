"""What MYDOCKER_CRASH_AFTER and MYDOCKER_FAIL_AT ask for."""

import errno

import pytest

from mydocker.errors import BadInput
from mydocker.steps.faults import injected


@pytest.mark.parametrize(
    ("crash", "failure", "faults"),
    [
        ("", "", ()),
        ("2", "", (("", 2, 0),)),
        ("init:2", "", (("init", 2, 0),)),
        ("", "7:ENOSPC", (("", 7, errno.ENOSPC),)),
        ("cli:1", "monitor:3:EMFILE", (("cli", 1, 0), ("monitor", 3, errno.EMFILE))),
    ],
)
def test_values(crash: str, failure: str, faults: object) -> None:
    assert injected({"MYDOCKER_CRASH_AFTER": crash, "MYDOCKER_FAIL_AT": failure}) == faults


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MYDOCKER_CRASH_AFTER", "x"),
        ("MYDOCKER_CRASH_AFTER", "init:"),
        ("MYDOCKER_CRASH_AFTER", "nobody:3"),
        ("MYDOCKER_FAIL_AT", "init:3"),
        ("MYDOCKER_FAIL_AT", "init:3:ENOTHING"),
        ("MYDOCKER_FAIL_AT", "init:-3:EIO"),
        ("MYDOCKER_FAIL_AT", "init:\u0663:EIO"),
    ],
)
def test_a_value_that_is_none_is_named(variable: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"^{variable} '{value}': expected .* cli, api, monitor, init, runtime$"):
        injected({variable: value})
