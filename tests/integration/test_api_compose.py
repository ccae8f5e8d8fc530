"""What projects of compose are made of, in both of its major versions: each form does with mydocker what it does with dockerd."""

from __future__ import annotations

import json
import shutil
import signal
from typing import Any

import pytest
from clients import Compose
from conftest import REPOSITORY, wait_until
from services import Reference

EXAMPLE = REPOSITORY / "examples/compose"
ONE = "services:\n  one: {image: busybox, command: sleep 1000, %s}\n"


def running(project: Compose) -> str:
    return project.machine("ps", "-q", "--no-trunc").stdout


def inspected(project: Compose, service: str) -> Any:
    """Return what inspect says of a service's container."""
    found = project.machine("inspect", project("ps", "-q", service).strip())
    return json.loads(found.stdout)[0]


FILE = "docker-compose.yml"


def test_a_project_comes_up_stays_and_goes(compose: Compose) -> None:
    shutil.copytree(EXAMPLE, compose.place)
    compose("up", "-d")
    before = running(compose)
    assert before.count("\n") == 3
    compose("up", "-d")
    assert running(compose) == before  # nothing is made anew
    assert "(healthy)" in compose("ps")
    assert compose("exec", "-T", "web", "wget", "-qO-", "http://localhost/") == "hello\n"
    compose("exec", "-T", "web", "ping", "-c", "1", "database")
    assert compose("port", "web", "80").strip() == "127.0.0.1:8080"
    assert compose.machine.sh("busybox wget -qO- http://127.0.0.1:8080/").stdout == "hello\n"
    assert compose.machine.sh("busybox wget -qO- http://127.0.0.1:8080/cgi-bin/count").stdout.strip().isdigit()
    compose("restart", "-t", "0", "web")
    assert compose.run("exec", "-T", "worker", "sh", "-c", "exit 3").returncode == 3


def test_containers_may_be_created_before_there_is_a_network(compose: Compose) -> None:
    """The first compose makes the network only when they are to start."""
    compose.write({FILE: ONE % "init: true"})
    compose("create")
    assert running(compose) == ""
    compose("up", "-d")
    assert running(compose).count("\n") == 1


@pytest.mark.parametrize("where", ["beside", "elsewhere"])
def test_a_dockerfile_may_lie_outside_of_its_context(compose: Compose, where: str) -> None:
    """compose 2 then adds it to the context, which has no end any more."""
    other = "Dockerfile.other" if where == "beside" else "../files/Dockerfile"
    service = f"one: {{build: {{context: ctx, dockerfile: {other}}}, command: sleep 1000}}"
    files = {"ctx/file": "x" * 700, f"ctx/{other}": "FROM busybox\nCOPY file /\n"}
    compose.write({FILE: f"services:\n  {service}\n", **files})
    compose("up", "-d", "--build")
    assert compose("exec", "-T", "one", "cat", "/file") == "x" * 700


def test_profiles_choose_services(compose: Compose) -> None:
    compose.write({FILE: ONE % "init: true" + '  two: {image: busybox, command: sleep 1000, init: true, profiles: ["debug"]}\n'})
    compose("up", "-d")
    assert running(compose).count("\n") == 1
    compose("--profile", "debug", "up", "-d")
    assert inspected(compose, "two")["State"]["Running"]
    compose("--profile", "debug", "rm", "-sf", "two")


def test_a_scaled_service_has_one_name_whose_addresses_take_turns(compose: Compose) -> None:
    shutil.copytree(EXAMPLE, compose.place)
    compose("up", "-d", "--scale", "worker=3")

    def addresses() -> list[str]:
        told = compose("exec", "-T", "db", "nslookup", "-type=a", "worker").split("\n\n", 1)[1]
        return [line.split()[-1] for line in told.splitlines() if line.startswith("Address")]

    first = addresses()
    assert len(set(first)) == 3
    wait_until(lambda: addresses()[0] != first[0])
    compose("up", "-d", "--scale", "worker=1")
    assert len(addresses()) == 1


def test_secrets_and_configs_are_files(compose: Compose) -> None:
    configs = "configs: [conf]" if compose.major == 2 else "init: true"
    more = "secrets: {pw: {file: ./pw.txt}}\n" + ("configs: {conf: {file: ./conf.txt}}\n" if compose.major == 2 else "")
    compose.write({FILE: ONE % f"secrets: [pw], {configs}" + more, "pw.txt": "geheim\n", "conf.txt": "set\n"})
    compose("up", "-d")
    assert compose("exec", "-T", "one", "cat", "/run/secrets/pw") == "geheim\n"
    if compose.major == 2:
        assert compose("exec", "-T", "one", "cat", "/conf") == "set\n"


def test_a_service_extends_another_file_s(compose: Compose) -> None:
    base = 'services:\n  base: {image: busybox, command: sleep 1000, environment: {A: "1", B: "2"}, labels: {who: base}}\n'
    compose.write({FILE: 'services:\n  one: {extends: {file: base.yml, service: base}, environment: {B: "3"}}\n', "base.yml": base})
    compose("up", "-d")
    assert compose("exec", "-T", "one", "sh", "-c", "echo $A $B") == "1 3\n"
    assert inspected(compose, "one")["Config"]["Labels"]["who"] == "base"


def test_up_waits_for_health(compose2: Compose) -> None:
    shutil.copytree(EXAMPLE, compose2.place)
    compose2("up", "-d", "--wait")
    assert inspected(compose2, "db")["State"]["Health"]["Status"] == "healthy"


def test_a_service_that_never_is_healthy_fails_the_wait(compose2: Compose) -> None:
    compose2.write({FILE: ONE % 'healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 2}'})
    found = compose2.run("up", "-d", "--wait")
    assert (found.returncode, "unhealthy" in found.stderr) == (1, True), found.stderr


@pytest.mark.parametrize("changed", ["environment: {A: b}", "command: sleep 999"])
def test_a_service_that_has_changed_is_made_anew_and_keeps_its_anonymous_volume(compose: Compose, changed: str) -> None:
    text = "services:\n  one: {build: ., %s}\n"
    compose.write({FILE: text % "init: true", "Dockerfile": "FROM busybox\nVOLUME /data\nCMD sleep 1000\n"})
    compose("up", "-d")
    before = inspected(compose, "one")["Id"]
    compose("exec", "-T", "one", "sh", "-c", "echo kept > /data/file")
    compose.write({FILE: text % changed})
    compose("up", "-d", "-t", "0")
    assert inspected(compose, "one")["Id"] != before
    assert compose("exec", "-T", "one", "cat", "/data/file") == "kept\n"
    # With dockerd, too, the volume is none that goes with its container any more.
    compose("down", "-v", "-t", "0")
    assert compose.machine("volume", "rm", *compose.machine("volume", "ls", "-q").stdout.split()).rc == 0


def test_addresses_are_those_that_were_asked_for(compose: Compose) -> None:
    more = "networks:\n  net: {ipam: {config: [{subnet: 10.123.0.0/24}]}}\n"
    compose.write({FILE: ONE % 'mac_address: "32:b5:b2:55:48:72", networks: {net: {ipv4_address: 10.123.0.253}}' + more})
    compose("up", "-d")
    before = running(compose)
    (found,) = inspected(compose, "one")["NetworkSettings"]["Networks"].values()
    assert found["IPAddress"] == "10.123.0.253"
    # Compose 2.26 says the other one where dockerd looks since 25.
    if not (compose.version.startswith("2.26.") and isinstance(compose.machine, Reference)):
        assert found["MacAddress"] == "32:b5:b2:55:48:72"
    compose("up", "-d")
    assert running(compose) == before


def test_files_are_copied_in_and_out(compose2: Compose) -> None:
    compose2.write({FILE: ONE % "init: true", "in.txt": "hello\n"})
    compose2("up", "-d")
    compose2("cp", "in.txt", "one:/tmp/in.txt")
    compose2("cp", "one:/tmp/in.txt", "out.txt")
    assert (compose2.place / "out.txt").read_text() == "hello\n"


def test_logs_are_followed_until_the_end(compose: Compose) -> None:
    script = "sh -c 'echo first; until test -e /go; do usleep 9999; done; echo last; until test -e /end; do usleep 9999; done'"
    compose.write({FILE: ONE.replace("sleep 1000", script) % "init: true"})
    compose("up", "-d")
    following = compose.begin("logs", "-f", "--no-color")
    assert following.stdout
    # Compose 1 may lose what is said right before the end, whoever answers it, so the end comes later.
    for word, then in (("first", "/go"), ("last", "/end")):
        while word not in (line := following.stdout.readline()):
            assert line
        compose("exec", "-T", "one", "touch", then)
    following.communicate(timeout=50)


def test_down_removes_what_it_is_told(compose: Compose) -> None:
    shutil.copytree(EXAMPLE, compose.place)
    compose("up", "-d")
    compose("down", "-t", "0")
    assert compose.machine("volume", "ls", "-q").stdout == "project_data\n"
    compose("down", "-v", "-t", "0")
    assert compose.machine("volume", "ls", "-q").stdout == compose.machine("ps", "-aq").stdout == ""


def test_watch_brings_changed_files_into_the_container(compose2: Compose) -> None:
    develop = "develop: {watch: [{action: sync, path: ./src, target: /src}]}"
    compose2.write(
        {
            FILE: "services:\n  one: {build: ., command: sleep 1000, " + develop + "}\n",
            "Dockerfile": "FROM busybox\nCOPY src /src\n",
            "src/a": "one",
        }
    )
    compose2("up", "-d")
    watching = compose2.begin("watch", "--no-up")
    assert watching.stdout
    seen = ""
    while "Watch" not in seen:
        line = watching.stdout.readline()
        assert line, seen
        seen += line
    compose2.write({"src/a": "two"})
    wait_until(lambda: compose2("exec", "-T", "one", "cat", "/src/a") == "two")
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=50)
