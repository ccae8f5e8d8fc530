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


def test_what_a_step_is_and_its_end_of_line_come_one_by_one(building: Service) -> None:
    """testcontainers' tests look for what docker's builder writes in one go."""
    told = built(building, "FROM busybox\nRUN echo out\n", "t=made")
    assert told[:2] == ["Step 1/2 : FROM busybox", "\n"] and "Step 2/2 : RUN echo out" in told, told


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


def test_what_is_hidden_of_proc_may_be_chosen(mydocker: Machine, service: Service) -> None:
    made = created(service, HostConfig={"MaskedPaths": ["/proc/version"], "ReadonlyPaths": ["/proc/acpi", "/proc/irq"]})
    host = shown(service, f"/containers/{made}/json")["HostConfig"]
    assert (host["MaskedPaths"], host["ReadonlyPaths"]) == (["/proc/version"], ["/proc/acpi", "/proc/irq"])
    mydocker("start", made)
    assert mydocker("exec", made, "cat", "/proc/version").stdout == ""
    assert mydocker("exec", made, "wc", "-c", "/proc/timer_list").stdout[:2] != "0 "
    assert "Read-only" in mydocker("exec", made, "sh", "-c", "echo > /proc/irq/default_smp_affinity").stderr
    remove(service, made)


def test_tmpfs_stands_in_host_config_alone(service: Service) -> None:
    made = created(service, HostConfig={"Tmpfs": {"/foo": "", "/bar/": "size=1m"}}, Volumes={"/foo": {}})
    document = shown(service, f"/containers/{made}/json")
    assert (document["Mounts"], document["HostConfig"]["Tmpfs"]) == ([], {"/foo": "", "/bar/": "size=1m"})
    (listed,) = shown(service, "/containers/json?all=1")
    assert listed["Mounts"] == []
    remove(service, made)
    made = created(service, HostConfig={"Mounts": [{"Type": "tmpfs", "Target": "/foo"}]})
    assert [mount["Type"] for mount in shown(service, f"/containers/{made}/json")["Mounts"]] == ["tmpfs"]
    remove(service, made)


def test_an_id_goes_before_a_name(mydocker: Machine, service: Service) -> None:
    """A network or a container may have another one's id as its name."""
    first = service.ask("POST", "/networks/create", {"Name": "first"})[1]["Id"]
    second = service.ask("POST", "/networks/create", {"Name": first})[1]["Id"]
    assert shown(service, f"/networks/{first}")["Name"] == "first"
    for network in (first, second):
        assert service.ask("DELETE", f"/networks/{network}")[0] == 204
    one = created(service)
    status, made = service.ask("POST", f"/containers/create?name={one}", {"Image": "busybox"})
    assert status == 201 and shown(service, f"/containers/{one}/json")["Id"] == one
    remove(service, made["Id"])
    remove(service, one)


@pytest.mark.parametrize("is_running", [False, True])
def test_an_archive_may_name_its_files_from_the_root(service: Service, is_running: bool) -> None:
    """testcontainers' modules send scripts and credentials so, in directories that are not there yet, before the start or after it."""
    made = created(service)
    if is_running:
        assert service.ask("POST", f"/containers/{made}/start")[0] == 204
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("/new/place/script.sh")
        member.size, member.mode = 5, 0o777
        archive.addfile(member, io.BytesIO(b"hello"))
    assert (
        service.raw("PUT", f"/containers/{made}/archive?path=/", packed.getvalue(), headers={"Content-Type": "application/x-tar"})[0] == 200
    )
    status, data, _ = service.raw("GET", f"/containers/{made}/archive?path=/new")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {member.name: (member.mode & 0o7777, member.size) for member in archive.getmembers()}
    assert (status, found) == (200, {"new": (0o755, 0), "new/place": (0o755, 0), "new/place/script.sh": (0o777, 5)})
    remove(service, made)


def test_words_that_clients_look_for(mydocker: Machine, service: Service) -> None:
    made = created(service, HostConfig={"Binds": ["data:/data"]})
    status, answer = service.ask("DELETE", "/volumes/data")
    assert status == 409 and "volume is in use" in answer["message"]
    status, answer = service.ask("GET", f"/containers/{made}/archive?path=/dne")
    assert (status, answer["message"]) == (404, f"Could not find the file /dne in container {made}")
    remove(service, made)
    mydocker("volume", "rm", "data")
    status, answer = service.ask("POST", "/images/busybox/tag?repo=sha256&tag=some")
    assert status == 400 and "refusing to create an ambiguous tag using digest algorithm as name" in answer["message"]
    status, body, _ = service.raw("POST", "/volumes/create", b'{"Name": "x"} {}', headers={"Content-Type": "application/json"})
    assert status == 400 and b"unexpected content after JSON" in body
    status, _, headers = service.raw("GET", "/_ping")
    assert (status, headers["Pragma"]) == (200, "no-cache")
    assert service.ask("GET", "/networks/")[0] == 200


@pytest.mark.parametrize(("version", "limit", "expected"), [("1.39", 16, 32), ("1.41", 16, 16), ("1.41", 0, 0), ("1.41", -2, 0)])
def test_the_limit_of_processes_is_changed(mydocker: Machine, service: Service, version: str, limit: int, expected: int) -> None:
    mydocker("run", "-d", "--name", "few", "--network", "none", "--pids-limit", "32", "busybox", "sleep", "600")
    assert service.ask("POST", "/containers/few/update", {"PidsLimit": limit}, version)[0] == 200
    assert shown(service, "/containers/few/json")["HostConfig"]["PidsLimit"] == expected
    remove(service, "few")


def test_what_is_removed_at_its_end_is_not_started_again(mydocker: Machine, service: Service) -> None:
    mydocker("run", "-d", "--rm", "--name", "once", "--network", "none", "busybox", "sleep", "600")
    status, answer = service.ask("POST", "/containers/once/update", {"RestartPolicy": {"Name": "always"}})
    assert status == 409 and "Restart policy cannot be updated because AutoRemove is enabled" in answer["message"]
    assert service.ask("POST", "/containers/once/update", {"RestartPolicy": {"Name": "no"}})[0] == 200
    remove(service, "once")


def test_before_1_40_every_container_shared_its_ipc_namespace(service: Service) -> None:
    for version, expected in (("1.39", "shareable"), ("1.40", "private")):
        status, made = service.ask("POST", "/containers/create", {"Image": "busybox"}, version)
        assert status == 201
        assert shown(service, f"/containers/{made['Id']}/json")["HostConfig"]["IpcMode"] == expected
        remove(service, made["Id"])


def test_the_mode_of_a_mount_is_shown_as_it_was_given(mydocker: Machine, service: Service) -> None:
    expected = {
        "/host": "",
        "/read": "ro,rprivate",
        "/data": "z",
        "/locked": "ro",
        "/own": "",
        "/mount": "z",
        "/anonymous": "z",
        "/bind": "",
    }
    binds = ["/tmp:/host", "/tmp:/read:ro,rprivate", "data:/data", "data:/locked:ro"]
    mounts = [{"Type": "volume", "Target": "/mount", "Source": "data"}, {"Type": "volume", "Target": "/anonymous"}]
    mounts.append({"Type": "bind", "Target": "/bind", "Source": "/tmp"})
    made = created(service, HostConfig={"Binds": binds, "Mounts": mounts}, Volumes={"/own": {}})
    assert {each["Destination"]: each["Mode"] for each in shown(service, f"/containers/{made}/json")["Mounts"]} == expected
    remove(service, made)
    mydocker("volume", "rm", "data")


def test_networks_that_are_always_there_are_not_made_or_removed(service: Service) -> None:
    for name in ("bridge", "host", "none"):
        assert service.ask("POST", "/networks/create", {"Name": name})[0] == 403
        assert service.ask("DELETE", f"/networks/{name}")[0] == 403


def test_an_image_for_another_platform_is_not_found(service: Service) -> None:
    """docker's client then pulls it."""
    for platform in ("linux/s390x", "arm64"):
        status, answer = service.ask("POST", f"/containers/create?platform={platform}", {"Image": "busybox"})
        assert status == 404, answer


def test_requests_for_what_is_not_there(service: Service) -> None:
    assert service.ask("GET", "/containers/nope/attach/ws")[0] == 404
    assert service.raw("OPTIONS", "/")[0] == service.raw("OPTIONS", "/containers/json")[0] == 200
    for mount, words in (
        ({"Type": "notreal"}, "mount type unknown"),
        ({"Type": "bind", "Source": "/tmp"}, "field Target must not be empty"),
        ({"Type": "bind", "Target": "/a"}, "field Source must not be empty"),
    ):
        status, answer = service.ask("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"Mounts": [mount]}})
        assert status == 400 and words in answer["message"]


def test_a_link_is_one_more_name(mydocker: Machine, service: Service) -> None:
    mydocker("run", "-d", "--name", "first", "busybox", "sleep", "600")
    mydocker("run", "-d", "--name", "second", "--link", "first:db", "busybox", "sleep", "600")
    listed = {each["Names"][0]: each["Names"] for each in shown(service, "/containers/json")}
    assert listed == {"/first": ["/first", "/second/db"], "/second": ["/second"]}
    mydocker("rename", "second", "third")
    assert shown(service, "/containers/third/db/json")["Name"] == "/first"
    assert service.ask("GET", "/containers/third/other/json")[0] == 404
    mydocker("rm", "-f", "first", "third")
