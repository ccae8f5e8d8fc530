"""Clients of docker's API, where they are installed or vm/clients.sh has brought them to MYDOCKER_CLIENTS, and compose with a project.

With `--reference docker` a test that asks for `compose` is executed for dockerd, too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # conftest.py imports this
    from conftest import Machine

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
    """docker-compose in a project's directory. machine: mydocker, or dockerd in its place (services.Reference)"""

    def __init__(self, machine: Machine, address: str, program: str) -> None:
        self.machine = machine
        self.program = program
        self.version = _version(program)
        self.major = int(self.version.partition(".")[0])
        self.place = Path(machine.directory, "project")
        self._begun: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "DOCKER_HOST": address,
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
        process = subprocess.Popen(
            [self.program, *words], cwd=self.place, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._begun.append(process)
        return process

    def end(self) -> None:
        """Remove all that belongs to the project, and end what a test has begun that failed meanwhile."""
        for process in self._begun:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if not self.place.exists():
            return
        down = self.run("down", "-v", "-t", "0", "--rmi", "local", "--remove-orphans")
        self.machine("builder", "prune", "-f")
        assert down.returncode == 0, down.stderr


# The versions that are tried: the distribution's first one, a second one, and the newest that vm/clients.sh has brought.
_VERSIONS = ("1", "2", "newest")


def composes(with_dockerd: bool) -> list[tuple[str, str]]:
    """Return (version, engine) of each docker-compose that a test is executed with."""
    return [(version, engine) for engine in ("mydocker", "dockerd")[: 1 + with_dockerd] for version in _VERSIONS]


@cache
def _version(program: str) -> str:
    return subprocess.run([program, "version", "--short"], check=True, capture_output=True, text=True).stdout.strip()


def _program(version: str) -> str:
    """Return the path of a docker-compose; skip the test where it is not there."""
    if version == "newest":
        return brought("newest/docker-compose")
    if version == "2":
        return plugin("docker-compose")
    found = shutil.which("docker-compose")
    if not found or not _version(found).startswith("1."):
        pytest.skip("docker-compose 1 is not installed")
    return found


@pytest.fixture
def compose(request: pytest.FixtureRequest, mydocker: Machine) -> Iterator[Compose]:
    """docker-compose of each version on each engine (composes()), with a project that is removed at the end."""
    version, engine = request.param
    program = _program(version)
    if engine == "dockerd":
        from services import Reference  # it imports what imports this module

        daemon = request.getfixturevalue("dockerd")
        made = Compose(Reference(mydocker, daemon), daemon.address, program)
    else:
        made = Compose(mydocker, request.getfixturevalue("service").address, program)
    yield made
    made.end()


@pytest.fixture
def compose2(compose: Compose) -> Compose:
    """docker-compose 2 and later, for what the first one does not have."""
    if compose.major == 1:
        pytest.skip("compose 1 does not have this")
    return compose
