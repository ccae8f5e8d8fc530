"""Every verb that compose has, in each of its versions, on one project: status, output and containers are those of the run with dockerd.

tests/data/reference/compose.json has {version: {line: [status, output, containers]}} of dockerd 20.10, with what differs from run to run
masked. With `--reference docker` the dockerd that is installed is compared with it, too; MYDOCKER_REWRITE=1 writes it anew then.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import Compose
from conftest import wait_until
from reference import masked
from services import Reference
from test_travel import HOST, serving

RECORDED = Path(__file__).parents[1] / "data/reference/compose.json"

# One service that is built, pushed and pulled, one with a volume, and two for verbs that wait.
SERVICES = f"""services:
  web:
    build: ./web
    image: {HOST}/web:1
    command: httpd -f
    ports: ["127.0.0.1:8081:80"]
    DEVELOP
  box:
    image: busybox
    command: sh -c 'echo ready; exec sleep 1000'
    depends_on: [web]
    volumes: ["data:/data"]
  talker:
    image: busybox
    command: sh -c 'while :; do echo tick; usleep 99999; done'
    profiles: [later]
  short:
    image: busybox
    command: sh -c 'sleep 3; exit 3'
    profiles: [later]
volumes: {{data: {{}}}}
"""
DEVELOP = "develop: {watch: [{action: sync, path: ./web, target: /src}]}"

# In this order; a line whose verb a version does not have is left out.
LINES = """version --short
config
build
push web
pull web
up --no-start
create
images
ps -a
start
ls
ps
port web 80
exec -T box echo hello
run --rm -T box echo once
logs --no-color box
top
pause box
ps --services --filter status=paused
unpause box
events
restart -t 0 box
cp in.txt box:/tmp
export -o out.tar box
commit box its:1
volumes
stats --no-stream
kill web
ps -a --services
rm -f web
up -d
scale box=2
watch --no-up
attach --no-stdin --sig-proxy=false talker
wait short
rm -sf talker short
stop -t 0
down -v -t 0""".splitlines()

# Verbs that ask no engine for anything.
OF_COMPOSE_ALONE = {"help", "publish", "bridge"}

Result = tuple[int, str]


def verbs(compose: Compose) -> set[str]:
    """Return the verbs that a version says it has."""
    return set(re.findall(r"^  ([a-z]+) {2,}\S", compose("--help"), re.MULTILINE))


@pytest.fixture
def project(compose: Compose) -> Iterator[Compose]:
    """The project, with a registry beside its engine."""
    develop = DEVELOP if compose.major > 1 else ""
    files = {"docker-compose.yml": SERVICES.replace("DEVELOP", develop), "web/Dockerfile": "FROM busybox\nRUN echo hello > /hello\n"}
    compose.write({**files, "in.txt": "hello\n"})
    for _ in serving(compose.machine, ""):
        yield compose
        compose.end()
        compose.machine("rmi", "-f", "its:1", f"{HOST}/web:1")


def test_every_verb_does_what_it_does_with_dockerd(project: Compose) -> None:
    rewrites = os.environ.get("MYDOCKER_REWRITE") and isinstance(project.machine, Reference)
    recorded = json.loads(RECORDED.read_text())
    if project.version not in recorded and not rewrites:
        pytest.skip(f"nothing of dockerd is recorded with compose {project.version}: MYDOCKER_REWRITE=1 and --reference docker do it")
    known = verbs(project)
    found = {line: _done(project, line) for line in LINES if line.split()[0] in known}
    assert {line.split()[0] for line in found} == known - OF_COMPOSE_ALONE
    if rewrites:
        recorded[project.version] = found
        RECORDED.write_text(json.dumps(recorded, indent=1) + "\n")
    wanted = recorded[project.version]
    different = [
        f"{line}\n  dockerd {wanted.get(line)}\n  here    {result}" for line, result in found.items() if wanted.get(line) != result
    ]
    assert found.keys() == wanted.keys()
    if different:
        pytest.fail("\n".join(different), pytrace=False)


def _done(project: Compose, line: str) -> list[Any]:
    """Execute a line, and return its status, what it has printed, and which containers there are in which state."""
    verb, *words = line.split()
    if verb == "pull":
        assert project.machine("rmi", f"{HOST}/web:1").rc == 0  # or there is nothing to be pulled
    if verb in _WAITING:
        status, printed = _WAITING[verb](project, verb, *words)
    else:
        done = project.run(verb, *words)
        status, printed = done.returncode, done.stdout
    containers = project.machine("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout.splitlines()
    return [status, _masked(project, verb, printed), sorted(containers)]


def _masked(project: Compose, verb: str, printed: str) -> list[str]:
    """Return the lines of an output without what differs from one run to the next, and without the widths of columns."""
    text = masked(printed.replace(str(project.place), "PLACE"))
    if verb in ("top", "stats"):
        text = re.sub(r"\d[\d.:]*", "N", text)
    if verb == "images":  # dockerd does not write down when an image got its name that was pulled or imported, and mydocker does
        text = text.replace("292 years ago", "SPAN ago")
    if verb == "build":  # mydocker makes no container for what leaves no layer
        text = re.sub(r"(: LABEL .*\n) ---> Running in ID\nRemoving intermediate container ID\n", r"\1", text)
    text = re.sub(r"\b[\d.]+ [kMG]?B\b|(?<=size: )\d+", "SIZE", text)
    return [re.sub(r"-{3,}", "---", line).strip() for line in text.splitlines()]


class _Following:
    """A verb that goes on, and what it has said."""

    def __init__(self, project: Compose, *words: str) -> None:
        self.process = project.begin(*words)
        assert self.process.stdout
        self._descriptor = self.process.stdout.fileno()
        self.said = ""

    def says(self, text: str, seconds: float = 1) -> bool:
        """Say whether it has said something so far, or does so before it is silent for some time."""
        while text not in self.said:
            if not select.select([self._descriptor], [], [], seconds)[0]:
                return False
            piece = os.read(self._descriptor, 1 << 16).decode()
            if not piece:
                return False
            self.said += piece
        return True

    def end(self, number: signal.Signals | None = None) -> int:
        """Wait until it ends, for which a signal may ask, and return its status."""
        if number:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=50)
        self.said += rest
        return self.process.returncode


def _events(project: Compose, *words: str) -> Result:
    """Follow the events of a restart, once they come at all: what was before is not told."""
    following = _Following(project, *words)
    wait_until(lambda: project("restart", "-t", "0", "box") == "" and following.says("container restart"), 50)
    following.said = ""
    project("restart", "-t", "0", "box")
    assert following.says("container restart", 10), following.said
    actions = re.findall(r"container (\w+) [0-9a-f]{64}", following.said)
    return following.end(signal.SIGINT), "\n".join(actions)


def _watch(project: Compose, *words: str) -> Result:
    """Watch until a file that is new has come into the container."""
    following = _Following(project, *words)
    assert following.says("Watch", 50), following.said
    project.write({"web/new": "new\n"})
    wait_until(lambda: project.run("exec", "-T", "web", "cat", "/src/new").stdout == "new\n")
    return following.end(signal.SIGINT), ""


def _attach(project: Compose, *words: str) -> Result:
    """Attach to what goes on talking, and end it."""
    project("up", "-d", "talker")
    following = _Following(project, *words)
    assert following.says("tick", 50), following.said
    project("kill", "talker")
    return following.end(), "tick"


def _wait(project: Compose, *words: str) -> Result:
    """Wait for what ends by itself."""
    project("up", "-d", "short")
    done = project.run(*words)
    return done.returncode, done.stdout


_WAITING: dict[str, Callable[..., Result]] = {"events": _events, "watch": _watch, "attach": _attach, "wait": _wait}
