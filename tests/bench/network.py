"""Time containers with a network, side by side: starts on the default bridge, published ports, many containers on one network.

    python tests/bench/network.py [--runs N] [--only NAME,…] [--many N] [--svg FILE]

As run.py, whose set-up this shares. Each engine has a network namespace of its own that plays the host, and another one on a wire to it
that plays the client; iperf3 and the servers run inside the containers' namespaces, so the images do not matter. The floor is a veth pair
between two namespaces, without bridge and NAT.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from run import WARM_UP, tools_that_work
from svg import bars, plot
from tools import Docker, Mydocker, Podman, Tool, quiet, rounds, seconds

_TRAFFIC = Path(__file__).parents[1] / "integration" / "traffic.py"
_PORT, _LATENCY_PORT = 5201, 5202
_SECONDS, _CONNECTIONS = 4, 500
Times = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare networks.")
    parser.add_argument("--runs", type=int, default=15, help="rounds [15]")
    parser.add_argument("--only", default="docker", help="comma-separated names; mydocker is always among them [docker]")
    parser.add_argument("--many", type=int, default=200, help="containers on the network for the last line [200]")
    parser.add_argument("--svg", help="also write a plot to this file")
    options = parser.parse_args()
    with tools_that_work(options.only) as (ready, _):
        hosts = [Host(tool) for tool in ready if isinstance(tool, (Mydocker, Docker, Podman))]
        try:
            starts = rounds(
                [host.tool for host in hosts], options.runs, lambda tool: seconds(tool.verb("run", "--rm", tool.image, "true")), WARM_UP
            )
            _report("run --rm busybox true on the default bridge, ms", {name: [1000 * t for t in each] for name, each in starts.items()})
            if shutil.which("iperf3"):
                _report("through a published port, Gbit/s", _traffic(hosts, 3, _throughput))
            else:
                print("\nThrough a published port, not measured: iperf3 is not installed")
            _report("a connection and an answer through a published port, ms", _traffic(hosts, 3, _latency))
            _report("50 run -d on one bridge, ms each", {host.tool.name: [20 * _many(host, 50)] for host in hosts})
            _report(f"network connect with {options.many} containers on it, ms", {h.tool.name: _connect(h, options.many) for h in hosts})
        finally:
            for host in hosts:
                host.close()
    if options.svg:
        chart = {"run --rm busybox true on the default bridge (ms, median and quartiles)": bars(starts)}
        Path(options.svg).write_text(plot(chart))


class Namespace:
    """A network namespace, kept by a process that sleeps."""

    def __init__(self, pid: int = 0) -> None:
        self.keeper = None if pid else subprocess.Popen(["unshare", "--net", "sleep", "3600"])
        self.pid = pid or self.keeper.pid  # type: ignore[union-attr]
        while Path(f"/proc/{self.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            time.sleep(0.01)
        self.words = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def run(self, *command: str) -> str:
        return quiet([*self.words, *command])

    def wire(self, other: Namespace, own: str, its: str) -> None:
        """Lay a wire to another namespace, /24."""
        self.run("ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", str(other.pid))
        for place, address in ((self, own), (other, its)):
            place.run("ip", "address", "add", f"{address}/24", "dev", "wire")
            place.run("ip", "link", "set", "wire", "up")
            place.run("ip", "link", "set", "lo", "up")

    def close(self) -> None:
        if self.keeper:
            self.keeper.kill()
            self.keeper.wait()


class Host:
    """An engine on a host of its own, with a client on a wire."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        daemon = tool.daemon.pid if isinstance(tool, Docker) and tool.daemon else 0
        self.namespace = Namespace(daemon)
        self.client = Namespace()
        self.namespace.wire(self.client, "10.55.0.1", "10.55.0.2")
        tool.flags = tuple(word for word in tool.flags if word not in ("--network", "none"))
        if not daemon:
            tool.words = [*self.namespace.words, *tool.words]

    def seconds(self, verb: str, *arguments: str) -> float:
        """Return how long a verb takes."""
        start = time.perf_counter()
        quiet(self.tool.verb(verb, *arguments))
        return time.perf_counter() - start

    @contextmanager
    def containers(self, count: int, *flags: str) -> Iterator[list[str]]:
        made = [quiet(self.tool.verb("run", "-d", *flags, self.tool.image, "sleep", "3600")) for _ in range(count)]
        try:
            yield made
        finally:
            for identity in made:
                quiet(self.tool.removal(identity))

    @contextmanager
    def server(self) -> Iterator[str]:
        """Run the servers in a container with published ports; give the address that the client asks."""
        flags = [word for port in (_PORT, _LATENCY_PORT) for word in ("-p", f"{port}:{port}")]
        with self.containers(1, *flags) as (identity,):
            pid = quiet(self.tool.verb("inspect", "-f", "{{.State.Pid}}", identity))
            with _servers(Namespace(int(pid))):
                yield "10.55.0.1"

    def close(self) -> None:
        self.client.close()
        self.namespace.close()


@contextmanager
def _servers(place: Namespace) -> Iterator[None]:
    commands = [["python3", str(_TRAFFIC), "serve", str(_LATENCY_PORT)]]
    if shutil.which("iperf3"):
        commands.append(["iperf3", "-s", "-p", str(_PORT)])
    running = [subprocess.Popen([*place.words, *command], stdout=subprocess.DEVNULL) for command in commands]
    time.sleep(0.5)
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _traffic(hosts: list[Host], runs: int, measure: Callable[[Namespace, str], float]) -> Times:
    """Return {name: values}, the floor among them; each round asks everybody once."""
    one, other = Namespace(), Namespace()
    one.wire(other, "10.56.0.1", "10.56.0.2")
    times: Times = {"veth pair alone": [], **{host.tool.name: [] for host in hosts}}
    try:
        for _ in range(runs):
            with _servers(one):
                times["veth pair alone"].append(measure(other, "10.56.0.1"))
            for host in hosts:
                with host.server() as address:
                    times[host.tool.name].append(measure(host.client, address))
    finally:
        one.close()
        other.close()
    return times


def _throughput(client: Namespace, address: str) -> float:
    result = json.loads(client.run("iperf3", "-J", "-c", address, "-p", str(_PORT), "-t", str(_SECONDS)))
    return float(result["end"]["sum_received"]["bits_per_second"]) / 1e9


def _latency(client: Namespace, address: str) -> float:
    start = time.perf_counter()
    answered = client.run("python3", str(_TRAFFIC), "many", address, str(_LATENCY_PORT), str(_CONNECTIONS))
    assert answered == str(_CONNECTIONS)
    whole = time.perf_counter() - start
    start = time.perf_counter()
    client.run("python3", str(_TRAFFIC), "many", address, str(_LATENCY_PORT), "0")
    return 1000 * (whole - (time.perf_counter() - start)) / _CONNECTIONS


def _many(host: Host, count: int) -> float:
    start = time.perf_counter()
    with host.containers(count):
        return time.perf_counter() - start


def _connect(host: Host, count: int) -> list[float]:
    """Return the milliseconds of connecting one more container to a network of `count`."""
    quiet(host.tool.verb("network", "create", "bench"))
    with host.containers(count, "--network", "bench"), host.containers(1) as (one,):
        times = []
        for _ in range(5):
            times.append(1000 * host.seconds("network", "connect", "bench", one))
            host.seconds("network", "disconnect", "bench", one)
    quiet(host.tool.verb("network", "rm", "bench"))
    return times


def _report(title: str, times: Times) -> None:
    print(f"\n| {title} | median | of docker |\n|---|---:|---:|")
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        ratio = f"{median / medians['docker']:.2f}" if "docker" in medians else ""
        print(f"| {name} | {median:.3g} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
