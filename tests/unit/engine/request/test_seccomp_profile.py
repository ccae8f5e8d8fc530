from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mydocker.engine.request.default_profile import ALWAYS, BY_CAPABILITY
from mydocker.engine.request.seccomp import load_profile, profile
from mydocker.errors import BadInput, Error
from mydocker.kernel.capabilities import NUMBERS


def load(tmp_path: Path, document: object, capabilities: list[str], machine: str = "x86_64", kernel: tuple[int, int] = (6, 1)) -> Any:
    path = tmp_path / "profile.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return load_profile(str(path), capabilities, machine, kernel)


def test_default_names_each_call_once() -> None:
    assert len(ALWAYS.split()) == len(set(ALWAYS.split()))
    assert set(BY_CAPABILITY) <= set(NUMBERS)


def test_default_profile_around_its_names() -> None:
    seccomp = profile([], "x86_64", (6, 1))
    assert {**seccomp, "syscalls": []} == {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [],
    }
    assert seccomp["syscalls"][-2:] == [
        {
            "names": ["clone"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": 0x7E020000, "op": "SCMP_CMP_MASKED_EQ"}],
        },
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    ]


@pytest.mark.parametrize(
    ("machine", "name", "there"),
    [
        ("x86_64", "arch_prctl", True),
        ("aarch64", "arch_prctl", False),
        ("aarch64", "set_tls", True),
        ("riscv64", "riscv_flush_icache", True),
    ],
)
def test_default_depends_on_the_machine(machine: str, name: str, there: bool) -> None:
    assert (name in profile([], machine, (6, 1))["syscalls"][0]["names"]) is there


def test_s390_has_the_flags_of_clone_second() -> None:
    assert profile([], "s390x", (6, 1))["syscalls"][-2]["args"][0]["index"] == 1


def test_oci_form_passes_unchanged(tmp_path: Path) -> None:
    document = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_NE"}]}
        ],
    }
    assert load(tmp_path, document, []) == document


ARCH_MAP = [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}, {"architecture": "SCMP_ARCH_RISCV64"}]


@pytest.mark.parametrize(
    ("machine", "architectures"),
    [("aarch64", ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]), ("riscv64", ["SCMP_ARCH_RISCV64"]), ("x86_64", []), ("vax", [])],
)
def test_arch_map(tmp_path: Path, machine: str, architectures: list[str]) -> None:
    document = {"defaultAction": "SCMP_ACT_ALLOW", "archMap": ARCH_MAP}
    assert load(tmp_path, document, [], machine)["architectures"] == architectures


@pytest.mark.parametrize(
    ("conditions", "there"),
    [
        ({}, True),
        ({"includes": {}, "excludes": {}}, True),
        ({"includes": {"caps": ["CAP_A"]}}, True),
        ({"includes": {"caps": ["CAP_A", "CAP_B"]}}, True),
        ({"includes": {"caps": ["CAP_A", "CAP_C"]}}, False),
        ({"excludes": {"caps": ["CAP_C"]}}, True),
        ({"excludes": {"caps": ["CAP_C", "CAP_A"]}}, False),
        ({"includes": {"arches": ["amd64", "x32"]}}, True),
        ({"includes": {"arches": ["arm64"]}}, False),
        ({"excludes": {"arches": ["s390x"]}}, True),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"includes": {"minKernel": "4.8"}}, True),
        ({"includes": {"minKernel": "5.4"}}, True),
        ({"includes": {"minKernel": "5.10"}}, False),
        ({"excludes": {"minKernel": "5.4"}}, False),
        ({"excludes": {"minKernel": "5.5"}}, True),
        ({"includes": {"caps": ["CAP_A"]}, "excludes": {"arches": ["amd64"]}}, False),
    ],
)
def test_includes_and_excludes(tmp_path: Path, conditions: dict[str, object], there: bool) -> None:
    document = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", **conditions}]}
    rules = [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}] if there else []
    assert load(tmp_path, document, ["CAP_A", "CAP_B"], kernel=(5, 4))["syscalls"] == rules


def test_old_and_podmans_spellings(tmp_path: Path) -> None:
    rule = {"name": "read", "action": "SCMP_ACT_ERRNO", "errno": "EACCES", "args": None}
    seccomp = load(tmp_path, {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS", "syscalls": [rule]}, [])
    assert seccomp["defaultErrnoRet"] == 38
    assert seccomp["syscalls"] == [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]


def with_rule(**rule: object) -> dict[str, object]:
    return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", **rule}]}


@pytest.mark.parametrize(
    ("document", "kind", "message"),
    [
        ("{", BadInput, "not valid JSON: "),
        ("[" * 100000, BadInput, "not valid JSON: it is nested too deeply"),
        ("[]", BadInput, "not a JSON object with a 'defaultAction'"),
        ({}, BadInput, "not a JSON object with a 'defaultAction'"),
        ({"defaultAction": "allow"}, BadInput, "unknown seccomp action 'allow'"),
        ({"defaultAction": "SCMP_ACT_NOTIFY"}, BadInput, "seccomp action 'SCMP_ACT_NOTIFY': expected another one as defaultAction"),
        (
            {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": ARCH_MAP},
            BadInput,
            "both 'architectures' and 'archMap' are given",
        ),
        ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}, "archMap": [1]}, BadInput, "archMap[0] 1: expected an object"),
        ({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrno": "EWHAT"}, BadInput, "unknown errno 'EWHAT'"),
        (with_rule(name="read"), BadInput, "both 'name' and 'names' are given for 'read'"),
        (with_rule(includes=[1]), BadInput, "syscalls[0].includes [1]: expected an object"),
        (with_rule(includes={"caps": [{}]}), BadInput, "syscalls[0].includes.caps[0] {}: expected a text"),
        (with_rule(includes={"minKernel": "5.x"}), BadInput, "minKernel '5.x' is not MAJOR.MINOR"),
        (with_rule(action="SCMP_ACT_PERHAPS"), BadInput, "unknown seccomp action 'SCMP_ACT_PERHAPS'"),
    ],
)
def test_bad_profiles(tmp_path: Path, document: object, kind: type[Error], message: str) -> None:
    with pytest.raises(kind) as caught:
        load(tmp_path, document, [])
    assert caught.value.message.startswith(f"seccomp profile '{tmp_path}/profile.json': {message}")
    assert "\n" not in caught.value.message


def test_missing_file() -> None:
    with pytest.raises(BadInput, match="seccomp profile '/no/such/file': no such file or directory"):
        load_profile("/no/such/file", [], "x86_64", (6, 1))
