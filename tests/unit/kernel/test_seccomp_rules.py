from __future__ import annotations

from typing import Any

import pytest

from mydocker.errors import BadInput, Error
from mydocker.kernel.seccomp_object import SECCOMP
from mydocker.kernel.seccomp_rules import Rules, action
from mydocker.shape import WrongShape, fit


@pytest.mark.parametrize(
    ("name", "errno_ret", "value"),
    [
        ("SCMP_ACT_ALLOW", None, 0x7FFF0000),
        ("SCMP_ACT_ALLOW", 5, 0x7FFF0000),
        ("SCMP_ACT_ERRNO", None, 0x00050001),
        ("SCMP_ACT_ERRNO", 0, 0x00050000),
        ("SCMP_ACT_ERRNO", 38, 0x00050026),
        ("SCMP_ACT_TRACE", 7, 0x7FF00007),
        ("SCMP_ACT_KILL", None, 0),
        ("SCMP_ACT_KILL_PROCESS", None, 0x80000000),
    ],
)
def test_actions(name: str, errno_ret: int | None, value: int) -> None:
    assert action(name, errno_ret) == value


def test_rules_in_numbers() -> None:
    argument = {"index": 1, "value": 8, "valueTwo": 9, "op": "SCMP_CMP_MASKED_EQ"}
    rule: Any = {"names": ["clone", "fork"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "args": [argument]}
    rules = Rules({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X32"], "syscalls": [rule]})
    assert (rules.default, rules.architectures, rules.names()) == (0x7FFF0000, ["SCMP_ARCH_X32"], {"clone", "fork"})
    assert [(rule.names, rule.action, rule.alternatives) for rule in rules.rules] == [(["clone", "fork"], 0x50026, [[(1, 7, 8, 9)]])]


def bad_rule(**changes: object) -> Any:
    rule: Any = {"names": ["read"], "action": "SCMP_ACT_ALLOW"}
    return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{**rule, **changes}]}


def bad_argument(**changes: object) -> Any:
    return bad_rule(args=[{"index": 0, "value": 0, "op": "SCMP_CMP_EQ", **changes}])


@pytest.mark.parametrize(
    ("seccomp", "kind", "message"),
    [
        ({"defaultAction": "ALLOW"}, BadInput, "unknown seccomp action 'ALLOW'"),
        (
            {"defaultAction": "SCMP_ACT_NOTIFY"},
            BadInput,
            "seccomp action 'SCMP_ACT_NOTIFY': expected another one as defaultAction, as the listener could not be handed over",
        ),
        (bad_rule(action="SCMP_ACT_NOTIFY"), BadInput, "seccomp action 'SCMP_ACT_NOTIFY': expected a listenerPath"),
        ({**bad_rule(), "listenerMetadata": "x"}, BadInput, "seccomp listenerMetadata: expected a listenerPath"),
        (
            {**bad_rule(names=["sendmsg"], action="SCMP_ACT_NOTIFY"), "listenerPath": "/run/s"},
            BadInput,
            "seccomp action 'SCMP_ACT_NOTIFY' for 'sendmsg': expected another one, as that call hands over the listener",
        ),
        ({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["x86"]}, BadInput, "unknown seccomp architecture 'x86'"),
        (bad_rule(names=[]), BadInput, "seccomp rule names [] are not a list of system calls"),
        (bad_rule(action="SCMP_ACT_NO"), BadInput, "unknown seccomp action 'SCMP_ACT_NO'"),
        (bad_rule(names=[""]), BadInput, "seccomp rule names [''] are not a list of system calls"),
        (bad_rule(action="SCMP_ACT_ERRNO", errnoRet=65536), BadInput, "seccomp errno 65536 is not a number from 0 to 65535"),
        (bad_argument(index=6), BadInput, "seccomp argument index 6 is not a number from 0 to 5"),
        (
            bad_argument(value=2**64),
            BadInput,
            "seccomp argument value 18446744073709551616 is not a number from 0 to 18446744073709551615",
        ),
        (
            bad_argument(op="=="),
            BadInput,
            "unknown seccomp operator in argument {'index': 0, 'value': 0, 'op': '=='}",
        ),
    ],
)
def test_bad_objects(seccomp: Any, kind: type[Error], message: str) -> None:
    fit(seccomp, SECCOMP)
    with pytest.raises(kind) as caught:
        Rules(seccomp)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("seccomp", "message"),
    [
        ({}, "seccomp.defaultAction is missing"),
        ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": "read"}, "seccomp.syscalls 'read': expected a list"),
        ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": ["read"]}, "seccomp.syscalls[0] 'read': expected an object"),
        (bad_rule(names=[3]), "seccomp.syscalls[0].names[0] 3: expected a text"),
        (bad_rule(errnoRet=-1), "seccomp.syscalls[0].errnoRet -1: expected a whole number that is not negative"),
        (bad_argument(value="x"), "seccomp.syscalls[0].args[0].value 'x': expected a whole number that is not negative"),
    ],
)
def test_objects_of_another_shape(seccomp: Any, message: str) -> None:
    with pytest.raises(WrongShape) as caught:
        fit(seccomp, SECCOMP, "seccomp")
    assert str(caught.value) == message
