"""A dockerd of the tests' own, and the running of lines through it, for what compares mydocker with docker."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))

from tools import Docker as Docker  # for those who ask for a daemon
from tools import Scratch, remove_cgroups

# What one line did: status, standard output, whether it wrote to standard error.
Result = tuple[int, str, bool]

MASKS = [
    (r"(sha256:)?\b[0-9a-f]{64}\b", "ID"),
    (r"\b[0-9a-f]{12}\b", "ID"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \w+", "TIME"),
    (r"Less than a second|About a minute|\d+ (second|minute)s?", "SPAN"),
    (r"\b\d+(\.\d+)?([kKMGT]i?)?B\b", "SIZE"),
    (r"\b\d+\.\d\d%", "PERCENT"),
    (r"= [\d./]+ ms", "= TIMES"),
    (r"  +", "  "),
]


def masked(text: str) -> str:
    """Return a text without what differs from one run to the next."""
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.fixture(scope="session")
def dockerd(request: pytest.FixtureRequest) -> Iterator[Docker]:
    """A daemon that was started for these tests and has the image."""
    if request.config.getoption("--reference") != "docker":
        pytest.skip("compares with docker: give --reference docker")
    place = tempfile.mkdtemp(prefix="reference-")
    tool = Docker(Scratch(place))
    try:
        reason = tool.unusable()
        if reason:
            pytest.skip(f"docker does not work here: {reason}")
        yield tool
    finally:
        tool.stop()
        shutil.rmtree(place)
        remove_cgroups()


@pytest.fixture(scope="session")
def docker_client(dockerd: Docker) -> str:
    """The words of that daemon's client."""
    return " ".join(dockerd.words)


FUNCTION = """docker() {{
    {words} "$@"
}}
"""
CLEANING = """docker ps -aq | while read -r id; do docker rm -fv $id; done
docker network ls -q --filter type=custom | while read -r id; do docker network rm $id; done
docker volume ls -q | while read -r id; do docker volume rm $id; done
docker images --format '{{.Repository}}:{{.Tag}} {{.ID}}' | while read -r name id; do
    case $name in busybox:latest) ;; *:*none*) docker rmi -f $id ;; *) docker rmi -f $name ;; esac
done
docker builder prune -af"""


class Tool:
    """One of the two: runs a scenario's lines, each in a shell of its own, all in one empty directory."""

    def __init__(self, host: Any, words: str) -> None:
        self.host = host
        self.function = FUNCTION.format(words=words)

    def run(self, line: str, place: str) -> Any:
        return self.host.run(f"cd {place}\n{self.function}exec < /dev/null\n{line}")

    def results(self, lines: list[str]) -> list[Result]:
        """Run a scenario's lines and leave nothing of them."""
        place = tempfile.mkdtemp(prefix="reference-")
        try:
            found = [self.run(line.removeprefix("~ "), place) for line in lines]
        finally:
            self.run(CLEANING, "/")
            if any("prune" in line for line in lines):
                self.run("docker run --rm busybox true", "/")  # it needs the default network, which prune takes down here
            shutil.rmtree(place)
        return [(each.rc, masked(each.stdout), bool(each.stderr)) for each in found]
