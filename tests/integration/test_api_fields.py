"""Fields of docker's API that ask for little, and that clients look for: shown as they were given, and done where there is an effect."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Machine, wait_until
from services import Service, needs_docker


def created(service: Service, **body: Any) -> str:
    """Make a container, and return its id."""
    status, made = service.ask("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"], **body})
    assert status == 201, made
    return str(made["Id"])


def shown(service: Service, path: str) -> Any:
    status, document = service.ask("GET", path)
    assert status == 200, document
    return document


def remove(service: Service, container_id: str) -> None:
    assert service.ask("DELETE", f"/containers/{container_id}?force=1&v=1")[0] == 204


def test_names_of_what_there_is_one_of_are_shown(service: Service) -> None:
    made = created(service, HostConfig={"Runtime": "runc", "Isolation": "default", "VolumeDriver": "foo"})
    host = shown(service, f"/containers/{made}/json")["HostConfig"]
    assert (host["Runtime"], host["Isolation"], host["VolumeDriver"]) == ("runc", "default", "foo")
    remove(service, made)
    made = created(service, Runtime="runc")  # docker-py has it there
    assert shown(service, f"/containers/{made}/json")["HostConfig"]["Runtime"] == "runc"
    remove(service, made)
    made = created(service)
    assert shown(service, f"/containers/{made}/json")["HostConfig"]["Runtime"] == "mydocker"
    remove(service, made)


def test_a_volume_driver_that_would_be_asked_is_refused(service: Service) -> None:
    for more in ({"Binds": ["data:/data"]}, {"Mounts": [{"Type": "volume", "Target": "/data"}]}):
        body = {"Image": "busybox", "HostConfig": {"VolumeDriver": "foo", **more}}
        status, answer = service.ask("POST", "/containers/create", body)
        assert (status, answer["message"]) == (400, "VolumeDriver is not supported: 'foo'")
    assert shown(service, "/containers/json?all=1") == [] and not shown(service, "/volumes")["Volumes"]


def test_a_variable_without_a_value_is_taken_away_and_shown(mydocker: Machine, service: Service) -> None:
    """An image that is made of the container does not set it either."""
    made = created(service, Env=["Foo", "Other=one", "Blank=", "PATH=/bin", "Twice", "Twice=2"], Cmd=["env"])
    assert shown(service, f"/containers/{made}/json")["Config"]["Env"] == ["Foo", "Other=one", "Blank=", "PATH=/bin", "Twice=2"]
    variables = mydocker("start", "-a", made).stdout.splitlines()
    assert {"Other=one", "Blank=", "Twice=2"} <= set(variables) and not [line for line in variables if line.startswith("Foo")]
    assert mydocker("commit", made, "made").rc == 0
    assert "Foo" not in mydocker("run", "--rm", "made", "env").stdout
    mydocker("rmi", "made")
    remove(service, made)


def test_endpoints_show_and_have_what_was_asked(mydocker: Machine, service: Service) -> None:
    asked = {
        "DriverOpts": {"com.example.setting": "on"},
        "IPAMConfig": {"LinkLocalIPs": ["169.254.8.8"]},
        "MacAddress": "02:42:ac:11:00:99",
    }
    made = created(service, NetworkingConfig={"EndpointsConfig": {"bridge": asked}})
    for _ in range(2):  # before its start, and when it runs
        found = shown(service, f"/containers/{made}/json")["NetworkSettings"]["Networks"]["bridge"]
        assert {name: found[name] for name in asked} == asked
        service.ask("POST", f"/containers/{made}/start")
    assert "inet 169.254.8.8/16" in mydocker("exec", made, "ip", "-o", "addr").stdout
    remove(service, made)


def test_a_network_s_options_of_addresses_are_those_that_were_given(service: Service) -> None:
    for ipam, expected in ((None, None), ({"Driver": "default", "Options": {}}, {})):
        status, made = service.ask("POST", "/networks/create", {"Name": "net", "IPAM": ipam} if ipam else {"Name": "net"})
        assert status == 201, made
        assert shown(service, "/networks/net")["IPAM"]["Options"] == expected
        assert service.ask("DELETE", "/networks/net")[0] == 204


def built(service: Service, dockerfile: str, query: str) -> list[str]:
    """Return what a build tells."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile)
        tar.addfile(member, io.BytesIO(dockerfile.encode()))
    status, body, _ = service.raw("POST", f"/build?networkmode=none&{query}", context.getvalue())
    assert status == 200, body
    return [json.loads(line).get("stream", "") for line in body.splitlines()]


@pytest.fixture
def building(service: Service) -> Iterator[Service]:
    yield service
    assert service.ask("DELETE", "/images/made?force=1")[0] in (200, 404)
    assert service.ask("POST", "/images/prune")[0] == service.ask("POST", "/build/prune")[0] == 200


def test_standard_error_of_a_build_is_red(building: Service) -> None:
    told = built(building, "FROM busybox\nRUN echo out; echo err >&2\n", "t=made")
    assert "out\n" in told and "\x1b[91merr\n\x1b[0m" in told, told


def test_an_image_from_elsewhere_that_says_what_it_is_worth(building: Service) -> None:
    """What --cache-to type=inline has left in its configuration counts for cachefrom."""
    mydocker = building.machine
    mydocker.sh("mkdir -p ctx && printf 'FROM busybox\nENV A=b\nRUN touch baz\nCMD x\n' > ctx/Dockerfile")
    assert mydocker("build", "-q", "-t", "made", "--network", "none", "--cache-to", "type=inline", "ctx").rc == 0
    mydocker("save", "-o", "made.tar", "made")
    mydocker("rmi", "-f", "made")
    mydocker("builder", "prune", "-f")
    mydocker("load", "-i", "made.tar")
    told = built(building, "FROM busybox\nENV A=b\nRUN touch baz\nCMD x\n", f"t=made&cachefrom={quote(json.dumps(['made']))}")
    assert told.count(" ---> Using cache\n") == 3, told


def test_a_build_takes_layers_only_of_the_images_that_are_named(building: Service) -> None:
    """What has no layer is told to be cached, too."""
    dockerfile = "FROM busybox\nENV FOO=bar\nRUN touch baz\nRUN touch bax\nCMD x\n"

    def used(names: list[str]) -> int:
        told = built(building, dockerfile, f"t=made&cachefrom={quote(json.dumps(names))}")
        return told.count(" ---> Using cache\n")

    assert used([]) == 0
    assert used([]) == 4
    assert used(["made"]) == 4
    assert used(["busybox"]) == 0
    assert used(["nosuch"]) == 0
    status, answer = building.ask("POST", "/build?cachefrom=[1]", {})
    assert status == 400, answer


def test_docker_s_client_lists_images_without_a_name(building: Service) -> None:
    needs_docker()
    built(building, "FROM busybox\nRUN echo 1\nLABEL a=b\n", "")
    (nameless,) = [each for each in shown(building, "/images/json") if each["RepoTags"] == ["<none>:<none>"]]
    assert nameless["RepoDigests"] == ["<none>@<none>"]
    assert nameless["Id"].partition(":")[2][:12] in building.docker("images", "-q", "--filter", "dangling=true").stdout
    assert building.docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split().count("<none>:<none>") == 1
    status, of_today = building.ask("GET", "/images/json", version="1.44")
    assert status == 200 and [each for each in of_today if each["RepoTags"] == each["RepoDigests"] == []]


def test_mirrors_and_insecure_registries_are_told(mydocker: Machine) -> None:
    settings = {"registry-mirrors": ["https://mirror.example"], "insecure-registries": ["registry.lan:5000", "10.0.0.0/8"]}
    mydocker.sh(f"echo '{json.dumps(settings)}' > registries.json")
    service = Service(mydocker, env={"MYDOCKER_CONFIG": f"{mydocker.directory}/registries.json"})
    try:
        found = shown(service, "/info")["RegistryConfig"]
    finally:
        service.stop()
    assert found["Mirrors"] == found["IndexConfigs"]["docker.io"]["Mirrors"] == ["https://mirror.example/"]
    assert found["IndexConfigs"]["registry.lan:5000"]["Secure"] is False
    assert found["InsecureRegistryCIDRs"] == ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]


def test_the_most_memory_that_was_used_is_told(service: Service, needs_controllers: None) -> None:
    made = created(service, Cmd=["sh", "-c", "head -c 20000000 /dev/zero > /dev/shm/x; rm /dev/shm/x; exec sleep 1000"])
    service.ask("POST", f"/containers/{made}/start")
    wait_until(lambda: shown(service, f"/containers/{made}/top")["Processes"][0][-1] == "sleep 1000")
    memory = shown(service, f"/containers/{made}/stats?stream=0&one-shot=1")["memory_stats"]
    if "max_usage" not in memory:
        pytest.skip("this kernel does not tell the most memory that a cgroup has used")
    assert memory["max_usage"] > 20_000_000 > memory["usage"] > 0
    remove(service, made)
