"""What config.json is made of: the first value of another kind is named."""

from __future__ import annotations

from typing import Any

import pytest

from mydocker.errors import BadInput
from mydocker.oci.shape import check_shape
from mydocker.oci.template import template
from mydocker.runtime.spec import PROCESS, SPEC


@pytest.mark.parametrize("rootless", [False, True])
def test_what_we_write_ourselves_is_of_this_shape(rootless: bool) -> None:
    check_shape(template(rootless, True), SPEC)


@pytest.mark.parametrize(
    "spec, message",
    [
        ([], "config.json []: expected an object"),
        ({"process": []}, "process []: expected an object"),
        ({"process": {"args": "ls"}}, "process.args 'ls': expected a list"),
        ({"process": {"args": ["ls", 5]}}, "process.args[1] 5: expected a text"),
        ({"process": {"env": ["A=\0"]}}, "process.env[0] 'A=\\x00': expected a text"),
        ({"process": {"terminal": 1}}, "process.terminal 1: expected true or false"),
        ({"process": {"user": {"uid": -1}}}, "process.user.uid -1: expected a whole number that is not negative"),
        ({"process": {"user": {"uid": True}}}, "process.user.uid True: expected a whole number that is not negative"),
        ({"process": {"oomScoreAdj": 1.5}}, "process.oomScoreAdj 1.5: expected a whole number"),
        ({"process": {"rlimits": [{"type": "RLIMIT_CORE", "hard": 1}]}}, "process.rlimits[0].soft is missing"),
        ({"hooks": {"prestart": [{"path": None}]}}, "hooks.prestart[0].path is missing"),
        ({"annotations": {"a": 5}}, "annotations.a 5: expected a text"),
        ({"linux": {"resources": {"memory": {"limit": "1g"}}}}, "linux.resources.memory.limit '1g': expected a whole number"),
        ({"linux": {"seccomp": {}}}, "linux.seccomp.defaultAction is missing"),
        ({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_LOG", "syscalls": [5]}}}, "linux.seccomp.syscalls[0] 5: expected an object"),
    ],
)
def test_what_is_of_another_kind_is_named(spec: Any, message: str) -> None:
    with pytest.raises(BadInput) as raised:
        check_shape(spec, SPEC)
    assert raised.value.message == message


def test_null_is_what_is_not_there_and_what_nobody_knows_is_left_alone() -> None:
    check_shape({"process": None, "hooks": {"prestart": None}, "moon": [1, {}], "linux": {"seccomp": None, "moon": 5}}, SPEC)
    check_shape({"user": {"username": 5}}, PROCESS, "process")
