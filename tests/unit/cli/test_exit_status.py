"""Refusals: 125 where a container's own status could be meant, 1 elsewhere; one line, and perhaps a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.cli.base import Session
from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run
from mydocker.cli.verb import Group, Verb


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["run", "-m", "x", "busybox"], 125, "mydocker: invalid size 'x': expected a number with b, k, m, g or t"),
        (["run", "--zzz"], 125, "mydocker: no such option '--zzz'"),
        (["run"], 125, "mydocker: an IMAGE is required"),
        (["container", "run", "-m", "x", "busybox"], 125, "mydocker: invalid size 'x': expected a number with b, k, m, g or t"),
        (["container", "create", "-m", "x", "busybox"], 125, "mydocker: invalid size 'x': expected a number with b, k, m, g or t"),
        (["--explain", "create", "--pull", "never", "nosuchimage"], 125, None),
        (["volume", "create", "x"], 1, "mydocker: invalid name 'x': expected [a-zA-Z0-9][a-zA-Z0-9_.-]+, two characters or more"),
        (["volume", "rm", "run"], 1, "mydocker: no such volume: run"),
        (["rm", "run"], 1, "mydocker: no such container: run"),
        (["rm", "--zzz"], 125, "mydocker: no such option '--zzz'"),
        (["nosuchverb"], 1, "mydocker: no such command 'nosuchverb'"),
        (["pss"], 1, "mydocker: no such command 'pss': did you mean 'ps'?"),
        (["network", "creat"], 1, "mydocker: no such command 'creat': did you mean 'create'?"),
        (["help"], 0, None),
        (["help", "network", "create"], 0, None),
        (["--root", "/nowhere", "help", "ps"], 0, None),
        (["network", "help", "create"], 0, None),
        (["help", "pss"], 1, "mydocker: no such command 'pss': did you mean 'ps'?"),
        (["run", "-i", "/bin/sh"], 125, "mydocker: invalid image '/bin/sh': a path is a command"),
        (["--zzz", "run"], 125, None),
        (["rm"], 1, None),
        (["run", "--help"], 0, None),
        (["--version"], 0, None),
    ],
)
def test_status(
    words: list[str],
    status: int,
    line: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MYDOCKER_ROOT", f"{tmp_path}/root")
    monkeypatch.setenv("MYDOCKER_STATE", f"{tmp_path}/state")
    assert run(mydocker, words) == status
    errors = capsys.readouterr().err.splitlines()
    assert line is None or errors[0] == line
    assert all(text.startswith("hint: ") for text in errors[1:])
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["run", "-ti", "/bin/sh"], "hint: the image comes first: mydocker run busybox /bin/sh"),
        (["run"], "hint: mydocker run --help shows how"),
        (["network", "creat"], "hint: try: mydocker network --help"),
    ],
)
def test_what_a_newcomer_mistypes_has_a_hint(words: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(mydocker, ["--root", f"{tmp_path}/root", "--state", f"{tmp_path}/state", *words]) != 0
    assert capsys.readouterr().err.splitlines()[1] == hint


def test_roots_before_the_verb_do_not_change_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(mydocker, ["--root", f"{tmp_path}/r", "--state", f"{tmp_path}/s", "run", "--name", "a/b", "busybox"]) == 125


@pytest.mark.parametrize(("words", "status"), [(["volume", "create", "data"], 1), (["create", "--pull", "never", "busybox"], 125)])
def test_what_the_kernel_refuses_is_one_line(words: list[str], status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(mydocker, ["--root", f"{tmp_path}/file/root", *words]) == status
    assert len([line for line in capsys.readouterr().err.splitlines() if not line.startswith("hint: ")]) == 1


def test_an_error_of_the_kernel_names_its_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(session: Session) -> None:
        raise OSError(28, "No space left on device", "/data/file")

    monkeypatch.setattr(Group, "member", lambda group, name: Verb(full, name, [], True))
    assert run(mydocker, ["--root", f"{tmp_path}/root", "--state", f"{tmp_path}/state", "ps"]) == 1
    assert capsys.readouterr().err == "mydocker: /data/file: No space left on device\n"


def test_an_ordinary_user_is_told_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(session: Session) -> None:
        raise PermissionError(13, "Permission denied", "/var/lib/mydocker")

    monkeypatch.setattr(Group, "member", lambda group, name: Verb(denied, name, [], True))
    words = ["--root", f"{tmp_path}/root", "--state", f"{tmp_path}/state", "ps"]
    for user, hint in ((1000, "hint: mydocker needs root: sudo mydocker …\n"), (0, "")):
        monkeypatch.setattr("os.geteuid", lambda user=user: user)
        assert run(mydocker, words) == 1
        assert capsys.readouterr().err == f"mydocker: /var/lib/mydocker: Permission denied\n{hint}"
