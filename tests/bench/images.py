"""Time images on their way, side by side: pull from a registry on loopback, load, and build, quiet and beside four busy processes.

    python tests/bench/images.py [--runs N] [--megabytes N] [--svg FILE]

The image has ten layers of files made by chance, the same on every machine and day, gzip-compressed once, by mydocker; every tool pulls
the same bytes from docker's registry, which runs with all of them in one network namespace. skopeo only copies: it unpacks nothing, and
is the floor.

All lies on an ext4 of its own with a journal: without one the kernel looks for free inodes again and again after many were removed. Every
command has a session of its own, as the kernel shares processors out among sessions (sched_autogroup).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from run import tools_that_work
from svg import bars, plot
from tools import Docker, Mydocker, Podman, Scratch, Tool, quiet

_NAME = "127.0.0.1:5000/big:1"
_LAYERS = 10
_STEPS = 20
_SIDES = "FROM {0} AS one\nRUN sleep 1\nFROM {0} AS two\nRUN sleep 1\nFROM {0}\nCOPY --from=one /etc /x\nCOPY --from=two /etc /y\n"
_FILE = 100_000  # bytes of a file on average
_CONFIG = 'version: 0.1\nstorage: {{filesystem: {{rootdirectory: {0}}}}}\nhttp: {{addr: "127.0.0.1:5000"}}\nlog: {{level: error}}\n'
_BUSY = "for each in 1 2 3 4; do while :; do :; done & done; wait"

# {tool: (what is timed, what takes its result away again)}
Commands = dict[str, tuple[list[str], list[str]]]
# {tool: seconds of each round}
Times = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare pull, load and build.")
    parser.add_argument("--runs", type=int, default=3, help="rounds [3]")
    parser.add_argument("--megabytes", type=int, default=500, help="uncompressed size of the image [500]")
    parser.add_argument("--svg", help="also write a plot to this file")
    options = parser.parse_args()
    with tools_that_work("docker,podman with crun", journal=True) as (ready, _):
        bench = Bench(ready, ready[0].scratch)
        try:
            print(bench.make_image(options.megabytes))
            _report_sizes(bench.sizes())
            subjects = bench.subjects()
            alone = {title: bench.rounds(options.runs, commands) for title, commands in subjects.items()}
            with busy():
                beside = {title: bench.rounds(options.runs, commands) for title, commands in subjects.items()}
        finally:
            bench.close()
    for title in subjects:
        _report(title, alone[title], beside[title])
    if options.svg:
        Path(options.svg).write_text(plot({f"{title} (ms, median and quartiles)": bars(times) for title, times in alone.items()}))


def _report(title: str, alone: Times, beside: Times) -> None:
    """Print a subject's medians as a Markdown table."""
    bases = [statistics.median(times.get("docker") or times["mydocker"]) for times in (alone, beside)]
    print(f"\n| {title}, seconds | alone | of docker | beside four busy processes | of docker |\n|---|---:|---:|---:|---:|")
    for name in alone:
        pairs = [(statistics.median(times[name]), base) for times, base in zip((alone, beside), bases, strict=True)]
        print(f"| {name} | " + " | ".join(f"{middle:.2f} | {middle / base:.2f}" for middle, base in pairs) + " |")


def _report_sizes(sizes: dict[str, int]) -> None:
    """Print how much of the disk the image takes with each tool, as a Markdown table."""
    base = sizes.get("podman with crun", sizes["mydocker"])
    print("\n| on the disk, MB | | of podman's |\n|---|---:|---:|")
    for name, size in sizes.items():
        print(f"| {name} | {size / 1e6:.0f} | {size / base:.2f} |")


@contextmanager
def busy() -> Iterator[None]:
    """Keep four processes busy meanwhile, in a session of their own."""
    leader = subprocess.Popen(["sh", "-c", _BUSY], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(leader.pid, 9)
        leader.wait()


class Bench:
    """The registry, the images and the tools, all in dockerd's network namespace where there is one."""

    def __init__(self, ready: list[Tool], scratch: Scratch) -> None:
        self.tools = {tool.name: tool for tool in ready if isinstance(tool, (Mydocker, Docker, Podman))}
        self.scratch = scratch
        docker = self.tools.get("docker")
        daemon = docker.daemon if isinstance(docker, Docker) else None
        self.keeper = None if daemon else subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; exec sleep 3600"])
        time.sleep(0.2)
        pid = daemon.pid if daemon else self.keeper.pid  # type: ignore[union-attr]
        self.inside = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        config = Path(scratch.directory) / "registry.yml"
        config.write_text(_CONFIG.format(scratch.make("registry")))
        self.registry = subprocess.Popen(
            [*self.inside, "docker-registry", "serve", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(1)

    def close(self) -> None:
        for process in (self.registry, self.keeper):
            if process:
                process.terminate()
                process.wait(10)

    def run(self, *words: str) -> None:
        quiet(["setsid", "--wait", *self.inside, *words])

    def make_image(self, megabytes: int) -> str:
        """Build ten layers of about the same size, push them, and save them for load. Return what came of it."""
        context = Path(self.scratch.make("context"))
        share = megabytes * 1000000 // _LAYERS
        chance = random.Random(1)  # what it makes is the same each time
        lines = ["FROM scratch"]
        for number in range(_LAYERS):
            _fill(context / str(number), share, chance)
            lines.append(f"COPY {number} /{number}")
        (context / "Dockerfile").write_text("\n".join(lines))
        words = self.tools["mydocker"].words
        self.run(*words, "build", "-q", "-t", _NAME, str(context))
        count = sum(len(names) for _, _, names in os.walk(context))
        self.run(*words, "push", "-q", _NAME)
        self.archive = f"{self.scratch.directory}/big.tar"
        self.run(*words, "save", "-o", self.archive, _NAME)
        self.run(*words, "builder", "prune", "-f")
        self.run(*words, "rmi", "-f", _NAME)
        return f"{_LAYERS} layers, {count} files, {os.path.getsize(self.archive) / 1e6:.0f} MB compressed"

    def subjects(self) -> dict[str, Commands]:
        """Return what is timed: {title: commands}."""
        remove = {name: [*tool.words, "rmi", "-f", _NAME] for name, tool in self.tools.items()}
        archive = ["load", "-q", "-i", self.archive]
        return {
            "pull": self._pulls(remove),
            "load": {name: ([*tool.words, *archive], remove[name]) for name, tool in self.tools.items()},
            f"build of {_STEPS} steps": self._builds("--no-cache"),
            "the same from the cache": self._builds(),
            "build of two stages of a second each": self._builds("--no-cache", text=_SIDES),
        }

    def sizes(self) -> dict[str, int]:
        """Return how many bytes of the disk the image takes: {tool: bytes}."""
        found = {}
        for name, (pull, undo) in self.subjects()["pull"].items():
            if name in self.tools:
                before = _taken(self.tools[name].images)
                self.run(*pull)
                found[name] = _taken(self.tools[name].images) - before
                self.run(*undo)
                if name == "mydocker":
                    self.run(*pull[:-1], "--no-blobs", pull[-1])
                    found["mydocker --no-blobs"] = _taken(self.tools[name].images) - before
                    self.run(*undo)
        return found

    def _pulls(self, remove: dict[str, list[str]]) -> Commands:
        found = {}
        for name, tool in self.tools.items():
            flags = ["--tls-verify=false"] if isinstance(tool, Podman) else []
            found[name] = ([*tool.words, "pull", "-q", *flags, _NAME], remove[name])
        if shutil.which("skopeo"):
            place = f"{self.scratch.directory}/skopeo"
            copy = ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{_NAME}", f"oci:{place}:1"]
            found["skopeo copy"] = (copy, ["rm", "-rf", place])
        return found

    def _builds(self, *flags: str, text: str = "") -> Commands:
        """Return what builds an image. docker's builder is the classic one.

        text: the Dockerfile, in which {0} stands for the base image; without it, many small steps
        """
        found = {}
        for name, tool in self.tools.items():
            context = Path(self.scratch.directory) / f"{'sides' if text else 'steps'}-{type(tool).__name__}"
            context.mkdir(exist_ok=True)
            steps = "\n".join(["FROM {0}", *(f"RUN echo {number} > /{number}" for number in range(_STEPS))])
            (context / "Dockerfile").write_text((text or steps).format(tool.image))
            own = ["--ulimit", "nofile=1024:1024", "--layers"] if isinstance(tool, Podman) else []
            build = [*tool.words, "build", "-q", "--network", "none", *own, *flags, "-t", "steps", str(context)]
            found[name] = (["env", "DOCKER_BUILDKIT=0", *build], ["true"])
        return found

    def rounds(self, runs: int, commands: Commands) -> Times:
        """Time each command in turn; what undoes it is not timed."""
        times: Times = {name: [] for name in commands}
        for _ in range(runs):
            for name, (command, undo) in commands.items():
                begun = time.monotonic()
                self.run(*command)
                times[name].append(time.monotonic() - begun)
                self.run(*undo)
        return times


def _fill(directory: Path, size: int, chance: random.Random) -> None:
    """Make so many bytes of files, fifty in a directory. gzip makes them half as long: each piece of 2 KB comes twice."""
    number = 0
    while size > 0:
        wanted = min(size, int(chance.expovariate(1 / _FILE)) + 1)
        target = directory / str(number // 50) / str(number)
        target.parent.mkdir(parents=True, exist_ok=True)
        half = chance.randbytes(wanted // 2 + 1)
        pieces = (half[at : at + 2048] * 2 for at in range(0, len(half), 2048))
        target.write_bytes(b"".join(pieces)[:wanted])
        size, number = size - wanted, number + 1


def _taken(directory: str) -> int:
    return int(quiet(["du", "-s", "-B1", directory]).split()[0])


if __name__ == "__main__":
    main()
