"""Clients of docker's API other than its own: libraries for Python and for Node, and what is built on them, where they are (clients.py)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import ryuk
from clients import CLIENTS, DOCKER, brought, plugin
from conftest import FACTOR, Machine, wait_until
from services import Service, needs_docker

PYTHON = "/usr/bin/python3"
# Programs, which read the address from DOCKER_HOST. Each is done when it has said so.
DOCKER_PY = """
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
AIODOCKER = """
import aiodocker, asyncio
async def main():
    async with aiodocker.Docker() as client:
        made = {"Image": "busybox", "Cmd": ["sh", "-c", "read a; echo got $a"], "OpenStdin": True, "AttachStdin": True}
        container = await client.containers.create_or_replace("aio", made)
        stream = await container.websocket(stdin=True, stdout=True, stream=True)
        await container.start()
        await stream.send_str("hello\\n")
        assert (await stream.receive()).data.split()[-2:] == [b"got", b"hello"]
        await stream.close()
        assert (await container.wait())["StatusCode"] == 0
        assert await container.log(stdout=True) == ["got hello\\n"]
        await container.delete()
        container = await client.containers.create({"Image": "busybox", "Cmd": ["sleep", "1000"]})
        await container.start()
        process = await container.exec(["sh", "-c", "echo out; exit 3"])
        async with process.start(detach=False) as stream:
            assert (await stream.read_out()).data == b"out\\n"
            assert await stream.read_out() is None
        assert (await process.inspect())["ExitCode"] == 3
        assert (await container.get_archive("/etc/passwd")).getnames() == ["passwd"]
        await container.delete(force=True)
        print("all of it")
asyncio.run(main())
"""
WHALES = """
from python_on_whales import docker
assert docker.run("busybox", ["echo", "hi"], remove=True) == "hi"
container = docker.run("busybox", ["sleep", "1000"], detach=True, init=True, name="whale", labels={"a": "b"})
assert container.state.running and docker.ps(filters={"label": "a=b"})[0].name == "whale"
assert docker.execute(container, ["echo", "x"]) == "x"
assert container.network_settings.ip_address and container.config.labels == {"a": "b"}
docker.stop(container, time=0)
docker.remove(container)
assert docker.image.inspect("busybox").root_fs.layers and docker.version().server.api_version
print("all of it")
"""
TESTCONTAINERS = """
import os, urllib.request
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.waiting_utils import wait_for_logs
words = "sh -c 'echo ready; exec httpd -f -p 8080 -h /etc'"
network = Network().create()
web = DockerContainer("busybox").with_command(words).with_exposed_ports(8080).with_network(network).with_network_aliases("web").start()
wait_for_logs(web, "ready", 10)
address = f"http://{web.get_container_host_ip()}:{web.get_exposed_port(8080)}/passwd"
assert urllib.request.urlopen(address).status == 200
other = DockerContainer("busybox").with_command("sleep 1000").with_network(network).start()
assert other.exec("ping -c 1 web").exit_code == 0
print("all of it", flush=True)
os._exit(0)  # a run that removes nothing itself
"""
TESTCONTAINERS_NODE = """
const { GenericContainer, Network, Wait } = require("testcontainers");
(async () => {
  const network = await new Network().start();
  const words = ["sh", "-c", "echo ready; exec httpd -f -p 8080 -h /etc"];
  const web = await new GenericContainer("busybox").withCommand(words).withExposedPorts(8080).withNetwork(network)
    .withNetworkAliases("web").withCopyContentToContainer([{ content: "hello", target: "/etc/new" }])
    .withWaitStrategy(Wait.forAll([Wait.forLogMessage("ready"), Wait.forListeningPorts()])).start();
  const answer = await fetch(`http://${web.getHost()}:${web.getMappedPort(8080)}/new`);
  if ((await answer.text()) !== "hello") throw new Error("no hello");
  const other = await new GenericContainer("busybox").withCommand(["sleep", "1000"]).withNetwork(network).start();
  if ((await other.exec(["ping", "-c", "1", "web"])).exitCode !== 0) throw new Error("no ping");
  process.stdout.write("all of it\\n", () => process.exit(0));  // a run that removes nothing itself
})().catch((error) => { console.error(error); process.exit(1); });
"""
DOCKERODE = """
const Docker = require("dockerode");
(async () => {
  const docker = new Docker({ socketPath: process.env.DOCKER_HOST.replace("unix://", "") });
  const container = await docker.createContainer({ Image: "busybox", Cmd: ["sleep", "1000"], name: "node" });
  await container.start();
  const exec = await container.exec({ Cmd: ["sh", "-c", "read x; echo got $x; exit 3"], AttachStdin: true, AttachStdout: true });
  const stream = await exec.start({ hijack: true, stdin: true });
  let seen = "";
  container.modem.demuxStream(stream, { write: (data) => { seen += data; } }, process.stderr);
  stream.write("it\\n");
  await new Promise((done) => stream.on("end", done));
  if (seen !== "got it\\n" || (await exec.inspect()).ExitCode !== 3) throw new Error(`saw ${seen}`);
  const waiting = container.wait();
  await container.kill();
  if ((await waiting).StatusCode !== 137) throw new Error("another status");
  await container.remove();
  console.log("all of it");
})().catch((error) => { console.error(error); process.exit(1); });
"""


class Programs:
    """Programs that are run for a service."""

    def __init__(self, machine: Machine, service: Service) -> None:
        self.place = Path(machine.directory)
        self.environment = {
            **os.environ,
            "DOCKER_HOST": service.address,
            "PYTHONPATH": f"{CLIENTS}/python",
            "NODE_PATH": f"{CLIENTS}/node_modules",
            "PATH": f"{os.path.dirname(DOCKER)}:{os.environ['PATH']}",
            "HOME": machine.directory,
            "TMPDIR": machine.directory,
        }

    def __call__(self, *words: str, expected: int = 0) -> str:
        """Run a program that has to end with an exit status, and return what it prints."""
        found = subprocess.run(words, cwd=self.place, env=self.environment, capture_output=True, text=True, timeout=100 * FACTOR)
        assert found.returncode == expected, found.stdout + found.stderr
        return found.stdout


@pytest.fixture
def programs(mydocker: Machine, service: Service) -> Programs:
    return Programs(mydocker, service)


@pytest.fixture
def node() -> str:
    """The path of Node."""
    found = shutil.which("node")
    if not found:
        pytest.skip("node is not installed")
    return found


@pytest.fixture
def ryuk_image(mydocker: Machine, programs: Programs) -> Iterator[None]:
    """The image of ryuk's stand-in, which testcontainers is told to take."""
    listed = subprocess.run(["ldd", os.path.realpath(sys.executable)], capture_output=True, text=True).stdout
    libraries = [word for word in listed.split() if word.startswith("/")]
    if not libraries:
        pytest.skip(f"{sys.executable} needs no libraries of the linker's: a container would not find what it needs")
    ryuk.pack(f"{mydocker.directory}/ryuk.tar", libraries)
    command = f'CMD ["{os.path.realpath(sys.executable)}", "-S", "/ryuk.py"]'
    assert mydocker("import", "-c", command, "-c", "ENV PYTHONDONTWRITEBYTECODE=1", "ryuk.tar", "ryuk:1").rc == 0
    programs.environment["RYUK_CONTAINER_IMAGE"] = "ryuk:1"
    yield
    assert mydocker("rmi", "ryuk:1").rc == 0


def _all_is_removed(mydocker: Machine) -> bool:
    networks = mydocker("network", "ls", "-q", "--filter", "type=custom").stdout
    return mydocker("ps", "-aq").stdout == networks == ""


@pytest.mark.parametrize(("package", "text"), [("docker", DOCKER_PY), ("aiodocker", AIODOCKER), ("python_on_whales", WHALES)])
def test_programs_in_python(programs: Programs, package: str, text: str) -> None:
    needs_docker()
    if package != "docker" or subprocess.run([PYTHON, "-c", "import docker"], capture_output=True).returncode:
        brought(f"python/{package}")
    assert programs(PYTHON, "-c", text) == "all of it\n"


def test_a_program_for_dockerode(programs: Programs, node: str) -> None:
    brought("node_modules/dockerode")
    assert programs(node, "-e", DOCKERODE) == "all of it\n"


def test_testcontainers_for_python_and_what_a_run_leaves(mydocker: Machine, programs: Programs, ryuk_image: None) -> None:
    brought("python/testcontainers")
    assert programs(PYTHON, "-c", TESTCONTAINERS) == "all of it\n"
    wait_until(lambda: _all_is_removed(mydocker))


def test_testcontainers_for_node_and_what_a_run_leaves(mydocker: Machine, programs: Programs, ryuk_image: None, node: str) -> None:
    brought("node_modules/testcontainers")
    assert programs(node, "-e", TESTCONTAINERS_NODE) == "all of it\n"
    wait_until(lambda: _all_is_removed(mydocker))


@pytest.fixture
def devcontainer(mydocker: Machine, programs: Programs, node: str) -> Iterator[Programs]:
    """The dev containers command line, with docker's client."""
    needs_docker()
    brought("node_modules/.bin/devcontainer")
    yield programs
    for name in mydocker("ps", "-aq").stdout.split():
        mydocker("rm", "-f", name)
    for image in mydocker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split():
        if image != "busybox:latest":
            mydocker("rmi", "-f", image)
    mydocker("image", "prune", "-f")
    mydocker("builder", "prune", "-f")


def _development(programs: Programs, settings: str, dockerfile: str = "") -> None:
    (place := programs.place / "ws/.devcontainer").mkdir(parents=True)
    (place / "devcontainer.json").write_text(settings)
    (place / "Dockerfile").write_text(dockerfile)


def _devcontainer(programs: Programs, verb: str, *words: str, expected: int = 0) -> str:
    program = brought("node_modules/.bin/devcontainer")
    return programs(program, verb, "--workspace-folder", "ws", "--docker-path", DOCKER, *words, expected=expected)


def test_a_development_container_of_an_image(devcontainer: Programs) -> None:
    _development(devcontainer, '{"image": "busybox", "remoteEnv": {"A": "b"}, "postCreateCommand": "echo made > /tmp/made"}')
    first = _devcontainer(devcontainer, "up")
    assert _devcontainer(devcontainer, "exec", "sh", "-c", "echo $A; cat /tmp/made; pwd; exit 3", expected=3) == "b\nmade\n/workspaces/ws\n"
    name = first.partition('"containerId":"')[2].partition('"')[0]
    assert name and name in _devcontainer(devcontainer, "up")  # it is found again


def test_a_development_container_of_a_dockerfile(devcontainer: Programs) -> None:
    settings = '{"build": {"dockerfile": "Dockerfile"}, "containerEnv": {"C": "d"}, "workspaceFolder": "/w", "workspaceMount": %s}'
    mount = '"source=${localWorkspaceFolder},target=/w,type=bind"'
    _development(devcontainer, settings % mount, "FROM busybox\nRUN echo built > /built\n")
    assert '"imageName":["made:1"]' in _devcontainer(devcontainer, "build", "--image-name", "made:1")
    assert '"outcome":"success"' in _devcontainer(devcontainer, "up")
    assert _devcontainer(devcontainer, "exec", "sh", "-c", "cat /built; echo $C; pwd; ls -a") == "built\nd\n/w\n.\n..\n.devcontainer\n"


# A feature: what it is, and the script that adds it to an image.
FEATURE = {
    "devcontainer-feature.json": """{"id": "hello", "version": "1.0.0", "name": "says hello",
        "options": {"greeting": {"type": "string", "default": "hi"}}, "containerEnv": {"FROM_FEATURE": "yes"}, "capAdd": ["SYS_PTRACE"],
        "mounts": [{"source": "of-the-feature", "target": "/kept", "type": "volume"}], "postCreateCommand": "echo post > /kept/post"}""",
    "install.sh": """#!/bin/sh
set -e
mkdir -p /usr/local/bin
printf '#!/bin/sh\\necho "%s, %s"\\n' "$GREETING" "$_REMOTE_USER" > /usr/local/bin/hello
chmod +x /usr/local/bin/hello
""",
}


@pytest.fixture
def feature(devcontainer: Programs, mydocker: Machine) -> Iterator[Programs]:
    """A project whose development container has a feature of its own."""
    _development(devcontainer, '{"image": "busybox", "features": {"./hello": {"greeting": "hey"}}}')
    (place := devcontainer.place / "ws/.devcontainer/hello").mkdir()
    for name, text in FEATURE.items():
        (place / name).write_text(text)
    yield devcontainer
    for name in mydocker("ps", "-aq").stdout.split():
        mydocker("rm", "-f", name)
    mydocker("volume", "rm", "of-the-feature")


@pytest.mark.parametrize("has_buildx", [False, True])
def test_a_development_container_with_a_feature(feature: Programs, mydocker: Machine, has_buildx: bool) -> None:
    """Where docker has buildx, that would build in a container of BuildKit's, whose image has to be pulled."""
    if has_buildx:
        plugins = feature.place / ".docker/cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-buildx").symlink_to(plugin("docker-buildx"))
    assert '"outcome":"success"' in _devcontainer(feature, "up", *(["--buildkit", "never"] if has_buildx else []))
    script = "hello; echo $FROM_FEATURE; cat /kept/post"
    assert _devcontainer(feature, "exec", "sh", "-c", script) == "hey, root\nyes\npost\n"
    (name,) = mydocker("ps", "-q").stdout.split()
    assert mydocker("inspect", "-f", "{{.HostConfig.CapAdd}}", name).stdout == "[SYS_PTRACE]\n"


def test_an_image_with_a_feature(feature: Programs, mydocker: Machine) -> None:
    assert '"imageName":["made:1"]' in _devcontainer(feature, "build", "--image-name", "made:1")
    assert mydocker("run", "--rm", "made:1", "sh", "-c", "hello; echo $FROM_FEATURE").stdout == "hey, root\nyes\n"
    assert "devcontainer.metadata" in mydocker("image", "inspect", "made:1").stdout
