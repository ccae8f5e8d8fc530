"""The same command lines through docker, through mydocker, and through docker's client on our service: `--reference docker`.

tests/data/reference/*.txt has the scenarios: a line `== NAME`, then shell command lines in which `docker` is the tool that is tested.
A line that begins with ~ is executed and not compared: docs/differences.md says why.
Each scenario starts from nothing but the image busybox, in an empty directory. Of each line, standard output (with ids, times and sizes
masked), exit status and whether anything was said on standard error must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reference import Tool
from services import Service

REPOSITORY = Path(__file__).resolve().parents[2]


def scenarios() -> Iterator[Any]:
    """Yield every scenario's command lines."""
    for path in sorted((REPOSITORY / "tests/data/reference").glob("*.txt")):
        for part in path.read_text().split("== ")[1:]:
            name, *lines = part.splitlines()
            yield pytest.param([line for line in lines if line], id=f"{path.stem}: {name}")


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
