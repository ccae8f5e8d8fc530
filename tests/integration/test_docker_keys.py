"""docker's flags are known here, and what prints JSON has docker's keys: inspect, and `--format '{{json .}}'` of each list.

tests/data/reference/keys.json holds them by command line, as docker 20.10's client and 28's print them, without what GONE names. With
`--reference docker` they are docker's own: what its client prints must be in the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Machine
from reference import Tool

from mydocker.cli.main import mydocker as command_line
from mydocker.cli.verb import Group, Verb

KEYS: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "data/reference/keys.json").read_text())
# What docker has dropped since 20.10, or says of Swarm, Kubernetes and its own storage.
GONE: tuple[str, ...] = ("HostConfig.KernelMemory", "Container", "GraphDriver.Data.", "KubernetesEndpoint", "StackOrchestrator", "Swarm.")
GONE = (*GONE, "RegistryConfig.AllowNondistributable", "Client.Experimental")
SETTING_UP = "create --name keys --tmpfs /t -v keys:/k busybox sh"
CLEANING = ("rm -v keys", "volume rm keys")


def paths(document: Any, before: str = "") -> Iterator[str]:
    """Yield the path of each field of a document, but those of the names that users choose."""
    for name, value in document.items():
        yield before + name
        if isinstance(value, dict) and name not in ("Containers", "Labels", "Options", "Runtimes", "Tmpfs", "Volumes", "Details"):
            yield from paths(value, f"{before}{name}.")


def keys(text: str) -> set[str]:
    """Return the paths of the fields of the first document that a command has printed."""
    found = json.JSONDecoder().raw_decode(text)[0]
    return set(paths(found[0] if isinstance(found, list) else found))


@pytest.mark.parametrize("line", KEYS)
def test_dockers_keys(mydocker: Machine, line: str) -> None:
    assert mydocker(*SETTING_UP.split()).rc == 0
    try:
        shown = mydocker.sh(f"{{mydocker}} {line}")
    finally:
        for words in CLEANING:
            mydocker(*words.split())
    assert shown.rc == 0, shown.stderr
    assert not set(KEYS[line]) - keys(shown.stdout)


def test_the_recorded_keys_are_dockers(mydocker: Machine, docker_client: str) -> None:
    docker = Tool(mydocker.host, docker_client)
    docker.run(f"docker {SETTING_UP}", "/")
    try:
        printed = {line: docker.run(f"docker {line}", "/") for line in KEYS}
    finally:
        for words in CLEANING:
            docker.run(f"docker {words}", "/")
    unknown = {line: sorted(_of_today(keys(each.stdout)) - set(KEYS[line])) for line, each in printed.items() if each.rc == 0}
    assert not {line: found for line, found in unknown.items() if found}


def _of_today(found: set[str]) -> set[str]:
    return {name for name in found if not name.startswith(GONE)}


def test_the_flags_of_the_docker_that_is_installed_are_known(mydocker: Machine) -> None:
    """They work, mean nothing here, or are refused by name; how many of each there are is printed for who asks (-rP)."""
    if mydocker.sh("command -v docker").rc:
        pytest.skip("docker is not installed")
    lines = json.loads((Path(__file__).parents[1] / "data/reference/flags.json").read_text())
    counted, unknown = {"work": 0, "mean nothing": 0, "are refused": 0}, {}
    for line in lines:
        own = {name: flag for flag in _member(line).flags for name in (*flag.names, *flag.opposites)}
        shown = mydocker.sh(f"docker {line} --help 2>/dev/null").stdout
        theirs = set(re.findall(r"^\s+(?:-\w, )?(--[\w-]+)", shown, re.MULTILINE)) - {"--help"}
        unknown[line] = sorted(theirs - own.keys())
        for name in theirs & own.keys():
            flag = own[name]
            counted["are refused" if flag.refusal else "mean nothing" if flag.into.startswith("_") else "work"] += 1
    print(counted)
    assert not {line: names for line, names in unknown.items() if names}
    assert counted["work"] > 300


def test_the_verbs_of_the_docker_that_is_installed_are_known(mydocker: Machine) -> None:
    """They are there, or refused with the reason."""
    if mydocker.sh("command -v docker").rc:
        pytest.skip("docker is not installed")
    groups = [group for group in [command_line, *map(_member, command_line.verbs)] if isinstance(group, Group)]
    unknown = {}
    for group in groups:
        name = group.name.removeprefix("mydocker")
        shown = mydocker.sh(f"docker {name} --help 2>/dev/null").stdout
        if name and f"docker {name}" not in shown:
            continue  # docker's client answers for a group that it does not have with its own help
        theirs = set(re.findall(r"^  ([a-z][\w-]*)\*?  ", shown, re.MULTILINE))
        unknown[name] = sorted(theirs - group.verbs.keys() - group.absent.keys())
    assert len(unknown) > 7
    assert not {name: verbs for name, verbs in unknown.items() if verbs}


def _member(line: str) -> Verb | Group:
    found: Verb | Group | None = command_line
    for word in line.split():
        found = found.member(word) if isinstance(found, Group) else None
    assert found, line
    return found
