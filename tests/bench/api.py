"""Time docker's client and compose on the sockets of mydocker, dockerd and podman, side by side, and weigh the services.

    python tests/bench/api.py [--runs N] [--svg FILE]

As run.py, whose set-up this shares. Each service has a network namespace of its own, in which compose publishes its port. What one
activation takes is counted for mydocker alone: the two others stay.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from run import REPOSITORY, tools_that_work
from svg import bars, plot
from tools import Docker, Mydocker, Podman, PodmanCrun, Tool, pss, quiet, rounds, seconds

_LISTED = 50
# podman gives containers of its API limits that a host may refuse, see tools.Podman.
_PODMAN = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\n'


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare services of docker's Engine API.")
    parser.add_argument("--runs", type=int, default=10, help="rounds [10]")
    parser.add_argument("--svg", help="also write a plot to this file")
    options = parser.parse_args()
    with tools_that_work("docker,podman with crun", [Mydocker, PodmanCrun, Docker]) as (ready, _):
        services = [Service(tool) for tool in ready]
        try:
            times = {title: subject(services, options.runs) for title, subject in SUBJECTS.items()}
            weights = {service.name: service.weight() for service in services}
            spent = [_activation(services[0].tool) for _ in range(options.runs)]
        finally:
            for service in services:
                service.stop()
    _report(times, weights)
    print(f"\nFrom the activation to the first answer: {statistics.median(spent) * 1000:.0f} ms of processor time")
    if options.svg:
        Path(options.svg).write_text(plot({f"{title} (ms)": bars(each) for title, each in times.items()}))


class Service(Tool):
    """One engine's service at its socket. docker's is the daemon that is there already."""

    def __init__(self, tool: Tool) -> None:
        super().__init__(tool.scratch)
        self.tool, self.name = tool, tool.name
        self.process: subprocess.Popen[bytes] | None = None
        if isinstance(tool, Docker):
            self.socket = f"{Path(tool.images).parent}/sock"
            return
        self.socket = f"{tool.scratch.make(f'api-{self.name.split()[0]}')}/sock"
        verb = ["system", "service", "-t", "0"]
        environment = {**os.environ, "CONTAINERS_CONF": self._podmans_settings()}
        words = ["unshare", "-n", "-m", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *tool.words, *verb, f"unix://{self.socket}"]
        self.process = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} does not answer at its socket")
            time.sleep(0.05)

    def _podmans_settings(self) -> str:
        path = Path(f"{self.socket}.conf")
        path.write_text(_PODMAN)
        return str(path)

    def _answers(self) -> bool:
        try:
            return _ask(self.socket, "/_ping")
        except OSError:
            return False

    def docker(self, *words: str) -> list[str]:
        """Return a command of docker's client on the socket."""
        return ["/usr/bin/docker", "-H", f"unix://{self.socket}", *words]

    def run(self) -> list[str]:
        more = [word for word in self.tool.flags if word not in ("--network", "none")] if isinstance(self.tool, PodmanCrun) else []
        return self.docker("run", "--rm", "--network", "none", *more, "busybox", "true")

    def weight(self) -> int:
        """Return the bytes (PSS) of the service while nobody asks."""
        time.sleep(1)
        return sum(map(pss, [self.process.pid] if self.process else self.tool.daemons()))

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


Times = dict[str, list[float]]


def _run(services: list[Service], runs: int) -> Times:
    return rounds(services, runs, lambda service: seconds(service.run()), warm_up=1)


def _list(services: list[Service], runs: int) -> Times:
    times: Times = {}
    for service in services:
        with _containers(service):
            times |= rounds([service], runs, _listing, warm_up=1)
    return times


@contextmanager
def _containers(service: Service) -> Iterator[None]:
    tool = service.tool
    made = [quiet(tool.verb("run", "-d", tool.image, "sleep", "600")) for _ in range(_LISTED)]
    try:
        yield
    finally:
        quiet(tool.removal(*made))


def _listing(service: Service) -> float:
    start = time.perf_counter()
    assert _ask(service.socket, "/v1.41/containers/json")
    return time.perf_counter() - start


def _ask(path: str, resource: str) -> bool:
    """Say whether a service answers a request well. path: its socket's"""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        connection.sendall(f"GET {resource} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            return answer.read().startswith(b"HTTP/1.1 200 ")


def _compose(services: list[Service], runs: int) -> Times:
    program = shutil.which("docker-compose")
    if not program:
        print("docker-compose is not installed: it was not measured\n")
        return {}
    with_health = [service for service in services if not isinstance(service.tool, Podman)]  # podman has systemd check it
    return rounds(with_health, min(runs, 5), lambda service: _up(service, program), warm_up=1)


def _up(service: Service, program: str) -> float:
    project = Path(f"{service.socket}-project")
    shutil.copytree(REPOSITORY / "examples/compose", project, dirs_exist_ok=True)
    environment = {**os.environ, "DOCKER_HOST": f"unix://{service.socket}", "DOCKER_BUILDKIT": "0", "COMPOSE_ANSI": "never"}
    words = [program, "--project-directory", str(project), "-f", f"{project}/docker-compose.yml"]
    try:
        start = time.perf_counter()
        subprocess.run([*words, "up", "-d"], env=environment, check=True, capture_output=True, timeout=120)
        return time.perf_counter() - start
    finally:
        subprocess.run([*words, "down", "-v", "-t", "0"], env=environment, check=True, capture_output=True, timeout=120)


SUBJECTS = {
    "docker run --rm --network none busybox true": _run,
    f"GET /containers/json with {_LISTED} containers": _list,
    "docker-compose up -d of examples/compose, built before": _compose,
}


def _activation(tool: Tool) -> float:
    """Return the processor seconds of a service that is handed a socket (sd_listen_fds(3)), until it has answered and ended."""
    path = f"{tool.scratch.directory}/activated"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        script = 'export LISTEN_PID=$$ LISTEN_FDS=1; fd=$1; shift; eval "exec \\"\\$@\\" 3<&$fd"'
        words = ["sh", "-c", script, "sh", str(listener.fileno()), *tool.words, "system", "service"]
        process = subprocess.Popen(words, pass_fds=[listener.fileno()])
        assert _ask(path, "/_ping")
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    os.unlink(path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _report(times: dict[str, Times], weights: dict[str, int]) -> None:
    """Print the medians as a Markdown table."""
    names = list(weights)
    print("| median ms | " + " | ".join(names) + " | of docker |\n|---|" + "---:|" * (len(names) + 1))
    for title, each in times.items():
        medians = {name: statistics.median(each[name]) * 1000 for name in names if name in each}
        if medians:
            cells = [f"{medians[name]:.1f}" if name in medians else "" for name in names]
            print(f"| {title} | " + " | ".join(cells) + f" | {medians['mydocker'] / medians['docker']:.2f} |")
    print("\n| the service while nobody asks | MB PSS |\n|---|---:|")
    for name, weight in weights.items():
        print(f"| {name} | {weight / 1e6:.1f} |")


if __name__ == "__main__":
    main()
