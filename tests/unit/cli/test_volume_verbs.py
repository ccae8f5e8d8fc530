"""volume create, ls, rm, inspect and prune as users see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run


class Command:
    """mydocker volume, with a root of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str, status: int = 0) -> str:
        assert run(mydocker, ["volume", *words]) == status
        captured = self.capsys.readouterr()
        self.err = captured.err
        return captured.out


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("MYDOCKER_ROOT", f"{tmp_path}/root")
    return Command(capsys)


def test_create_and_list(volume: Command) -> None:
    assert volume("ls") == "DRIVER    VOLUME NAME\n"
    assert volume("create", "data") == "data\n"
    assert volume("create", "data") == "data\n"
    anonymous = volume("create").strip()
    assert len(anonymous) == 64
    assert volume("ls", "-q").split() == sorted(["data", anonymous])
    assert volume("list").splitlines()[0] == "DRIVER    VOLUME NAME"
    assert "local     data" in volume("ls").splitlines()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["name=dat"], ["data", "database"]),
        (["name=base", "name=other"], ["database", "other"]),
        (["label=k"], ["data", "other"]),
        (["label=k=v"], ["data"]),
        (["label=k", "label=x"], ["other"]),
        (["dangling=true"], ["data", "database", "other"]),
        (["dangling=false"], []),
        (["name=dat", "label=k"], ["data"]),
    ],
)
def test_filters(volume: Command, filters: list[str], expected: list[str]) -> None:
    volume("create", "--label", "k=v", "data")
    volume("create", "database")
    volume("create", "--label", "k=w", "--label", "x", "other")
    assert volume("ls", "-q", *(word for text in filters for word in ("-f", text))).split() == expected


@pytest.mark.parametrize("text", ["bogus=1", "dangling=maybe", "name"])
def test_a_bad_filter(volume: Command, text: str) -> None:
    volume("create", "data")
    volume("ls", "-f", text, status=1)
    assert volume.err.startswith(f"mydocker: invalid filter '{text}': expected ")


def test_inspect(volume: Command, tmp_path: Path) -> None:
    volume("create", "--label", "k=v", "data")
    [found] = json.loads(volume("inspect", "data"))
    assert found.pop("CreatedAt").startswith("20")
    assert found == {
        "Driver": "local",
        "Labels": {"k": "v"},
        "Mountpoint": f"{tmp_path}/root/volumes/data/_data",
        "Name": "data",
        "Options": {},
        "Scope": "local",
    }


def test_the_others_are_done_where_one_is_missing(volume: Command) -> None:
    volume("create", "one")
    volume("create", "two")
    assert [found["Name"] for found in json.loads(volume("inspect", "one", "nosuch", "two", status=1))] == ["one", "two"]
    assert volume("rm", "one", "nosuch", "two", status=1) == "one\ntwo\n"
    assert volume.err == "mydocker: no such volume: nosuch\n"
    assert volume("rm", "-f", "nosuch") == "nosuch\n"


@pytest.mark.parametrize("name", ["x", "../x", ".x", "a b", ""])
def test_a_bad_name(volume: Command, name: str) -> None:
    assert volume("create", "--", name, status=1) == ""
    assert volume.err.startswith(f"mydocker: invalid name {name!r}")


def test_prune(volume: Command, tmp_path: Path) -> None:
    volume("create", "named")
    anonymous = volume("create").strip()
    (tmp_path / f"root/volumes/{anonymous}/_data/file").write_bytes(b"x" * 1500)
    assert volume("prune", "-f") == f"Deleted Volumes:\n{anonymous}\n\nTotal reclaimed space: 1.5kB\n"
    assert volume("prune", "-f") == "Total reclaimed space: 0B\n"
    assert volume("prune", "-f", "-a") == "Deleted Volumes:\nnamed\n\nTotal reclaimed space: 0B\n"


def test_prune_asks(volume: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    volume("create")
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    volume("prune")
    assert len(volume("ls", "-q").split()) == 1


def test_dry_run_changes_nothing_and_says_what_would_be_done(volume: Command, tmp_path: Path) -> None:
    path = f"{tmp_path}/root/volumes/data"
    assert (
        volume("create", "--dry-run", "data").splitlines()[-1] == f"cli      rename volume data to {path}, unless there is one of that name"
    )
    assert volume("ls", "-q") == ""
    volume("create", "data")
    assert volume("rm", "--dry-run", "data") == f"cli      remove volume {path}\n"
    assert volume("prune", "-a", "--dry-run") == f"cli      remove volume {path}\n"
    assert volume("rm", "--explain=sh", "--dry-run", "data") == f"rm -rf {path}\n"
    assert volume("ls", "-q") == "data\n"
