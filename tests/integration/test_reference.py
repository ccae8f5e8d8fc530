"""The same command lines through docker, through mydocker, and through docker's client on our service: `--reference docker`.

tests/data/reference/*.txt has the scenarios: a line `== NAME`, then shell command lines in which `docker` is the tool that is tested.
A line that begins with ~ is executed and not compared: docs/differences.md says why.
Each scenario starts from nothing but the image busybox, in an empty directory. Of each line, standard output (with ids, times and sizes
masked), exit status and whether anything was said on standard error must be the same.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "tests/bench"))

from services import Service  # noqa: E402
from tools import Docker, Scratch  # noqa: E402

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


def scenarios() -> Iterator[Any]:
    """Yield every scenario's command lines."""
    for path in sorted((REPOSITORY / "tests/data/reference").glob("*.txt")):
        for part in path.read_text().split("== ")[1:]:
            name, *lines = part.splitlines()
            yield pytest.param([line for line in lines if line], id=f"{path.stem}: {name}")


@pytest.fixture(scope="session")
def docker_client(request: pytest.FixtureRequest) -> Iterator[str]:
    """The words of a client whose daemon was started for these tests and has the image."""
    if request.config.getoption("--reference") != "docker":
        pytest.skip("compares with docker: give --reference docker")
    place = tempfile.mkdtemp(prefix="reference-")
    tool = Docker(Scratch(place))
    try:
        reason = tool.unusable()
        if reason:
            pytest.skip(f"docker does not work here: {reason}")
        yield " ".join(tool.words)
    finally:
        tool.stop()
        shutil.rmtree(place)


FUNCTION = """docker() {{
    {words} "$@"
}}
"""
CLEANING = """docker ps -aq | while read -r id; do docker rm -fv $id; done
docker network ls -q --filter type=custom | while read -r id; do docker network rm $id; done
docker volume ls -q | while read -r id; do docker volume rm $id; done
docker images --format '{{.Repository}}:{{.Tag}} {{.ID}}' | while read -r name id; do
    case $name in busybox:latest) ;; *:*none*) docker rmi -f $id ;; *) docker rmi -f $name ;; esac
done"""


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
            shutil.rmtree(place)
        return [(each.rc, masked(each.stdout), bool(each.stderr)) for each in found]


@pytest.mark.parametrize("lines", list(scenarios()))
def test_as_docker(mydocker: Any, docker_client: str, lines: list[str]) -> None:
    docker = Tool(mydocker.host, docker_client).results(lines)
    ours = Tool(mydocker.host, mydocker.prefixed).results(lines)
    different = [
        f"{line}\n  docker   {a}\n  mydocker {b}" for line, a, b in zip(lines, docker, ours, strict=True) if a != b and line[0] != "~"
    ]
    if different:
        pytest.fail("\n".join(different), pytrace=False)


@pytest.mark.parametrize("lines", list(scenarios()))
def test_dockers_client_does_the_same_with_both(mydocker: Any, docker_client: str, lines: list[str]) -> None:
    docker = Tool(mydocker.host, docker_client).results(lines)
    service = Service(mydocker)
    try:
        ours = Tool(mydocker.host, service.words).results(lines)
    finally:
        service.stop()
    different = [
        f"{line}\n  dockerd  {a}\n  mydocker {b}" for line, a, b in zip(lines, docker, ours, strict=True) if a != b and line[0] != "~"
    ]
    if different:
        pytest.fail("\n".join(different), pytrace=False)


def test_images_go_to_docker_and_come_back(mydocker: Any, docker_client: str) -> None:
    """By archives; the registry's turn is in test_travel.py."""
    place = mydocker.directory
    docker = Tool(mydocker.host, docker_client)
    made = mydocker("run", "--name", "made", "--network", "none", "busybox", "sh", "-c", "echo ours > /ours; chown 7:8 /ours")
    assert made.rc == 0, made.stderr
    mydocker("commit", "-c", "ENV A=b", "made", "ours:1")
    mydocker("rm", "made")
    try:
        assert mydocker("save", "-o", "ours.tar", "ours:1").rc == 0
        assert docker.run("docker load -q -i ours.tar", place).stdout == "Loaded image: ours:1\n"
        shown = docker.run("docker run --rm --network none ours:1 sh -c 'cat /ours; stat -c %u:%g /ours; echo $A'", place)
        assert shown.stdout == "ours\n7:8\nb\n", shown.stderr
        ids = (
            docker.run("docker image inspect -f '{{.Id}}' ours:1", place).stdout,
            mydocker("image", "inspect", "-f", "{{.Id}}", "ours:1").stdout,
        )
        assert ids[0] == ids[1]
        built = docker.run(
            "printf 'FROM ours:1\\nRUN rm /ours && echo theirs > /theirs\\nCMD cat /theirs\\n' | docker build -q -t theirs:1 -", place
        )
        assert built.rc == 0, built.stderr
        docker.run("docker save -o theirs.tar theirs:1 ours:1", place)
        assert sorted(mydocker("load", "-i", "theirs.tar").stdout.splitlines()) == ["Loaded image: ours:1", "Loaded image: theirs:1"]
        assert mydocker("image", "inspect", "-f", "{{.Id}}", "theirs:1").stdout == built.stdout
        assert mydocker("run", "--rm", "--network", "none", "theirs:1").stdout == "theirs\n"
        assert mydocker("run", "--rm", "--network", "none", "theirs:1", "test", "-e", "/ours").rc == 1
    finally:
        docker.run("docker rmi -f theirs:1 ours:1", place)
        mydocker("rmi", "-f", "theirs:1", "ours:1")
