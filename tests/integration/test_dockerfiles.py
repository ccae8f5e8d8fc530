"""Every Dockerfile of tests/data/dockerfiles gives the image that docker makes of it; dockerfiles.py says how that was recorded."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dockerfiles
import pytest
from conftest import Machine
from imagelines import described, files


class Collection:
    """The contexts and base images, made once for all files."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.place = Path(machine.directory, "collection")
        self.place.mkdir()
        dockerfiles.prepare(self.place)
        self._run("import", *dockerfiles.BASE_FLAGS, "base.tar", "base:1")
        for name in ["busybox:latest", *dockerfiles.bases()]:
            self._run("tag", "base:1", name)
        (self.place / "parent").write_text(dockerfiles.PARENT)
        self._run("build", "-q", "--network", "none", "-t", "onbuild-parent:1", "-f", "parent", "context")
        self.base = files(self._saved("base:1"))

    def _run(self, *words: str) -> None:
        result = self.machine.sh(f"cd collection && {{mydocker}} {' '.join(map(self.machine.quote, words))} < /dev/null")
        assert result.rc == 0, result.stderr

    def _saved(self, name: str) -> Path:
        path = self.place / "saved.tar"
        self._run("save", "-o", str(path), name)
        return path

    def made(self, name: str) -> list[str]:
        """Return the image that comes of a file."""
        self._run(*dockerfiles.command(name, "made:1"))
        return described(self._saved("made:1"), self.base)


@pytest.fixture(scope="module")
def collection(host: Any, program: str) -> Iterator[Collection]:
    """Images of its own, which nothing else uses: one look at what is left, after all files."""
    directory = tempfile.mkdtemp(prefix="mydocker-test-")
    machine = Machine(host, program, directory)
    before = machine.snapshot()
    yield Collection(machine)
    assert machine("ps", "-aq").stdout == "" and machine("system", "check").stdout == ""
    machine.sh("rm -rf root/* state/*")
    assert machine.left_since({**before, "files": {"root", "state"}}) == []
    shutil.rmtree(directory)


@pytest.mark.parametrize("name", dockerfiles.NAMES)
def test_the_image_is_dockers(collection: Collection, name: str) -> None:
    _, lines = dockerfiles.recorded(name)
    assert collection.made(name) == lines


def test_docker_still_makes_the_recorded_images(docker_client: str, tmp_path: Path) -> None:
    dockerfiles.prepare(tmp_path)
    dockers = dockerfiles.Dockers(docker_client.split(), tmp_path)
    for name, by, lines in dockerfiles.all_recorded(dockers, dockerfiles.NAMES, print):
        assert (by, lines) == dockerfiles.recorded(name), name


def test_the_collection_is_whole() -> None:
    assert len(dockerfiles.NAMES) >= 60
    by = [dockerfiles.recorded(name)[0] for name in dockerfiles.NAMES]
    assert sum(dockerfiles.BUILDKIT in who for who in by) >= 60
