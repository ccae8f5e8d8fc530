"""Clients of docker's API other than its own: docker-compose and docker-py, where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from conftest import Machine
from services import Service

COMPOSE = """version: "2.4"
services:
  db:
    image: busybox
    command: sh -c 'echo db is up; touch /ready; exec sleep 1000'
    healthcheck: {test: ["CMD", "test", "-e", "/ready"], interval: 1s, retries: 9}
    volumes: ["data:/data"]
    networks: {back: {aliases: [database]}}
  web:
    build: ./web
    depends_on: {db: {condition: service_healthy}}
    ports: ["127.0.0.1::80"]
    networks: [back]
volumes: {data: {}}
networks: {back: {}}
"""
DOCKERFILE = 'FROM busybox\nRUN mkdir /www && echo hello > /www/index.html\nCMD ["httpd", "-f", "-h", "/www"]\n'
# A program for docker-py, which reads the address from DOCKER_HOST.
PROGRAM = """
import docker
client = docker.from_env(version="auto")
assert client.ping()
container = client.containers.run("busybox", ["sh", "-c", "echo up; exec sleep 1000"], name="py", detach=True, labels={"a": "b"})
assert [each.name for each in client.containers.list(filters={"label": "a=b"})] == ["py"]
assert container.exec_run("sh -c 'echo out; exit 3'") == (3, b"out\\n")
container.reload()
assert container.status == "running"
assert b"up" in container.logs()
assert container.stats(stream=False)["name"] == "/py"
container.stop(timeout=0)
assert container.wait()["StatusCode"] == 137
container.remove()
try:
    client.containers.get("py")
except docker.errors.NotFound:
    print("all of it")
"""


# Where packages put the plugin of docker's client that compose 2 is; it is a program of its own, too.
PLUGINS = ("/usr/libexec/docker/cli-plugins/docker-compose", "/usr/lib/docker/cli-plugins/docker-compose")


@pytest.fixture(params=[1, 2])
def compose_program(request: pytest.FixtureRequest) -> str:
    """The path of docker-compose, in each of its major versions."""
    found = shutil.which("docker-compose") if request.param == 1 else next(filter(os.path.exists, PLUGINS), None)
    if not found:
        pytest.skip(f"docker-compose {request.param} is not installed")
    return found


def test_a_project_of_compose_comes_up_stays_and_goes(mydocker: Machine, service: Service, compose_program: str) -> None:
    place = f"{mydocker.directory}/project"
    os.makedirs(f"{place}/web")
    for path, text in ((f"{place}/docker-compose.yml", COMPOSE), (f"{place}/web/Dockerfile", DOCKERFILE)):
        with open(path, "w") as file:
            file.write(text)

    def compose(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DOCKER_HOST": service.address, "DOCKER_BUILDKIT": "0"}
        return subprocess.run([compose_program, *words], cwd=place, env=environment, capture_output=True, text=True, timeout=100)

    try:
        up = compose("up", "-d")
        assert up.returncode == 0, up.stderr
        before = mydocker("ps", "-q", "--no-trunc").stdout
        assert before.count("\n") == 2
        assert compose("up", "-d").returncode == 0
        assert mydocker("ps", "-q", "--no-trunc").stdout == before  # nothing is made anew
        assert "(healthy)" in compose("ps").stdout
        assert compose("exec", "-T", "web", "wget", "-qO-", "http://localhost/").stdout == "hello\n"
        assert compose("exec", "-T", "web", "ping", "-c", "1", "database").returncode == 0
        assert "db is up" in compose("logs", "db").stdout
        assert compose("restart", "-t", "0", "web").returncode == 0
    finally:
        down = compose("down", "-v", "-t", "0", "--rmi", "local")
        mydocker("builder", "prune", "-f")
    assert down.returncode == 0, down.stderr
    assert mydocker("ps", "-aq").stdout == mydocker("volume", "ls", "-q").stdout == ""


def test_a_program_of_docker_py(service: Service) -> None:
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import docker"], capture_output=True).returncode:
        pytest.skip("docker-py is not installed")
    environment = {**os.environ, "DOCKER_HOST": service.address}
    found = subprocess.run([python, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=100)
    assert (found.returncode, found.stdout) == (0, "all of it\n"), found.stderr
