"""Clients of docker's API, where they are installed or vm/clients.sh has brought them to MYDOCKER_CLIENTS, and compose with a project."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # conftest.py imports this
    from conftest import Machine
    from services import Service

CLIENTS = Path(os.environ.get("MYDOCKER_CLIENTS", "/nonexistent"))
# The distribution's own client, not that of another version which PATH may have first.
DOCKER = "/usr/bin/docker"
_PATIENCE = 100 * float(os.environ.get("MYDOCKER_TEST_TIMEOUT_FACTOR", "1"))
# Where packages put the plugins of docker's client that compose 2 and buildx are; each is a program of its own, too.
_PLUGINS = ("/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins", f"{CLIENTS}/bin")


def brought(path: str) -> str:
    """Return the path of a client below MYDOCKER_CLIENTS; skip the test where it is not there."""
    if not (CLIENTS / path).exists():
        pytest.skip(f"{path} is not below MYDOCKER_CLIENTS={CLIENTS}: vm/clients.sh brings it to a directory")
    return str(CLIENTS / path)


def plugin(name: str) -> str:
    """Return the path of a plugin of docker's client; skip the test where it is not installed."""
    found = [f"{directory}/{name}" for directory in _PLUGINS if os.path.exists(f"{directory}/{name}")]
    return found[0] if found else brought(f"bin/{name}")


def dockers() -> list[str]:
    """Return the paths of all clients of docker's that are here, the distribution's own first."""
    paths = [DOCKER, *(shutil.which("docker", path=each) for each in os.environ.get("PATH", "").split(":")), f"{CLIENTS}/bin/docker"]
    return list({os.path.realpath(path): path for path in paths if path and os.path.exists(path)}.values())


class Compose:
    """docker-compose in a project's directory."""

    def __init__(self, machine: Machine, service: Service, program: str, major: int) -> None:
        self.machine = machine
        self.service = service
        self.program = program
        self.major = major
        self.place = Path(machine.directory, "project")
        self.environment = {
            **os.environ,
            "DOCKER_HOST": service.address,
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CONFIG": f"{machine.directory}/client",
            "COMPOSE_ANSI": "never",
        }

    def write(self, files: dict[str, str]) -> None:
        """Write the project's files."""
        for name, text in files.items():
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def __call__(self, *words: str) -> str:
        """Run a verb that has to succeed, and return what it prints."""
        found = self.run(*words)
        assert found.returncode == 0, found.stderr
        return found.stdout

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a verb."""
        return subprocess.run(
            [self.program, *words], cwd=self.place, env=self.environment, capture_output=True, text=True, timeout=_PATIENCE
        )

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Begin a verb that goes on until it is ended."""
        return subprocess.Popen(
            [self.program, *words], cwd=self.place, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def end(self) -> None:
        """Remove all that belongs to the project."""
        if not self.place.exists():
            return
        down = self.run("down", "-v", "-t", "0", "--rmi", "local", "--remove-orphans")
        self.machine("builder", "prune", "-f")
        assert down.returncode == 0, down.stderr


@pytest.fixture(params=[1, 2])
def compose(request: pytest.FixtureRequest, mydocker: Machine, service: Service) -> Iterator[Compose]:
    """docker-compose in each of its major versions, with a project that is removed at the end."""
    found = shutil.which("docker-compose") if request.param == 1 else plugin("docker-compose")
    if not found:
        pytest.skip("docker-compose 1 is not installed")
    made = Compose(mydocker, service, found, request.param)
    yield made
    made.end()


@pytest.fixture
def compose2(compose: Compose) -> Compose:
    """docker-compose 2, for what the first one does not have."""
    if compose.major == 1:
        pytest.skip("compose 1 does not have this")
    return compose
