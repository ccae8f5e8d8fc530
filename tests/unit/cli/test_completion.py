"""What a shell is offered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.cli.completion import VARIABLE, complete
from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_record: MakeRecord) -> Path:
    monkeypatch.setenv("MYDOCKER_ROOT", f"{tmp_path}/root")
    assert run(mydocker, ["volume", "create", "database"]) == 0
    save_record(Paths(f"{tmp_path}/root"), name="webserver")
    (tmp_path / "root/containers/half-made").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mydocker vol", {"volume"}),
        ("mydocker container pau", {"pause"}),
        ("mydocker rename --dry", {"--dry-run"}),
        ("mydocker stop w", {"webserver"}),
        ("mydocker container stop w", {"webserver"}),
        ("mydocker stop x", set()),
        ("mydocker volume rm d", {"database"}),
        ("mydocker run no", set()),
        ("mydocker run --network br", {"bridge"}),
        ("mydocker run -d --net br", {"bridge"}),
        ("mydocker create --volumes-from w", {"webserver"}),
        ("mydocker run --memory w", set()),
        ("mydocker run --name w", set()),
        ("mydocker run --pull n", {"never"}),
        ("mydocker ps --filter w", set()),
        ("mydocker learn sh", {"shell", "show"}),
        ("mydocker learn check 18", {"18"}),
        ("mydocker learn --lang z", {"zh"}),
    ],
)
def test_words(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, expected: set[str]) -> None:
    capsys.readouterr()
    monkeypatch.setenv(VARIABLE, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    assert complete(mydocker) == 0
    assert {word.partition(",")[2] for word in capsys.readouterr().out.split()} == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert run(mydocker, ["completion", shell]) == 0
    assert f"{VARIABLE}={shell}_complete" in capsys.readouterr().out


def test_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(mydocker, ["completion", "csh"]) == 1
    assert "'csh'" in capsys.readouterr().err
