"""The modes of --chmod: numbers and chmod(1)'s changes, which are compared with chmod itself."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from mydocker.engine.build.chmod import parse
from mydocker.errors import BadInput


def test_a_number_and_nothing() -> None:
    change = parse("2751")
    assert change and change(0o644, True) == 0o2751
    assert parse("") is None


CHANGES = [
    "u=rwX,go=rX",
    "a+x",
    "+x",
    "go-rwx",
    "u=g",
    "o=u-w",
    "g+s,u+s",
    "+t",
    "u+rw-x",
    "a=",
    "ug=rw,o+r",
    "o-t",
    "=rX",
    "a-st",
    "g=u,o=",
]


@pytest.mark.parametrize("is_directory", [False, True])
@pytest.mark.parametrize("text", CHANGES)
def test_changes_are_those_of_chmod(tmp_path: Path, text: str, is_directory: bool) -> None:
    change = parse(text)
    assert change
    for before in (0o000, 0o644, 0o711, 0o1777, 0o2750, 0o4755, 0o6421):
        path = tmp_path / f"{before:o}"
        path.mkdir() if is_directory else path.touch()
        os.chmod(path, before)
        subprocess.run(["sh", "-c", f"umask 0; chmod -- {text} {path}"], check=True)
        assert f"{change(before, is_directory):o}" == f"{stat.S_IMODE(path.stat().st_mode):o}", f"{before:o}"


@pytest.mark.parametrize("text", ["rwx", "8", "10000", "u", "u=q", "u=rw,", "x=r", "u+rg", ",", "-1"])
def test_bad_modes(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert caught.value.message.startswith(f"invalid chmod {text!r}: expected")
