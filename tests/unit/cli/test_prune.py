"""image prune and system prune, without containers that run."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run

Call = Callable[..., str]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command line on a root with two images, one nameless; return what it prints."""
    monkeypatch.setenv("MYDOCKER_ROOT", f"{tmp_path}/root")
    monkeypatch.setenv("MYDOCKER_STATE", f"{tmp_path}/state")

    def words(*arguments: str) -> str:
        assert run(mydocker, list(arguments)) == 0
        return capsys.readouterr().out

    for name in (["kept"], []):
        with tarfile.open(tmp_path / "tar", "w") as tar:
            member = tarfile.TarInfo("file")
            member.size = 50_000
            tar.addfile(member, io.BytesIO(os.urandom(50_000)))
        words("import", "-c", "LABEL tier=db", f"{tmp_path}/tar", *name)
    return words


def test_nameless_images_go(call: Call) -> None:
    nameless = call("images", "-q", "--no-trunc", "--filter", "dangling=true").strip()
    first, *lines, blank, last = call("image", "prune", "-f").splitlines()
    assert (first, blank) == ("Deleted Images:", "")
    assert f"deleted: {nameless}" in lines
    assert last.startswith("Total reclaimed space: 5")
    assert call("images", "--format", "{{.Repository}}") == "kept\n"
    assert call("image", "prune", "-f") == "Total reclaimed space: 0B\n"


def test_all_of_them(call: Call) -> None:
    assert "untagged: kept:latest" in call("image", "prune", "-af").splitlines()
    assert call("images", "-q") == ""


def test_only_those_with_a_label(call: Call) -> None:
    assert call("image", "prune", "-af", "--filter", "label=tier=web") == "Total reclaimed space: 0B\n"
    assert call("image", "prune", "-af", "--filter", "label!=tier") == "Total reclaimed space: 0B\n"
    assert len(call("images", "-q").split()) == 2


def test_a_dry_run_only_tells(call: Call) -> None:
    assert call("image", "prune", "-a", "--dry-run").count("cli ") >= 2
    assert len(call("images", "-q").split()) == 2


def test_what_happens_to_images_is_told(call: Call) -> None:
    call("tag", "kept", "other:1")
    call("rmi", "--dry-run", "other:1")
    call("rmi", "other:1")
    call("rmi", "kept")
    line = '{{.Action}} {{index .Actor.Attributes "name"}}'
    told = call("events", "--since", "1m", "--until", "0s", "--filter", "type=image", "--format", line)
    assert re.sub("sha256:[0-9a-f]{64}", "ID", told).splitlines() == [
        "import kept:latest",
        "import ID",
        "tag other:1",
        "untag other:1",
        "untag kept:latest",
        "delete ID",
    ]


def test_it_asks(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("click.confirm", lambda text: asked.append(text))
    assert call("image", "prune") == call("system", "prune", "--volumes") == ""
    assert asked[0] == "WARNING! This removes all nameless images that no container was made from. Go on?"
    assert asked[1].count("  - ") == 5


def test_the_whole_system(call: Call) -> None:
    anonymous = call("volume", "create").strip()
    call("volume", "create", "named")
    text = call("system", "prune", "-f")
    assert "Deleted Volumes" not in text
    assert "Deleted Images:" in text
    assert anonymous in call("system", "prune", "-f", "--volumes")
    assert call("volume", "ls", "-q") == "named\n"
    kinds = [line.split()[1:3] for line in call("events", "--since", "1m", "--until", "0s", "--filter", "event=prune").splitlines()]
    without = [[kind, "prune"] for kind in ("container", "network", "image", "builder")]
    assert kinds == [*without, *without[:2], ["volume", "prune"], *without[2:]]
