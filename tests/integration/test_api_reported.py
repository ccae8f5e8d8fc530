"""What users report most of another daemon that answers docker's API: each of ten complaints is a test, here or where it says.

1 events: here, and test_api_reference.py           6 the classic build's parameters and errors: test_api_fields.py, test_api.py
2 fields and their forms: test_api_reference.py     7 ryuk and the socket's rights: test_api_clients.py
3 compose makes anew what is the same, or fails     8 streams of attach and exec: test_api.py and here
  to: test_api_compose.py                           9 wait misses short runs: test_api.py and here
4 names of images: here                            10 versions: here
5 builds for BuildKit: here
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from clients import brought, dockers
from conftest import FACTOR, Machine, Terminal, wait_until
from services import Service, needs_docker

from mydocker.version import NEWEST_API, OLDEST_API


def made(service: Service, name: str, **body: Any) -> None:
    """Make a container and start it."""
    status, told = service.ask("POST", f"/containers/create?name={name}", {"Image": "busybox", **body})
    assert status == 201, told
    assert service.ask("POST", f"/containers/{name}/start")[0] == 204


def told(service: Service, since: str, **filters: list[str]) -> list[dict[str, Any]]:
    """Return the events since a moment that fit all filters."""
    until = service.machine.sh("date +%s.%N").stdout.strip()
    text = service.raw("GET", f"/events?since={since}&until={until}&filters={quote(json.dumps(filters))}")[1]
    return [json.loads(line) for line in text.splitlines()]


# Events


@pytest.fixture
def lived(mydocker: Machine, service: Service) -> str:
    """When a container began to live that became healthy and ended with 3."""
    since: str = mydocker.sh("date +%s.%N").stdout.strip()
    check = {"Test": ["CMD", "true"], "Interval": 10**8}
    made(service, "lived", Cmd=["sh", "-c", "until test -e /go; do usleep 9999; done; exit 3"], Labels={"a": "b"}, Healthcheck=check)
    wait_until(lambda: told(service, since, event=["health_status"]))
    mydocker("exec", "lived", "touch", "/go")
    assert service.ask("POST", "/containers/lived/wait")[1]["StatusCode"] == 3
    assert service.ask("DELETE", "/containers/lived")[0] == 204
    return since


def test_an_end_is_called_die_and_has_docker_s_exit_code(service: Service, lived: str) -> None:
    (end,) = told(service, lived, event=["die"])
    assert (end["status"], end["Action"], end["from"], end["scope"]) == ("die", "die", "busybox", "local")
    assert (end["id"], end["timeNano"] // 10**9) == (end["Actor"]["ID"], end["time"])
    assert {key: end["Actor"]["Attributes"].get(key) for key in ("exitCode", "name", "image", "a", "containerExitCode")} == {
        "exitCode": "3", "name": "lived", "image": "busybox", "a": "b", "containerExitCode": None,
    }  # fmt: skip


def test_health_is_an_event(service: Service, lived: str) -> None:
    (health,) = told(service, lived, event=["health_status"])
    assert health["Action"] == health["status"] == "health_status: healthy"
    assert told(service, lived, event=["health_status: healthy"]) == [health]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"container": ["lived"], "event": ["start", "die"]}, ["start", "die"]),
        ({"type": ["container"], "label": ["a=b"], "event": ["create", "destroy"]}, ["create", "destroy"]),
        ({"image": ["busybox"], "event": ["start"]}, ["start"]),
        ({"type": ["network"], "network": ["bridge"]}, ["connect", "disconnect"]),
        ({"label": ["a=other"]}, []),
        ({"container": ["other"]}, []),
    ],
)
def test_events_are_found_by_docker_s_filters(service: Service, lived: str, filters: dict[str, list[str]], expected: list[str]) -> None:
    assert [each["Action"] for each in told(service, lived, **filters)] == expected


# Names of images

# As they are given, and as docker shows them.
NAMES = {
    "a": "a:latest",
    "a/b:1": "a/b:1",
    "docker.io/library/c:1": "c:1",
    "docker.io/d/e": "d/e:latest",
    "localhost/f:1": "localhost/f:1",
    "localhost:5000/g": "localhost:5000/g:latest",
    "registry.example/h/i/j:1": "registry.example/h/i/j:1",
}


@pytest.fixture
def named(service: Service) -> Iterator[Service]:
    """A service whose busybox has all of NAMES, too."""
    for name in NAMES:
        repository, colon, tag = name.rpartition(":")
        wanted = f"repo={repository}&tag={tag}" if colon and "/" not in tag else f"repo={name}"
        assert service.ask("POST", f"/images/busybox/tag?{wanted}")[0] == 201
    yield service
    for name in NAMES:
        service.ask("DELETE", f"/images/{name}")


def test_images_are_called_as_they_were_named(named: Service) -> None:
    (image,) = named.ask("GET", "/images/json")[1]
    assert sorted(image["RepoTags"]) == sorted([*NAMES.values(), "busybox:latest"])
    for given, shown in NAMES.items():
        assert shown in named.ask("GET", f"/images/{given}/json")[1]["RepoTags"]
        assert named.ask("GET", f"/images/{shown}/json")[1]["Id"] == image["Id"]


def test_a_container_s_image_is_called_as_it_was_asked_for(named: Service) -> None:
    for given in NAMES:
        status, found = named.ask("POST", "/containers/create", {"Image": given, "Cmd": ["true"]})
        assert status == 201, found
        shown = named.ask("GET", f"/containers/{found['Id']}/json")[1]
        assert (shown["Config"]["Image"], shown["Image"][:7]) == (given, "sha256:")
        assert named.ask("DELETE", f"/containers/{found['Id']}")[0] == 204


def test_an_archive_keeps_names(named: Service) -> None:
    packed = named.raw("GET", "/images/get?" + "&".join(f"names={quote(name)}" for name in NAMES))[1]
    for name in NAMES:
        assert named.ask("DELETE", f"/images/{name}")[0] == 200
    loaded = named.raw("POST", "/images/load?quiet=1", packed, headers={"Content-Type": "application/x-tar"})[1]
    lines = [json.loads(line)["stream"] for line in loaded.splitlines()]
    assert sorted(lines) == sorted(f"Loaded image: {name}\n" for name in NAMES.values())


def test_an_image_s_parent_is_the_one_that_it_was_made_of(mydocker: Machine, service: Service) -> None:
    assert service.ask("POST", "/containers/create?name=made", {"Image": "busybox", "Cmd": ["true"]})[0] == 201
    assert service.ask("POST", "/commit?container=made&repo=committed", {})[0] == 201
    assert service.ask("DELETE", "/containers/made")[0] == 204
    base = service.ask("GET", "/images/busybox/json")[1]["Id"]
    assert service.ask("GET", "/images/committed/json")[1]["Parent"] == base
    assert [each["ParentId"] for each in service.ask("GET", "/images/json")[1] if each["RepoTags"] == ["committed:latest"]] == [base]
    built = mydocker("build", "-q", "-t", "built", "-", stdin="FROM busybox\nRUN echo 1\nCMD x\n")
    assert built.rc == 0, built.stderr
    parent = service.ask("GET", "/images/built/json")[1]["Parent"]
    assert parent in [each["Id"] for each in service.ask("GET", "/images/json?all=1")[1]]
    assert mydocker("rmi", "committed").rc == mydocker("builder", "prune", "-af").rc == 0
    found = service.ask("GET", "/images/built/json")[1]["Parent"]
    assert found in ("", parent) and bool(found) == (service.ask("GET", f"/images/{parent}/json")[0] == 200)
    mydocker("rmi", "built")
    mydocker("builder", "prune", "-af")


# Clients of several versions


@pytest.fixture(params=[0, 1, 2])
def client(request: pytest.FixtureRequest) -> str:
    """The path of docker's client, each that is here."""
    needs_docker()
    found = dockers()
    number = int(request.param)
    if number >= len(found):
        pytest.skip(f"there are {len(found)} clients of docker's here: {', '.join(found)}")
    return found[number]


def run(service: Service, client: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOCKER_HOST": service.address, "DOCKER_CONFIG": f"{service.machine.directory}/client", **variables}
    return subprocess.run([client, *words], env=environment, capture_output=True, text=True, timeout=60 * FACTOR)


def test_each_client_agrees_on_a_version(service: Service, client: str) -> None:
    form = "{{.Client.APIVersion}} {{.Server.APIVersion}} {{.Server.MinAPIVersion}} {{.Server.Os}}"
    found = run(service, client, "version", "--format", form).stdout.split()
    newest, oldest = (".".join(map(str, version)) for version in (NEWEST_API, OLDEST_API))
    assert found[1:] == [newest, oldest, "linux"]
    assert OLDEST_API <= tuple(map(int, found[0].split("."))) <= NEWEST_API
    assert run(service, client, "run", "--rm", "busybox", "echo", "hi").stdout == "hi\n"


def test_a_life_in_each_version(service: Service) -> None:
    for minor in range(OLDEST_API[1], NEWEST_API[1] + 1):
        version = f"1.{minor}"
        status, made_ = service.ask("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sh", "-c", "exit 3"]}, version)
        assert status == 201, (version, made_)
        path = f"/containers/{made_['Id']}"
        assert service.ask("POST", f"{path}/start", None, version)[0] == 204
        assert service.ask("POST", f"{path}/wait", None, version)[1]["StatusCode"] == 3
        assert service.ask("GET", f"{path}/json", None, version)[1]["State"]["ExitCode"] == 3
        assert [each["Id"] for each in service.ask("GET", "/containers/json?all=1", None, version)[1]] == [made_["Id"]]
        assert service.ask("DELETE", path, None, version)[0] == 204


# Builds for BuildKit


@pytest.mark.parametrize("has_buildx", [False, True])
@pytest.mark.parametrize("wanted", ["0", "1", ""])
def test_builds_are_the_classic_builder_s_unless_buildkit_is_asked_for(
    mydocker: Machine, service: Service, client: str, wanted: str, has_buildx: bool
) -> None:
    """Whoever asks for BuildKit is told, and nothing was built."""
    plugins = f"{mydocker.directory}/client/cli-plugins"
    os.makedirs(plugins)
    if has_buildx:
        os.symlink(brought("bin/docker-buildx"), f"{plugins}/docker-buildx")
    mydocker.sh("mkdir context; printf 'FROM busybox\\nRUN echo built > /built\\n' > context/Dockerfile")
    if run(service, client, "buildx", "version").returncode == 0 and not has_buildx:
        pytest.skip("buildx is installed for everybody")
    version = int(run(service, client, "version", "--format", "{{.Client.Version}}").stdout.partition(".")[0])
    found = run(
        service, client, "build", "-t", "made:1", f"{mydocker.directory}/context", **({"DOCKER_BUILDKIT": wanted} if wanted else {})
    )
    if wanted == "0" or (not wanted and not (has_buildx and version >= 23)):
        assert (found.returncode, "Successfully tagged made:1" in found.stdout) == (0, True), found.stderr
        assert mydocker("rmi", "made:1").rc == mydocker("builder", "prune", "-f").rc == 0
    else:
        assert found.returncode == 1 and ("404" in found.stderr or "buildx component" in found.stderr or "buildkit" in found.stderr)
        assert service.ask("GET", "/images/made:1/json")[0] == 404


# Streams and short runs


def test_a_terminal_loses_no_first_byte_and_is_left_by_its_keys(mydocker: Machine, service: Service) -> None:
    needs_docker()
    words = [*service.words.split(), "run", "-it", "--name", "held", "busybox", "sh", "-c", "echo begin; exec cat"]
    with Terminal(words, dict(os.environ), (24, 80)) as terminal:
        terminal.expect("begin")
        terminal.send("\x10\x11")
        assert terminal.wait() == 0
    assert service.ask("GET", "/containers/held/json")[1]["State"]["Running"]
    for number in range(10):
        with Terminal([*service.words.split(), "exec", "-it", "held", "echo", f"first {number}"], dict(os.environ), (24, 80)) as terminal:
            assert terminal.wait() == 0
            assert f"first {number}\r\n" in terminal.seen  # the client may complain that it came too late with its size
    mydocker("rm", "-f", "held")


def test_no_short_run_is_missed(service: Service) -> None:
    """Whoever waits for the next end is told of it, however short the run was."""
    needs_docker()
    line = f'for i in $(seq 30); do {service.words} run --rm --network none busybox sh -c "exit $((i % 5))"; echo $?; done'
    assert service.machine.sh(line).stdout.split() == [str(number % 5) for number in range(1, 31)]


def test_an_end_that_nobody_saw_is_told_as_unknown(mydocker: Machine, service: Service) -> None:
    made(service, "lost", Cmd=["sleep", "1000"])
    known = json.loads(mydocker.sh(f"cat state/{mydocker.record('lost')['id']}/state.json").stdout)
    for pid in (known["monitor"], known["pid"]):
        mydocker.end(pid)
    _, found = service.ask("POST", "/containers/lost/wait")
    assert (found["StatusCode"], "unknown" in found["Error"]["Message"]) == (255, True)
    mydocker("rm", "-f", "lost")
