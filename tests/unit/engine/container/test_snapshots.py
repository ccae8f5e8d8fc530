"""commit: which config, which layer, which history."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.catalog import images, verbs
from mydocker.engine.container import snapshots
from mydocker.engine.container.snapshots import CommitOptions
from mydocker.errors import NotFound, Unsupported
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import parse_name
from mydocker.storage.base import StorageDriver
from mydocker.storage.whiteouts import Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.paths import Paths
    from mydocker.steps.base import Run

    Make = Callable[..., str]
    MakeContainer = Callable[..., dict[str, object]]


def members(paths: Paths, image: images.Image) -> list[str]:
    blob = Path(ImageLayout(paths.images).blob(image.layers[-1]["digest"])).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob))) as tar:
        return tar.getnames()


def test_commit(paths: Paths, driver: object, run: Run, make_image: Make, make_container: MakeContainer) -> None:
    base = images.find(paths, make_image("base", "x", "ENV A=b"))
    record = make_container(base.id, base.chain_ids, Env=["A=b", "C=d"], Cmd=["sh", "-c", "x"], Tty=True)
    record["mounts"] = [{"type": "volume", "destination": "/data"}]
    upper = Path(paths.container(str(record["id"])), "upper")
    (upper / "new").write_text("x")
    for mount_point in ("data", "proc"):
        (upper / mount_point).mkdir()
    options = CommitOptions(changes=["USER app"], author="me", message="why")
    image_id = snapshots.commit(paths, driver, record, parse_name("child"), options, run)  # type: ignore[arg-type]
    child = images.find(paths, "child")
    assert child.id == image_id
    assert child.config == {"User": "app", "Env": ["A=b", "C=d"], "Cmd": ["sh", "-c", "x"]}
    assert child.chain_ids[1:] == base.chain_ids
    assert child.document["author"] == "me"
    assert child.document["history"][:-1] == base.document["history"]
    assert child.document["history"][-1] == {"created": child.created, "created_by": "sh -c x", "author": "me", "comment": "why"}
    assert members(paths, child) == ["new"]
    assert child.size == base.size + 10240


def test_commit_without_changes_adds_no_layer(
    paths: Paths, driver: object, run: Run, make_image: Make, make_container: MakeContainer
) -> None:
    base = images.find(paths, make_image("base"))
    record = make_container(base.id, base.chain_ids)
    snapshots.commit(paths, driver, record, parse_name("child"), CommitOptions(), run)  # type: ignore[arg-type]
    child = images.find(paths, "child")
    assert child.chain_ids == base.chain_ids
    assert child.document["history"][-1] == {"created": child.created, "empty_layer": True}
    # One layer, and a manifest and a config each.
    assert len(os.listdir(paths.images + "/blobs/sha256")) == 5


def test_a_layer_more_than_the_driver_can_mount_is_not_made(
    paths: Paths, driver: StorageDriver, run: Run, make_image: Make, make_container: MakeContainer
) -> None:
    base = images.find(paths, make_image("base"))
    record = make_container(base.id, base.chain_ids)
    driver.most_layers = 1  # type: ignore[misc]  # PlainDriver has no slots
    with pytest.raises(Unsupported, match=r"^plain: 2 layers are more than the 1 that it can mount"):
        snapshots.commit(paths, driver, record, parse_name("child"), CommitOptions(), run)  # type: ignore[arg-type]
    assert [image.id for image in images.all_images(paths)] == [base.id]


def test_commit_of_a_container_whose_image_is_gone(paths: Paths, driver: object, run: Run, make_container: MakeContainer) -> None:
    record = make_container("0" * 64)
    with pytest.raises(NotFound, match="no such image"):
        snapshots.commit(paths, driver, record, None, CommitOptions(), run)  # type: ignore[arg-type]


def test_the_child_outlives_its_base(paths: Paths, driver: object, run: Run, make_image: Make, make_container: MakeContainer) -> None:
    base = images.find(paths, make_image("base"))
    record = make_container(base.id, base.chain_ids)
    Path(paths.container(str(record["id"])), "upper/new").write_text("x")
    snapshots.commit(paths, driver, record, parse_name("child"), CommitOptions(), run)  # type: ignore[arg-type]
    verbs.remove(paths, [driver], "base", True, run)  # type: ignore[list-item]
    child = images.find(paths, "child")
    images.ensure_layers(paths, driver, child, run)  # type: ignore[arg-type]
    assert [driver.has(chain_id) for chain_id in child.chain_ids] == [True, True]  # type: ignore[attr-defined]


class ManyChanges(StorageDriver):
    """A storage driver whose containers have changed 50,000 files."""

    def changes(self, directory: str, layers: list[str]) -> list[Change]:
        files = [Change(kind="A", path=f"/d/f{number}") for number in range(50_000)]
        return [Change(kind="C", path="/d"), *files, Change(kind="C", path="/mnt"), Change(kind="A", path="/mnt/data")]

    def layer(self, chain_id: str) -> str:
        return f"/nowhere/{chain_id}"


@pytest.mark.timeout(30)
def test_many_changes_take_no_longer_each_than_few(paths: Paths, make_container: MakeContainer) -> None:
    """To look through all of them for each of them took minutes."""
    record = make_container("0" * 64, [])
    record["mounts"] = [{"type": "volume", "destination": "/mnt/data"}]
    os.makedirs(paths.container(str(record["id"])) + "/upper/mnt")
    found = snapshots.changes(paths, ManyChanges(""), record)  # type: ignore[arg-type]
    assert len(found) == 50_002
    assert [each.path for each in found if each.kind == "C"] == ["/d", "/mnt"]
