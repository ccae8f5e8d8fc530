"""What every integration test stands on: the command under test, waiting, terminals, and the check that nothing is left.

Everything goes through testinfra's `host`, so a test does not know where it runs. MYDOCKER_COMMAND names the command to
test; without it a launcher for this checkout is made, which starts as the installed one does.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from typing import TYPE_CHECKING, Any, Protocol

import click
import pytest
from builds import build  # noqa: F401  # a fixture
from bundles import any_runtime, busybox, crun, oci  # noqa: F401  # fixtures
from clients import compose, compose2, composes  # noqa: F401  # fixtures, and what they are made of
from firewall import KINDS, LIST_RULES, be_alone, delete_rules
from keeper import Keeper
from reference import docker_client, dockerd  # noqa: F401  # fixtures
from snapshots import difference, snapshot
from workers import can_have_machines, own_machine, own_mounts

from mydocker.cgroups.group import read, walk_up
from mydocker.cgroups.layout import Layout
from mydocker.kernel.mounts import mountinfo
from mydocker.kernel.namespaces import CLONE_NEWNET, unshare
from mydocker.native import command
from mydocker.paths import Paths
from mydocker.storage import drivers

if TYPE_CHECKING:
    from services import Service

REPOSITORY = Path(__file__).resolve().parents[2]
FACTOR = float(os.environ.get("MYDOCKER_TEST_TIMEOUT_FACTOR", "1"))
# The slowest test takes a minute and a half on a busy machine.
HANGS_AFTER = 400


def pytest_addoption(parser: pytest.Parser) -> None:
    """--reference docker: see test_reference.py; --rounds, --seed: test_chaos.py; --specification, --seconds: test_api_specification.py."""
    parser.addoption("--reference", choices=["docker"], help="compare with docker, side by side")
    parser.addoption("--firewall", choices=KINDS, help="hide nft and the other iptables: what mydocker and the tests have is this one")
    parser.addoption("--rounds", type=int, default=0, help="of chaos; tox -e chaos chooses 200")
    parser.addoption("--seed", type=int, default=1, help="of chaos [1]")
    parser.addoption("--specification", help="docker's description of its API, named by its version: v1.41.yaml")
    parser.addoption("--seconds", type=int, default=300, help="of requests made from the specification [300]")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The seed is in the name of a test that takes it, so it is printed whatever becomes of the test; compose has several versions."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", [metafunc.config.getoption("seed")], ids=lambda seed: f"seed {seed}")
    if "compose" in metafunc.fixturenames:
        found = composes(with_dockerd=metafunc.config.getoption("--reference") == "docker")
        metafunc.parametrize("compose", found, ids=map(" on ".join, found), indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that hangs is ended and named, and what it left is cleaned up as after any other."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(HANGS_AFTER * FACTOR))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto` is three workers for two processors, as they wait for a third of their time, and none where workers.py cannot have any."""
    return (3 * len(os.sched_getaffinity(0)) + 1) // 2 if can_have_machines(Layout.detect(Paths())) else 0


def wait_until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Poll until the condition holds and return what it returned; fail after a deadline."""
    deadline = time.monotonic() + seconds * FACTOR
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"nothing came of waiting {seconds * FACTOR:g} s for {condition}")
        time.sleep(0.02)


def end(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a process a signal and wait for its end. It need be no child of this one.

    That its parent takes note of the end is not waited for: the first process of some machines does that every two seconds only.
    """
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, number)
        assert select.select([descriptor], [], [], 20 * FACTOR)[0], f"process {pid} does not end"
    finally:
        os.close(descriptor)


class Terminal:
    """A command on a pseudo-terminal: send keys, expect output, wait for its end."""

    def __init__(self, command: list[str], environment: dict[str, str], size: tuple[int, int]) -> None:
        self.seen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            ioctl(0, TIOCSWINSZ, pack("HHHH", *size, 0, 0))
            os.execvpe(command[0], command, environment)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def resize(self, rows: int, columns: int) -> None:
        """Change the window size, as a window manager would."""
        ioctl(self.master, TIOCSWINSZ, pack("HHHH", rows, columns, 0, 0))

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 4096)
        except OSError:
            return False  # the last process closed the terminal
        self.seen += data.decode(errors="replace")
        return bool(data)

    def expect(self, text: str, seconds: float = 10) -> None:
        """Read until a text was seen; what comes after it is left for the next call."""
        deadline = time.monotonic() + seconds * FACTOR
        while text not in self.seen:
            if time.monotonic() > deadline or not self._read(0.1):
                pytest.fail(f"{text!r} was not seen in {self.seen!r}")
        self.seen = self.seen.partition(text)[2]

    def until(self, condition: Callable[[str], Any], seconds: float = 10) -> None:
        """Read until a condition holds of all that was seen."""
        deadline = time.monotonic() + seconds * FACTOR
        while not condition(self.seen):
            if time.monotonic() > deadline or not self._read(0.1):
                pytest.fail(f"what is waited for was not seen in {self.seen[-2000:]!r}")

    def wait(self, seconds: float = 10) -> int:
        """Return the command's exit status."""
        deadline = time.monotonic() + seconds * FACTOR
        while True:
            open_ = self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                while select.select([self.master], [], [], 0)[0] and self._read(0):
                    pass  # what it wrote last
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                pytest.fail(f"the command does not end; it wrote {self.seen!r}")
            if not open_:
                time.sleep(0.02)


def roots(directory: str) -> dict[str, str]:
    """Return the environment that has mydocker keep everything in a directory of the tests'."""
    return {"MYDOCKER_ROOT": f"{directory}/root", "MYDOCKER_STATE": f"{directory}/state"}


class Result(Protocol):
    """What a command has done: of what testinfra's run() returns, and gives no type, what tests look at."""

    rc: int
    stdout: str
    stdout_bytes: bytes
    stderr: str


class Machine:
    """The command under test, with roots of its own in `directory`, where shell scripts run too."""

    def __init__(self, host: Any, command: str, directory: str) -> None:
        self.host = host
        self.command = command
        self.directory = directory
        self.environment = roots(directory)

    quote = staticmethod(shlex.quote)
    wait_until = staticmethod(wait_until)
    end = staticmethod(end)

    def _prefix(self, extra: dict[str, str] | None = None) -> str:
        return "env " + " ".join(f"{k}={shlex.quote(v)}" for k, v in {**self.environment, **(extra or {})}.items())

    @property
    def prefixed(self) -> str:
        """The command with its environment, for a script that runs elsewhere."""
        return f"{self._prefix()} {self.command}"

    def __call__(self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Result:
        """Run mydocker with these arguments; return rc, stdout and stderr."""
        line = f"cd {self.directory}; {self._prefix(env)} {shlex.join([self.command, *arguments])}"
        result: Result = self.host.run(f"printf %s {shlex.quote(stdin)} | ({line})" if stdin else f"({line}) < /dev/null")
        return result

    def sh(self, script: str) -> Result:
        """Run a shell script in the directory; {mydocker} and {directory} stand for themselves."""
        text = script.replace("{mydocker}", self.prefixed).replace("{directory}", self.directory)
        result: Result = self.host.run(f"cd {self.directory}; {text}")
        return result

    def terminal(self, *arguments: str, size: tuple[int, int] = (24, 80)) -> Terminal:
        """Run mydocker on a terminal."""
        return Terminal([self.command, *arguments], {**os.environ, **self.environment}, size)

    def record(self, name: str) -> dict[str, Any]:
        """Return a container's record."""
        claim = self.sh(f"cat root/names/{name}").stdout
        record: dict[str, Any] = json.loads(self.sh(f"cat root/containers/{claim}/config.json").stdout)
        return record

    def snapshot(self) -> dict[str, set[str]]:
        """Return everything that a container could leave, by kind."""
        return snapshot(self.directory)

    def differs_from(self, before: dict[str, set[str]]) -> list[str]:
        """Return what differs now from an earlier snapshot, without the cgroups of containers that others run meanwhile."""
        return [line for line in difference(before, self.snapshot()) if not self._is_of_others(line)]

    def _is_of_others(self, line: str) -> bool:
        kind, _, path = line.partition(": ")
        if kind == "cgroups, gone":
            return True  # no test begins with a container of its own
        pids = [pid for each in walk_up(path) for pid in read(f"{each}/cgroup.procs").split()] if kind == "cgroups" else []
        return bool(pids) and not any(self._may_use(pid) for pid in pids)

    def _may_use(self, pid: str) -> bool:
        """Say whether a process is of these tests, or is just ending and does not tell: then its cgroup is gone in a moment."""
        try:
            return self.directory in Path(f"/proc/{pid}/mountinfo").read_text()
        except OSError:
            return True

    def left_since(self, before: dict[str, set[str]]) -> list[str]:
        """Return what differs from an earlier snapshot, after a moment for what ends by itself."""
        deadline = time.monotonic() + 5 * FACTOR
        left = self.differs_from(before)
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = self.differs_from(before)
        return left

    def rules(self) -> str:
        """Return all rules of packet filters that this machine has."""
        return str(self.sh(LIST_RULES).stdout)

    def delete_rules(self) -> None:
        """Remove all rules, as an administrator can who does not know of ours."""
        assert self.sh(delete_rules(bool(self.sh("nft --version").rc))).rc == 0

    def reboot(self) -> None:
        """Do what a reboot does to STATE and to packet forwarding. That it ends processes and interfaces is the caller's part."""
        self.sh("find state -mindepth 1 ! -name storage-driver -delete; echo 0 > /proc/sys/net/ipv4/ip_forward")

    def pid(self, name: str) -> int:
        """Return the pid of a running container's first process."""
        return int(self.record(name)["pid"])


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the mydocker command."""
    given = os.environ.get("MYDOCKER_COMMAND")
    if given:
        return given
    path = tmp_path_factory.mktemp("bin") / "mydocker"
    libraries = [str(REPOSITORY), str(Path(click.__file__).parents[1])]
    path.write_bytes(command(sys.executable, "mydocker.cli.entry", *libraries))
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def runtime_program(program: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the mydocker-oci command, which is installed beside mydocker."""
    if os.environ.get("MYDOCKER_COMMAND"):
        return program + "-oci"
    path = tmp_path_factory.mktemp("bin") / "mydocker-oci"
    path.write_bytes(command(sys.executable, "mydocker.oci.entry", str(REPOSITORY)))
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def keeper() -> Iterator[Keeper]:
    """Whoever removes what is left when this process is killed."""
    kept = Keeper()
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def directory(keeper: Keeper) -> Iterator[str]:
    """A directory for all tests, with a short name and open to every user, as containers' users must pass through it."""
    path = tempfile.mkdtemp(prefix="mydocker-test-")
    keeper.watch(path)
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would whatever these tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def private_machine(request: pytest.FixtureRequest, keeper: Keeper) -> Iterator[None]:
    """What plays the host for this process and all that it starts: a network namespace, so that no test sends a packet to the real one.

    What others mount meanwhile is not seen as the tests', nor what they have in /dev/shm. With pytest -n, each worker has all else of its
    own as well.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if os.geteuid() != 0:
        yield
        return
    unshare(CLONE_NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")  # a new namespace has what the host has, and that may run docker
    with own_machine(worker, keeper) if worker else own_mounts():
        if request.config.getoption("--firewall"):
            be_alone(request.config.getoption("--firewall"))
        yield


@pytest.fixture(scope="session")
def image_imported(program: str, directory: str) -> None:
    """Make busybox:latest once."""
    environment = {**os.environ, **roots(directory)}
    line = f"{IMPORT_BUSYBOX} && {{mydocker}} run --rm busybox true".replace("{mydocker}", program)
    subprocess.run(["sh", "-ec", line], env=environment, check=True, stdout=subprocess.DEVNULL)


IMPORT_BUSYBOX = f"{REPOSITORY}/mydocker/engine/system/busybox-image | {{mydocker}} import -c 'CMD [\"sh\"]' - busybox:latest"


def restore_busybox(machine: Machine) -> None:
    """Make again what all tests use, where a test has removed it."""
    assert machine.sh(IMPORT_BUSYBOX).rc == 0


@pytest.fixture(scope="session")
def no_idmapped_mounts(program: str, directory: str, image_imported: None) -> str:
    """Why this kernel, file system and storage driver cannot give containers user namespaces of their own; '' if they can."""
    environment = {**os.environ, **roots(directory)}
    command = [program, "run", "--rm", "--network", "none", "--userns", "auto", "busybox", "true"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True).stderr
    lines = told.strip().splitlines()
    return next((line.removeprefix("hint: ") for line in lines if "idmapped mounts need" in line or "cannot map users" in line), "")


@pytest.fixture
def userns(no_idmapped_mounts: str) -> list[str]:
    """The flags of a container with a user namespace of its own."""
    if no_idmapped_mounts:
        pytest.skip(no_idmapped_mounts)
    return ["--userns", "auto"]


@pytest.fixture(params=drivers.NAMES)
def driver(request: pytest.FixtureRequest, directory: str) -> str:
    """The name of a storage driver, each that this machine can use; only the one that all tests are run with, if one is asked for."""
    asked = os.environ.get("MYDOCKER_STORAGE_DRIVER", request.param)
    if asked != request.param:
        pytest.skip(f"the tests run with storage driver {asked}")
    paths = Paths(f"{directory}/root", f"{directory}/state")
    reason = drivers.driver(request.param, paths).unsupported(paths)
    if reason:
        pytest.skip(f"storage driver {request.param}: {reason}")
    return str(request.param)


@pytest.fixture
def storage(directory: str, image_imported: None) -> str:
    """The name of the storage driver that containers get here if nobody asks for one."""
    return drivers.choose(Paths(f"{directory}/root", f"{directory}/state")).name


@pytest.fixture
def service(mydocker: Machine) -> Iterator[Service]:
    """A service of the API that runs."""
    from services import Service  # it imports this module

    started = Service(mydocker)
    yield started
    started.stop()


@pytest.fixture
def needs_controllers() -> None:
    """For tests that set limits."""
    layout = Layout.detect(Paths())
    for controller in ("memory", "cpu", "cpuset", "pids"):
        if not layout.find(controller):
            pytest.skip(f"cgroup controller {controller} {layout.absence(controller)}")


@pytest.fixture
def needs_nft(mydocker: Machine) -> None:
    """For tests that make rules of others with nft, or take it away themselves."""
    if mydocker.sh("nft --version").rc:
        pytest.skip("nft is not installed, or hidden (--firewall)")


@pytest.fixture
def needs_root_mount() -> None:
    """For tests that call unshare(1) with --mount themselves."""
    if "/" not in [entry.target for entry in mountinfo()]:
        pytest.skip("the root directory is no mount point (a chroot), so unshare --mount refuses to work")


@pytest.fixture
def mydocker(host: Any, program: str, directory: str, image_imported: None) -> Iterator[Machine]:
    """The command under test, on a machine that must be afterwards as it was before."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    machine = Machine(host, program, directory)
    before = machine.snapshot()
    yield machine
    left = machine.left_since(before)
    left += remove_all_but(directory, "root", "state")
    if left:
        clean(machine)
        pytest.fail("left behind:\n" + "\n".join(left))


def remove_all_but(directory: str, *kept: str) -> list[str]:
    """Remove everything else in a directory, and return what cannot be removed."""
    problems: list[str] = []
    for entry in os.scandir(directory):
        if entry.name not in kept and entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, onerror=lambda _, path, error: problems.append(f"{path}: {error[1]}"))
        elif entry.name not in kept:
            os.unlink(entry.path)
    return problems


def clean(machine: Machine) -> None:
    """Remove what a failed test left, so that it does not fail the others."""
    names = machine("ps", "-aq").stdout.split()
    if names:
        machine("rm", "-f", "-v", *names)
    for name in machine("volume", "ls", "-q").stdout.split():
        machine("volume", "rm", name)
    for name in machine("network", "ls", "-q", "--filter", "type=custom").stdout.split():
        machine("network", "rm", name)
    for image in machine("images", "-aq", "--no-trunc").stdout.split():
        machine("rmi", "-f", image)
    restore_busybox(machine)
    machine("system", "check", "--repair")


@pytest.fixture
def network(mydocker: Machine) -> Iterator[Any]:
    """Hosts on wires and traffic between them, see wires.py; needs the test's own network namespace."""
    from wires import Network

    made = Network(mydocker)
    yield made
    made.close()
