"""A container's config.json, as it is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.engine.record import bundle
from mydocker.errors import Damaged
from mydocker.paths import Paths

ID = "a" * 64


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Paths with a container's directory."""
    paths = Paths(root=str(tmp_path), state=str(tmp_path / "state"))
    Path(bundle.path(paths, ID)).parent.mkdir(parents=True)
    return paths


def test_what_is_missing_has_its_default(paths: Paths) -> None:
    Path(bundle.path(paths, ID)).write_text('{"process": {"args": ["sh"]}, "linux": {"moon": 1}}')
    spec = bundle.load(paths, ID)
    assert (spec["process"]["args"], spec["process"]["user"], spec["mounts"]) == (["sh"], {"uid": 0, "gid": 0}, [])
    bundle.save(paths, ID, spec, sync=False)
    assert bundle.load(paths, ID) == spec
    assert spec["linux"]["moon"] == 1  # type: ignore[typeddict-item]


def test_what_is_damaged_is_named(paths: Paths) -> None:
    Path(bundle.path(paths, ID)).write_text('{"linux": {"namespaces": [{}]}}')
    with pytest.raises(Damaged) as caught:
        bundle.load(paths, ID)
    assert caught.value.message == f"{bundle.path(paths, ID)}: linux.namespaces[0].type is missing"
