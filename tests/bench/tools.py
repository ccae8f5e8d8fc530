"""The tools that are compared: how each is set up, runs one container, and keeps a detached one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

REPOSITORY = Path(__file__).resolve().parents[2]
Some = TypeVar("Some", bound="Tool")

# The cgroup that everything of a bench is in, but mydocker's own, so that nobody else's is removed at its end.
CGROUP = f"/mydocker-bench-{os.getpid()}"

_REST = 0.1  # seconds


def quiet(command: list[str]) -> str:
    """Run a command and return its output. Raises CalledProcessError."""
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()


def seconds(*commands: list[str]) -> float:
    """Return how long commands take, one after the other. Raises CalledProcessError. What stays behind may hold standard error open."""
    start = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - start


def rounds(tools: Sequence[Some], runs: int, once: Callable[[Some], float], warm_up: int = 0) -> dict[str, list[float]]:
    """Return {name: figures of each run}; each round asks every tool once, so whatever else the machine does meets all of them.

    Each time in another order, and after a rest: what one leaves to the kernel or to its daemon must not always meet the same other one.
    """
    figures: dict[str, list[float]] = {tool.name: [] for tool in tools}
    order = random.Random(1)
    for number in range(warm_up + runs):
        for tool in order.sample(tools, len(tools)):
            time.sleep(_REST)
            figure = once(tool)
            if number >= warm_up:
                figures[tool.name].append(figure)
    return figures


def remove_cgroups() -> None:
    """Remove CGROUP and all in it, children first. Where a hierarchy is not mounted any more, it is an ordinary directory."""
    root = Path("/sys/fs/cgroup")
    for top in [*root.glob(f"*{CGROUP}"), *root.glob(CGROUP[1:])]:
        if not (top / "cgroup.procs").exists():
            shutil.rmtree(top)
            continue
        for path in sorted((each for each in [top, *top.rglob("*/")] if each.is_dir()), key=lambda each: -len(each.parts)):
            path.rmdir()


class Scratch:
    """The directory that everything is in: the image as a tar and as a root file system."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.tar = f"{directory}/busybox.tar"
        with open(self.tar, "wb") as file:
            subprocess.run([REPOSITORY / "mydocker/engine/system/busybox-image"], check=True, stdout=file)
        self.rootfs = self.make("rootfs")
        quiet(["tar", "-xf", self.tar, "-C", self.rootfs])
        self._prefix = ""

    def make(self, name: str) -> str:
        """Make a directory and return its path."""
        path = f"{self.directory}/{name}"
        os.makedirs(path)
        return path

    def installed(self, program: str) -> str:
        """Install mydocker as users have it, compiled, once; return the path of one of its commands."""
        if not self._prefix:
            prefix = self.make("prefix")
            environment = {**os.environ, "PREFIX": prefix}
            subprocess.run([REPOSITORY / "vm/provision.sh", "install"], check=True, capture_output=True, env=environment)
            self._prefix = prefix
        return f"{self._prefix}/bin/{program}"


class Tool:
    """One row. is_engine: it has images and detached containers, so its helpers are weighed too."""

    name = ""
    program = ""
    image = "busybox"
    words: list[str]
    images = ""  # the directory that an engine's images are in
    flags: tuple[str, ...] = ("--network", "none", "--cgroup-parent", CGROUP)
    is_engine = False

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch

    def unusable(self) -> str:
        """Set the tool up; return why it does not work here, '' if it does."""
        if self.program and not shutil.which(self.program):
            return f"{self.program} is not installed"
        try:
            self.set_up()
            quiet(self.command())
        except subprocess.CalledProcessError as error:
            return str((error.stderr.strip().splitlines() or [error])[-1])
        return ""

    def set_up(self) -> None:
        """Make what command() needs."""

    def command(self) -> list[str]:
        """Return the command that runs `true` in a container."""
        raise NotImplementedError

    def detached(self) -> list[str]:
        """Return the command that starts a container in the background and prints its id."""
        raise NotImplementedError

    def removal(self, *identities: str) -> list[str]:
        """Return the command that ends and removes such containers."""
        raise NotImplementedError

    def verb(self, verb: str, *arguments: str) -> list[str]:
        """Return the command of an engine's verb; run and create get no network, and what else they need here."""
        more = self.flags if verb in ("run", "create") else ()
        return [*self.words, verb, *more, *arguments]

    def weigh(self) -> tuple[int, int]:
        """Return the bytes (PSS) of the processes that keep one detached container, and of those that keep all."""
        identity = quiet(self.detached())
        time.sleep(1)
        # Whatever keeps a container is the parent of its first process.
        keeper = _parent(int(quiet(self.verb("inspect", "--format", "{{.State.Pid}}", identity))))
        own, shared = pss(keeper), sum(map(pss, self.daemons()))
        quiet(self.removal(identity))
        return own, shared

    def daemons(self) -> list[int]:
        """Return the processes that a host has once."""
        return []

    def stop(self) -> None:
        """End what set_up() started."""


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def pss(pid: int) -> int:
    """Return the bytes of a process, its part of what it shares with others among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


class Python(Tool):
    """The floor: what a Python program pays for being one."""

    name, program = "python3 -I -S -c pass", "python3"

    def command(self) -> list[str]:
        return ["/usr/bin/python3", "-I", "-S", "-c", "pass"]


class Mydocker(Tool):
    name, is_engine = "mydocker", True
    flags = ("--network", "none")  # it removes its cgroups itself

    def set_up(self) -> None:
        self.images = self.scratch.make("root")
        self.words = [self.scratch.installed("mydocker"), "--root", self.images, "--state", self.scratch.make("state")]
        quiet([*self.words, "import", "-c", 'CMD ["sh"]', self.scratch.tar, "busybox:latest"])

    def command(self) -> list[str]:
        return self.verb("run", "--rm", "busybox", "true")

    def detached(self) -> list[str]:
        return self.verb("run", "-d", "busybox", "sleep", "600")

    def removal(self, *identities: str) -> list[str]:
        return [*self.words, "rm", "-f", *identities]


class Docker(Tool):
    name, program, is_engine = "docker", "dockerd", True
    address: str
    daemon: subprocess.Popen[bytes] | None = None

    def set_up(self) -> None:
        place = self.scratch.make("docker")
        self.images = f"{place}/data"
        self.address = f"unix://{place}/sock"
        # Not the client of another version that PATH may have first.
        self.words = ["/usr/bin/docker", "-H", self.address]
        flags = f"--data-root {place}/data --exec-root {place}/exec -H {self.address} --pidfile {place}/pid --bip 172.30.0.1/24"
        script = f"ip link set lo up; exec dockerd {flags} > {place}/log 2>&1"
        # Mounts of its own too: dockerd leaves one of a network namespace, for containers on the host's.
        self.daemon = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", script])
        deadline = time.monotonic() + 60
        while subprocess.run([*self.words, "info"], capture_output=True).returncode:
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                raise subprocess.CalledProcessError(1, "dockerd", stderr=Path(f"{place}/log").read_text())
            time.sleep(0.1)
        quiet([*self.words, "import", "-c", 'CMD ["sh"]', self.scratch.tar, "busybox:latest"])

    def command(self) -> list[str]:
        return self.verb("run", "--rm", "busybox", "true")

    def detached(self) -> list[str]:
        return self.verb("run", "-d", "busybox", "sleep", "600")

    def removal(self, *identities: str) -> list[str]:
        return [*self.words, "rm", "-f", *identities]

    def daemons(self) -> list[int]:
        assert self.daemon
        children = [int(pid) for path in Path(f"/proc/{self.daemon.pid}/task").glob("*/children") for pid in path.read_text().split()]
        return [self.daemon.pid, *children]

    def stop(self) -> None:
        if self.daemon:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(60)


class Podman(Tool):
    program, is_engine = "podman", True
    runtime, image = "", "localhost/busybox"
    # Hosts that may not raise a hard limit refuse podman's defaults.
    flags = (*Tool.flags, "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")

    def set_up(self) -> None:
        place = self.scratch.make(f"p-{Path(self.runtime).name}")  # podman wants its run directory's name to be short
        if not shutil.which(self.runtime):
            raise subprocess.CalledProcessError(1, "podman", stderr=f"{self.runtime} is not installed")
        self.images = f"{place}/root"
        roots = ["--root", f"{place}/root", "--runroot", f"{place}/run", "--tmpdir", f"{place}/tmp"]
        self.words = ["podman", *roots, "--runtime", self.runtime, "--cgroup-manager", "cgroupfs"]
        quiet([*self.words, "import", "-c", "CMD=sh", self.scratch.tar, "localhost/busybox:latest"])

    def command(self) -> list[str]:
        return self.verb("run", "--rm", "localhost/busybox", "true")

    def detached(self) -> list[str]:
        return self.verb("run", "-d", "localhost/busybox", "sleep", "600")

    def removal(self, *identities: str) -> list[str]:
        return [*self.words, "rm", "-f", "-t", "0", *identities]


class PodmanCrun(Podman):
    name, runtime = "podman with crun", "crun"


class PodmanRunc(Podman):
    name, runtime = "podman with runc", "runc"


class PodmanMydocker(Podman):
    name = "podman with mydocker-oci"

    def set_up(self) -> None:
        self.runtime = self.scratch.installed("mydocker-oci")
        super().set_up()


class Runtime(Tool):
    """An OCI runtime with a bundle of its own making."""

    @property
    def cgroup(self) -> str:
        """The container's cgroup, below each hierarchy's root."""
        return f"{CGROUP}/{self.name.split()[0]}"

    def set_up(self) -> None:
        self.place = self.scratch.make(f"state-{self.name}")
        self.bundle = self._bundle("true")
        self.sleeping = self._bundle("sleep", "600")

    def _bundle(self, *args: str) -> str:
        bundle = self.scratch.make(f"bundle-{args[0]}-{self.name}")
        subprocess.run([self.program, "spec"], check=True, cwd=bundle, capture_output=True)
        path = Path(f"{bundle}/config.json")
        spec = json.loads(path.read_text())
        spec["process"] |= {"terminal": False, "args": list(args), "rlimits": []}
        spec["root"]["path"] = self.scratch.rootfs
        spec["linux"]["cgroupsPath"] = self.cgroup
        path.write_text(json.dumps(spec))
        return bundle

    def command(self) -> list[str]:
        return self.verb("run", "--bundle", self.bundle, uuid.uuid4().hex)

    def verb(self, verb: str, *arguments: str) -> list[str]:
        return [self.program, "--root", self.place, verb, *arguments]


class Runc(Runtime):
    name, program = "runc run", "runc"


class Crun(Runtime):
    name, program = "crun run", "crun"


class MydockerOci(Runtime):
    name = "mydocker-oci run"

    def set_up(self) -> None:
        self.program = self.scratch.installed("mydocker-oci")
        super().set_up()


class Bubblewrap(Tool):
    name, program = "bubblewrap", "bwrap"

    def command(self) -> list[str]:
        return ["bwrap", "--unshare-all", "--bind", self.scratch.rootfs, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]


RUNTIMES: list[type[Tool]] = [MydockerOci, Runc, Crun]
PODMANS: list[type[Tool]] = [PodmanMydocker, PodmanRunc, PodmanCrun]
TOOLS: list[type[Tool]] = [Python, Bubblewrap, Crun, Runc, Mydocker, PodmanCrun, PodmanRunc, Docker]
