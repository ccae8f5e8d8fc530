"""Time images on their way, side by side: pull from a registry on loopback, load, build from a cache.

    python tests/bench/images.py [--runs N] [--megabytes N] [--svg FILE]

The image has ten layers of this machine's own /usr, gzip-compressed once, by mydocker; every tool pulls the same bytes from docker's
registry, which runs with all of them in one network namespace. skopeo only copies: it unpacks nothing, and is the floor.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from run import tools_that_work
from svg import bars, plot
from tools import Docker, Mydocker, Podman, Scratch, Tool, quiet

_NAME = "127.0.0.1:5000/big:1"
_LAYERS = 10
_CONFIG = 'version: 0.1\nstorage: {{filesystem: {{rootdirectory: {0}}}}}\nhttp: {{addr: "127.0.0.1:5000"}}\nlog: {{level: error}}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare pull and load.")
    parser.add_argument("--runs", type=int, default=5, help="rounds [5]")
    parser.add_argument("--megabytes", type=int, default=500, help="uncompressed size of the image [500]")
    parser.add_argument("--svg", help="also write a plot to this file")
    options = parser.parse_args()
    with tools_that_work("docker,podman with crun") as (ready, _):
        bench = Bench(ready, ready[0].scratch)
        try:
            bench.make_image(options.megabytes)
            pulls = bench.rounds(options.runs, bench.pullers())
            loads = bench.rounds(options.runs, bench.loaders())
        finally:
            bench.close()
    _report("pull, s", pulls)
    _report("load, s", loads)
    if options.svg:
        Path(options.svg).write_text(plot({"pull (ms, median and quartiles)": bars(pulls), "load": bars(loads)}))


def _report(title: str, times: dict[str, list[float]]) -> None:
    base = statistics.median(times.get("docker") or times["mydocker"])
    print(f"\n{title}")
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"  {name:20} {middle:8.2f}   {middle / base:.2f} of docker's" if "docker" in times else f"  {name:20} {middle:8.2f}")


class Bench:
    """The registry, the image and the tools, all in dockerd's network namespace where there is one."""

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
            [*self.inside, "docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(1)

    def close(self) -> None:
        for process in (self.registry, self.keeper):
            if process:
                process.terminate()
                process.wait(10)

    def run(self, *words: str) -> None:
        quiet([*self.inside, *words])

    def make_image(self, megabytes: int) -> None:
        """Build ten layers of about the same size, push them, and save them for load."""
        context = Path(self.scratch.make("context"))
        share = megabytes * 1000000 // _LAYERS
        files = (path for path in sorted(Path("/usr").rglob("*")) if path.is_file() and not path.is_symlink())
        lines = ["FROM scratch"]
        for number in range(_LAYERS):
            filled = 0
            for path in files:
                target = context / str(number) / path.relative_to("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                filled += os.path.getsize(path)
                if filled >= share:
                    break
            lines.append(f"COPY {number} /")
        (context / "Dockerfile").write_text("\n".join(lines))
        words = self.tools["mydocker"].words
        self.run(*words, "build", "-q", "-t", _NAME, str(context))
        count = sum(len(names) for _, _, names in os.walk(context))
        self.run(*words, "push", "-q", _NAME)
        self.archive = f"{self.scratch.directory}/big.tar"
        self.run(*words, "save", "-o", self.archive, _NAME)
        print(f"{_LAYERS} layers, {count} files, {os.path.getsize(self.archive) / 1e6:.0f} MB compressed")
        self.run(*words, "builder", "prune", "-f")
        self.run(*words, "rmi", "-f", _NAME)

    def pullers(self) -> dict[str, tuple[list[str], list[str]]]:
        """Return for each tool what pulls, and what takes the image away again."""
        found = {}
        for name, tool in self.tools.items():
            flags = ["--tls-verify=false"] if isinstance(tool, Podman) else []
            found[name] = ([*tool.words, "pull", "-q", *flags, _NAME], [*tool.words, "rmi", "-f", _NAME])
        if shutil.which("skopeo"):
            place = f"{self.scratch.directory}/skopeo"
            copy = ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{_NAME}", f"oci:{place}:1"]
            found["skopeo copy"] = (copy, ["rm", "-rf", place])
        return found

    def loaders(self) -> dict[str, tuple[list[str], list[str]]]:
        return {
            name: ([*tool.words, "load", "-q", "-i", self.archive], [*tool.words, "rmi", "-f", _NAME]) for name, tool in self.tools.items()
        }

    def rounds(self, runs: int, commands: dict[str, tuple[list[str], list[str]]]) -> dict[str, list[float]]:
        """Time each command in turn; what undoes it is not timed."""
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, (command, undo) in commands.items():
                begun = time.monotonic()
                self.run(*command)
                times[name].append(time.monotonic() - begun)
                self.run(*undo)
        return times


if __name__ == "__main__":
    main()
