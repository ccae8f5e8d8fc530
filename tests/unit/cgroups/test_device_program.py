"""The device program is run here by an interpreter of the few instructions that it may use."""

from __future__ import annotations

from struct import unpack_from
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydocker.cgroups.devices import ACCESS, ANY, TYPES, Rule, compile_rules, parse_rule
from mydocker.errors import BadInput


def interpret(program: bytes, kind: str, access: str, major: int, minor: int) -> bool:
    """Run a program as the kernel would and return whether it allows the access."""
    wanted = sum(ACCESS[letter] for letter in access)
    context = {0: wanted << 16 | TYPES[kind], 4: major, 8: minor}
    registers = [0, 0, 0, 0, 0, 0]
    position = 0
    while True:
        code, operands, offset, immediate = unpack_from("=BBhi", program, 8 * position)
        target, source = operands & 15, operands >> 4
        position += 1
        match code:
            case 0x61:
                registers[target] = context[offset]
            case 0xBF:
                registers[target] = registers[source]
            case 0xB7:
                registers[target] = immediate
            case 0x57:
                registers[target] &= immediate
            case 0x77:
                registers[target] >>= immediate
            case 0x15:
                position += offset if registers[target] == immediate else 0
            case 0x55:
                position += offset if registers[target] != immediate else 0
            case 0x95:
                return bool(registers[0])
            case _:
                raise AssertionError(f"instruction {code:#x} is not known")


def decide(rules: list[Rule], kind: str, access: str, major: int, minor: int) -> bool:
    """What the rules mean, said the plain way: for each letter the last rule that matches decides."""

    def letter_allowed(letter: str) -> bool:
        matching = [
            r for r in rules if r.kind in ("a", kind) and r.major in (ANY, major) and r.minor in (ANY, minor) and letter in r.access
        ]
        return bool(matching) and matching[-1].allow

    return all(letter_allowed(letter) for letter in access)


DOCKER = [
    Rule(allow=False),
    Rule(allow=True, kind="c", major=1, minor=5),
    Rule(allow=True, kind="c", major=1, minor=3),
    Rule(allow=True, kind="c", major=ANY, minor=ANY, access="m"),
    Rule(allow=True, kind="b", major=ANY, minor=ANY, access="m"),
    Rule(allow=True, kind="c", major=136, minor=ANY),
    Rule(allow=False, kind="c", major=10, minor=229),
]


@pytest.mark.parametrize(
    ("kind", "access", "major", "minor", "allowed"),
    [
        ("c", "rw", 1, 3, True),
        ("c", "m", 7, 7, True),
        ("b", "m", 7, 7, True),
        ("b", "r", 7, 7, False),
        ("c", "r", 1, 8, False),
        ("c", "rwm", 136, 4000, True),
        ("c", "m", 10, 229, False),
        ("c", "rm", 10, 200, False),
    ],
)
def test_dockers_rules(kind: str, access: str, major: int, minor: int, allowed: bool) -> None:
    assert interpret(compile_rules(DOCKER), kind, access, major, minor) is allowed


def test_no_rules_deny() -> None:
    assert not interpret(compile_rules([]), "c", "r", 1, 3)


numbers = st.sampled_from([ANY, 0, 1, 2, 2**31 - 1])
accesses = st.sets(st.sampled_from("rwm"), min_size=1).map(lambda letters: "".join(sorted(letters)))
rules = st.lists(
    st.builds(Rule, allow=st.booleans(), kind=st.sampled_from("abc"), major=numbers, minor=numbers, access=accesses), max_size=6
)


@given(rules, st.sampled_from("bc"), accesses, st.sampled_from([0, 1, 2, 2**31 - 1]), st.sampled_from([0, 1, 2]))
def test_the_program_decides_as_the_rules_say(rules: list[Rule], kind: str, access: str, major: int, minor: int) -> None:
    assert interpret(compile_rules(rules), kind, access, major, minor) == decide(rules, kind, access, major, minor)


@pytest.mark.parametrize(
    ("device", "description"),
    [
        ({"allow": False, "access": "rwm"}, "deny a *:* rwm"),
        ({"allow": True, "type": "c", "major": 1, "minor": 3, "access": "mr"}, "allow c 1:3 rm"),
        ({"allow": True, "type": "b", "major": 8}, "allow b 8:* rwm"),
        ({"allow": True, "type": "u", "major": -1, "minor": 1}, "allow c *:1 rwm"),
    ],
)
def test_parse_rule(device: Any, description: str) -> None:
    assert parse_rule(device).describe() == description


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ({"type": "p"}, "device type 'p': expected a, b or c"),
        ({"access": "rx"}, "device access 'rx': expected some of rwm"),
        ({"minor": 2**31}, "device minor 2147483648: expected -1 to 2147483647"),
    ],
)
def test_parse_rule_refuses(device: Any, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_rule(device)
    assert caught.value.message == message


def test_version_1_takes_all_kinds_one_by_one() -> None:
    assert [part.kernel_line() for part in Rule(allow=True, kind="a", major=10, minor=ANY, access="r").parts()] == ["b 10:* r", "c 10:* r"]
