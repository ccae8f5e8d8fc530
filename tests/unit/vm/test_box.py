"""vm/box/build: which box belongs to what; building one takes minutes and is `tox -e vagrant`'s."""

import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[3] / "vm/box/build"


def build(argument: str, cache: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return subprocess.run(
        [BUILD, argument], env={**os.environ, "XDG_CACHE_HOME": str(cache), **environment}, capture_output=True, text=True
    )


def test_a_box_has_one_place_and_version(tmp_path: Path) -> None:
    path, version = build("--where", tmp_path).stdout.split()
    assert path.startswith(f"{tmp_path}/mydocker-vm/") and path.endswith("/box.json")
    assert version.startswith("0.0.") and version[4:].isdigit()
    assert build("--where", tmp_path).stdout.split() == [path, version]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [{"SUITE": "trixie"}, {"CGROUP": "v2"}, {"CGROUP": "hybrid"}])
def test_another_release_or_cgroup_layout_is_another_box(tmp_path: Path, change: dict[str, str]) -> None:
    usual, other = build("--where", tmp_path), build("--where", tmp_path, **change)
    assert set(usual.stdout.split()).isdisjoint(other.stdout.split()) and other.returncode == 0


def test_a_box_that_is_there_is_not_built_again(tmp_path: Path) -> None:
    path = Path(build("--where", tmp_path).stdout.split()[0])
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert build("", tmp_path).stdout == f"{path}\n"


@pytest.mark.parametrize(
    "argument, environment, message",
    [
        ("--where", {"CGROUP": "v3"}, "box: unknown cgroup layout 'v3': expected v1, hybrid or v2\n"),
        ("all", {}, "box: unknown argument 'all': expected --where, --needs or nothing\n"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, argument: str, environment: dict[str, str], message: str) -> None:
    result = build(argument, tmp_path, **environment)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", message)
