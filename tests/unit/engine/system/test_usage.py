"""What takes how much of the disk."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run
from mydocker.engine.catalog import images
from mydocker.engine.container.snapshots import CommitOptions, commit
from mydocker.engine.record.sizes import tree_size
from mydocker.engine.system import usage
from mydocker.images.reference import parse_name
from mydocker.paths import Paths
from mydocker.steps.base import Run
from mydocker.storage.drivers import driver

if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from tests.unit.conftest import MakeRecord


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Two images of one layer each, and 'again', which is the first under one more name."""
    for name, size in (("big", 100_000), ("small", 1000)):
        with tarfile.open(tmp_path / name, "w") as tar:
            member = tarfile.TarInfo(name)
            member.size = size
            tar.addfile(member, io.BytesIO(os.urandom(size)))
        assert run(mydocker, ["--root", f"{tmp_path}/root", "import", f"{tmp_path}/{name}", name]) == 0
    assert run(mydocker, ["--root", f"{tmp_path}/root", "tag", "big", "again"]) == 0
    return Paths(f"{tmp_path}/root", f"{tmp_path}/state")


@pytest.fixture
def container(paths: Paths, save_record: MakeRecord) -> MakeRecord:
    """Return a function that writes a container of an image, with a file of 5000 bytes."""

    def make(image: str, **more: Any) -> Record:
        record = save_record(paths, imageId=images.find(paths, image).id, **more)
        os.makedirs(f"{paths.container(record['id'])}/upper")
        Path(f"{paths.container(record['id'])}/upper/file").write_bytes(bytes(5000))
        return record

    return make


def test_a_tree_counts_hard_links_once_and_symlinks_as_links(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_bytes(bytes(100))
    os.link(tmp_path / "a/b/file", tmp_path / "a/link")
    os.symlink("b/file", tmp_path / "a/symlink")
    assert tree_size(str(tmp_path / "a")) == 106
    assert tree_size(str(tmp_path / "gone")) == 0


def test_images_and_what_nobody_needs_of_them(paths: Paths, container: MakeRecord) -> None:
    everything = usage.Images(paths).share()
    assert (everything.total, everything.active) == (2, 0)
    assert 101_000 < everything.size == everything.reclaimable < 105_000
    container("small")
    some = usage.Images(paths).share()
    assert (some.total, some.active, some.size) == (2, 1, everything.size)
    assert 100_000 < some.reclaimable < 103_000


def test_a_shared_layer_counts_once(paths: Paths, container: MakeRecord) -> None:
    """A child image made by commit has its parent's layer and one of its own."""
    record = container("big", config={"Cmd": ["x"]})
    options = CommitOptions(message="more")
    commit(paths, driver("overlay", paths), record, parse_name("child"), options, Run("test", None))
    found = usage.Images(paths)
    big, child = (images.find(paths, name) for name in ("big", "child"))
    assert found.unique(big) < 2000 < 100_000 < found.size(big) < found.size(child)
    assert found.share().size < found.size(big) + found.size(child)


def test_containers(paths: Paths, container: MakeRecord) -> None:
    container("small")
    share = usage.of_containers(paths)
    assert (share.total, share.active, share.size, share.reclaimable) == (1, 0, 5000, 5000)


def test_volumes(paths: Paths, container: MakeRecord) -> None:
    for name in ("used", "free"):
        assert run(mydocker, ["--root", paths.root, "volume", "create", name]) == 0
        Path(f"{paths.volumes}/{name}/_data/file").write_bytes(bytes(300))
    container("small", mounts=[{"type": "volume", "name": "used", "destination": "/data"}])
    share = usage.of_volumes(paths)
    assert (share.kind, share.total, share.active, share.size, share.reclaimable) == ("Local Volumes", 2, 1, 600, 300)
