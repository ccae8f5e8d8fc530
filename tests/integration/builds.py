"""Dockerfiles and their contexts, for the tests of build, and the check that a build has left nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class Builds:
    """Dockerfiles, their contexts and what comes of them, in a directory of the test's."""

    def __init__(self, mydocker: Any) -> None:
        self.mydocker = mydocker
        mydocker.sh("mkdir -p ctx")

    def file(self, path: str, text: str) -> None:
        """Write a file of the context."""
        self.mydocker.sh(f"mkdir -p $(dirname ctx/{path}) && cat > ctx/{path} <<'END_OF_FILE'\n{text}\nEND_OF_FILE")

    def __call__(self, dockerfile: str, *flags: str, rc: int = 0) -> Any:
        """Build; the image is called made:1."""
        self.file("Dockerfile", dockerfile)
        result = self.mydocker("build", "-t", "made:1", "--network", "none", *flags, "ctx")
        assert result.rc == rc, (result.stdout, result.stderr)
        return result

    def run(self, script: str, *flags: str) -> str:
        """Return what a shell script prints in a container of the image."""
        result = self.mydocker("run", "--rm", "--network", "none", *flags, "--entrypoint", "sh", "made:1", "-c", script)
        assert result.rc == 0, result.stderr
        return str(result.stdout)

    def inspect(self, name: str = "made:1") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.mydocker("image", "inspect", name).stdout)[0]
        return found


@pytest.fixture
def build(mydocker: Any) -> Iterator[Builds]:
    index, caches = Path(mydocker.directory, "root/images/index.json"), Path(mydocker.directory, "root/caches")
    before = index.read_bytes()
    yield Builds(mydocker)
    assert mydocker("ps", "-aq").stdout == ""
    assert mydocker("system", "check").stdout == ""
    if index.read_bytes() == before and not caches.exists():
        return  # half of the tests build nothing
    names = mydocker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    mydocker("rmi", "-f", *(name for name in names if not name.startswith(("busybox:", "<none>"))))
    mydocker("image", "prune", "-f")
    mydocker("builder", "prune", "-f")
    assert len(json.loads(index.read_text())["manifests"]) == 1
