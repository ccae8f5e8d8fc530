"""vm/boxpackages.py: what the box needs is named before anything begins."""

from pathlib import Path

import boxpackages
import pytest


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The description of a box that is not built. Its packages are `there` and `gone`."""
    build, query = tmp_path / "build", tmp_path / "dpkg-query"
    build.write_text(f'#!/bin/sh\n[ "$1" = --needs ] && echo there gone || echo {tmp_path}/box.json 1\n')
    query.write_text('#!/bin/sh\n[ "$4" = there ] && printf "install ok installed"\n')
    for path in (build, query):
        path.chmod(0o755)
    monkeypatch.setattr(boxpackages, "BUILD", build)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "box.json"


def test_what_is_missing_for_the_box(box: Path) -> None:
    assert boxpackages.missing() == ["gone"]


def test_a_box_that_is_there_needs_nothing(box: Path) -> None:
    box.touch()
    assert boxpackages.missing() == []
