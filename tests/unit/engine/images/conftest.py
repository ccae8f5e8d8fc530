"""A root of its own, a storage driver that keeps layers as plain directories, and images made of small tars."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker import store
from mydocker.engine import imagestore, state
from mydocker.engine.imagestore import ImportOptions
from mydocker.images.reference import parse_name
from mydocker.paths import Paths
from mydocker.steps.base import Run
from mydocker.storage.unpack import unpack
from mydocker.storage.whiteouts import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO


class PlainDriver:
    """Unpacks into a directory; a container's changes are the files in DIRECTORY/upper."""

    name = "plain"

    def __init__(self, layers: str) -> None:
        self.layers = layers
        self.applied: list[tuple[str, list[str]]] = []

    def layer(self, chain_id: str) -> str:
        return f"{self.layers}/{chain_id}"

    def has(self, chain_id: str) -> bool:
        return os.path.isdir(self.layer(chain_id))

    def apply(self, chain_id: str, parents: list[str], stream: BinaryIO, max_size: int | None = None) -> None:
        os.mkdir(self.layer(chain_id) + ".partial")
        unpack(stream, self.layer(chain_id) + ".partial", PLAIN, max_size)
        while stream.read(1 << 16):
            pass
        os.rename(self.layer(chain_id) + ".partial", self.layer(chain_id))
        self.applied.append((chain_id, parents))

    def remove_layer(self, chain_id: str) -> None:
        shutil.rmtree(self.layer(chain_id))

    def diff(self, directory: str, layers: list[str], stream: BinaryIO, exclude: set[str]) -> None:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            for path in sorted(Path(directory, "upper").rglob("*")):
                inside = path.relative_to(f"{directory}/upper")
                if f"/{inside}" not in exclude:
                    tar.add(path, inside, recursive=False)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(root=f"{tmp_path}/root", state=f"{tmp_path}/state")


@pytest.fixture
def driver(paths: Paths) -> PlainDriver:
    os.makedirs(paths.layers + "/plain")
    return PlainDriver(paths.layers + "/plain")


@pytest.fixture
def run() -> Run:
    return Run("cli")


@pytest.fixture
def make_image(paths: Paths, run: Run) -> Callable[..., str]:
    """Return make(name, content, changes) → id of an image of one file, /file, with that content."""

    def make(name: str | None, content: str = "x", *changes: str) -> str:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            member = tarfile.TarInfo("file")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
        archive.seek(0)
        stdin = io.BufferedReader(archive)  # type: ignore[arg-type]
        return imagestore.import_image(paths, "-", stdin, parse_name(name) if name else None, ImportOptions(changes), run)

    return make


@pytest.fixture
def make_container(paths: Paths) -> Callable[..., dict[str, object]]:
    """Return make(image id, layers, config) → record of a stopped container; `running=True` gives it runtime state."""

    def make(image_id: str, layers: list[str] | None = None, running: bool = False, **config: object) -> dict[str, object]:
        record = {"id": os.urandom(32).hex(), "imageId": image_id, "layers": layers or [], "config": config, "mounts": []}
        directory = paths.container(str(record["id"]))
        os.makedirs(directory + "/upper")
        store.write_json(directory + "/config.json", record)
        if running:
            os.makedirs(paths.running(str(record["id"])))
            state.save(paths, str(record["id"]), os.getpid(), "")
        return record

    return make
