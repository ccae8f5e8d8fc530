from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mydocker.errors import BadInput
from mydocker.kernel import libseccomp
from mydocker.runtime.seccomp import filter_for, flags_for

SECCOMP: Any = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [], "syscalls": [{"names": ["reboot"], "action": "SCMP_ACT_ERRNO"}]}


def changed(**changes: Any) -> Any:
    return {**SECCOMP, **changes}


def only_file(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def test_first_use_compiles_and_keeps(tmp_path: Path) -> None:
    program = filter_for(SECCOMP, f"{tmp_path}/cache")
    assert program == libseccomp.compile_filter(SECCOMP)
    assert only_file(tmp_path / "cache").read_bytes()[:-32] == program


def test_second_use_does_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = filter_for(SECCOMP, str(tmp_path))
    monkeypatch.delattr(libseccomp, "compile_filter")
    assert filter_for(SECCOMP, str(tmp_path)) == program


def test_another_object_is_another_file(tmp_path: Path) -> None:
    filter_for(SECCOMP, str(tmp_path))
    filter_for(changed(defaultAction="SCMP_ACT_LOG"), str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("keep", [0, 5, 32, 40, -8, -1])
def test_truncated_file_is_compiled_again(tmp_path: Path, keep: int) -> None:
    program = filter_for(SECCOMP, str(tmp_path))
    file = only_file(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:keep])
    assert filter_for(SECCOMP, str(tmp_path)) == program
    assert file.read_bytes() == whole


def test_changed_file_is_compiled_again(tmp_path: Path) -> None:
    program = filter_for(SECCOMP, str(tmp_path))
    file = only_file(tmp_path)
    whole = bytearray(file.read_bytes())
    whole[3] ^= 1
    file.write_bytes(whole)
    assert filter_for(SECCOMP, str(tmp_path)) == program


@pytest.mark.parametrize(
    ("seccomp", "flags"),
    [
        ({}, 4),
        ({"flags": []}, 0),
        ({"flags": ["SECCOMP_FILTER_FLAG_LOG"]}, 2),
        ({"syscalls": [{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]}, 4 | 8),
        ({"flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]}, 0x28),
        ({"flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}, 0),
        ({"flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG"]}, 6),
    ],
)
def test_flags(seccomp: dict[str, list[str]], flags: int) -> None:
    assert flags_for(changed(**{"syscalls": [], **seccomp})) == flags


def test_bad_flags() -> None:
    with pytest.raises(BadInput, match="unknown seccomp flag 'X'"):
        flags_for(changed(flags=["X"]))
