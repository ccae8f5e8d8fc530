"""Try all that concerns Vagrant on a machine where no box can be downloaded.

The trial builds the box `own`, brings it up under a libvirtd of its own, and runs tests in it through fabric. It needs root and
Debian. Without KVM the processor is emulated.

    python vm/trial.py [--sit] [PYTEST ARGUMENT…]      limits and terminals, unless something is given

The results are in vm/collected/trial: console.log, results.xml, and state/ after a failure. With --sit it waits after a failure,
with the machine up. MYDOCKER_TEST_TIMEOUT_FACTOR makes every deadline longer.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from fcntl import LOCK_EX, LOCK_NB, flock
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL

import boxpackages
import kvm
import privatelibvirt
from kernelpackages import NoKernel, archive, cache
from privatelibvirt import Failed
from whichtests import which_tests

VM = Path(__file__).resolve().parent
RESULTS = VM / "collected/trial"
MACHINE = "own"
TESTS = ["tests/integration/test_limits.py", "tests/integration/test_run.py::TestTerminal"]
PACKAGES = {
    "vagrant": "vagrant vagrant-libvirt",
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "dnsmasq": "dnsmasq-base",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86 libvirt-daemon-driver-qemu",
    "rsync": "rsync",
    "ssh": "openssh-client",
    "iptables": "iptables",
    "ip": "iproute2",
}
FACTOR = float(os.environ.get("MYDOCKER_TEST_TIMEOUT_FACTOR", "1"))
EMULATED = 20  # tests get so many times more time without KVM


class Trial:
    """The parts of the trial, in their order. Each has a deadline in seconds. If one fails, the trial ends.

    scratch: a directory for all files of the trial
    tests: pytest's arguments
    emulated: whether the processor is emulated
    times: (name, seconds) of each part that was done
    """

    def __init__(self, scratch: Path, tests: list[str], *, emulated: bool) -> None:
        self.scratch = scratch
        self.tests = tests
        self.emulated = emulated
        self.times: list[tuple[str, float]] = []
        self.environment = {
            **os.environ,
            "VAGRANT_HOME": str(scratch / "vagrant"),
            "VAGRANT_DOTFILE_PATH": str(scratch / "machines"),
            "VAGRANT_DEFAULT_PROVIDER": "libvirt",
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "MYDOCKER_VM_CONSOLE": str(RESULTS / "console.log"),
            "MYDOCKER_VM_TCG": "1" if emulated else "0",
        }

    def step(self, name: str, command: list[str], seconds: float) -> None:
        """Run a command in vm/. Raises Failed if its exit status is not 0 or its time is over."""
        print(f"\n== {name}: {shlex.join(command)}", flush=True)
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=VM, env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            status = process.wait(seconds * FACTOR)
        except subprocess.TimeoutExpired:
            raise Failed(f"{name} did not end within {seconds * FACTOR:g} s") from None
        finally:
            self.times.append((name, time.monotonic() - started))
            if process.returncode is None:  # its time is over, or this process was interrupted
                os.killpg(process.pid, SIGKILL)
                process.wait()
        if status != 0:
            raise Failed(f"{name} failed with exit status {status}")

    @property
    def ssh_config(self) -> Path:
        """The ssh configuration that has the machine."""
        return self.scratch / "ssh-config"

    def write_ssh_config(self) -> None:
        """Ask Vagrant for the ssh configuration, and write it."""
        self.step("ssh-config", [sys.executable, "sshconfig.py", "--output", str(self.ssh_config), MACHINE], 120)

    def fab(self, name: str, *arguments: str, seconds: float) -> None:
        """Run a task of fabfile.py on the machine."""
        fab = [sys.executable, "-m", "fabric", "-r", str(VM), "-S", str(self.ssh_config), "-H", MACHINE]
        self.step(f"fab {name}", [*fab, name, *arguments], seconds)

    def run(self) -> None:
        """Bring the machine up and run the tests. If something fails, the machine stays up."""
        self.step("vagrant validate", ["vagrant", "validate"], 120)
        self.step("vagrant up", ["vagrant", "--no-tty", "up", MACHINE], 1800)
        self.write_ssh_config()
        self.fab("sync", seconds=300)
        self.fab("provision", seconds=900)
        factor = FACTOR * (EMULATED if self.emulated else 1)
        limit = 3600 * FACTOR
        results = ["--results", str(RESULTS / "results.xml"), "--factor", f"{factor:g}", "--seconds", f"{limit:.0f}"]
        self.fab("test", "--pytest", shlex.join(self.tests), *results, seconds=3600 + 300)

    def end(self) -> None:
        """Shut the machine down and remove it."""
        self.step("vagrant halt", ["vagrant", "--no-tty", "halt", MACHINE], 300)
        self.step("vagrant destroy", ["vagrant", "--no-tty", "destroy", "-f", MACHINE], 120)


def inside(trial: Trial, *, sit: int) -> int:
    """Run a trial in the namespaces. Return the exit status.

    sit: wait after a failure, and tell this pid, by which the namespaces can be entered. 0 for no wait.
    """
    failures = []
    try:
        privatelibvirt.start(trial.scratch, 60 * FACTOR)
        trial.run()
    except Failed as error:
        failures.append(str(error))
        after_failure(trial, str(error))
        if sit:
            wait_for_return(trial.scratch, sit)
    try:
        trial.end()
    except Failed as error:
        failures.append(str(error))
    shutil.rmtree(trial.scratch, ignore_errors=True)  # libvirtd still writes there, and the next trial removes what is left
    print("\n" + "\n".join(f"{seconds:8.1f} s  {name}" for name, seconds in trial.times))
    print(f"trial: FAILED: {'; '.join(failures)}; see {RESULTS}" if failures else f"trial: passed; results in {RESULTS}")
    return 1 if failures else 0


def after_failure(trial: Trial, failure: str) -> None:
    """Fetch what shows why the trial failed, as far as that is possible."""
    print(f"\ntrial: {failure}", file=sys.stderr)
    for log in ("libvirtd.log", "var/log/libvirt"):
        path = trial.scratch / log
        if path.is_dir():
            shutil.copytree(path, RESULTS / "libvirt")
        elif path.exists():
            shutil.copy(path, RESULTS)
    try:
        if not trial.ssh_config.exists():
            trial.write_ssh_config()
        trial.fab("collect", "--directory", str(RESULTS / "state"), seconds=900)
    except Failed as error:
        print(f"trial: nothing could be collected: {error}", file=sys.stderr)


def wait_for_return(scratch: Path, pid: int) -> None:
    """Say how to get into the machine, and wait until the user presses Return. pid: a process in the namespaces."""
    print(f"\nThe machine is up. As root:\n    nsenter -t {pid} -m -n ssh -F {scratch / 'ssh-config'} {MACHINE}")
    input("Return ends it. ")


def missing_packages() -> list[str]:
    """Return the Debian packages that are needed and not installed, the box's too. A package counts as missing if its command is."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [package for command, package in PACKAGES.items() if shutil.which(command, path=path) is None]
    return list(dict.fromkeys([*missing, *boxpackages.missing()]))


def prepare() -> Path:
    """Return an empty scratch directory. Raises Failed if another trial is running.

    It is held by a lock while this process lives, or what it executes.
    """
    kept = cache()
    kept.mkdir(parents=True, exist_ok=True)
    lock = os.open(kept / "trial.lock", os.O_RDWR | os.O_CREAT)
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        raise Failed("another trial is running") from None
    os.set_inheritable(lock, True)
    for directory in (kept / "trial", RESULTS):
        shutil.rmtree(directory, ignore_errors=not directory.exists())
        directory.mkdir(parents=True)
    return kept / "trial"


def outside(arguments: argparse.Namespace) -> None:
    """Check and build what can be done outside the namespaces, and execute this program again inside them.

    It never returns. Raises Failed if something is missing or the box cannot be built.
    """
    if os.geteuid() != 0:
        raise Failed("root is needed: for libvirtd and its network")
    if missing := missing_packages():
        raise Failed(f"something is missing, install it: apt-get install {' '.join(missing)}")
    if find_spec("fabric") is None:
        raise Failed(f"{sys.executable} has no fabric: tox -e vagrant brings it")
    scratch = prepare()
    try:
        reason = kvm.why_not_kvm(archive().fetch("6.1", update=False).image)
    except NoKernel as error:
        raise Failed(str(error)) from error
    if reason:
        print(f"trial: the processor is emulated: {reason}")
    trial = Trial(scratch, [], emulated=reason is not None)
    trial.step("box/build", [str(VM / "box/build")], 1800)
    words = ["--scratch", str(scratch), "--emulated", str(int(trial.emulated)), "--pid", str(os.getpid()), *sys.argv[1:]]
    command = privatelibvirt.enter([sys.executable, __file__, *words])
    os.execvp(command[0], command)


def main() -> int:
    """Do what the command line says. Return the exit status. This runs twice: outside the namespaces, and then inside them."""
    parser = argparse.ArgumentParser(description="bring up the box own and run tests in it")
    parser.add_argument("--sit", action="store_true", help="wait after a failure, with the machine up")
    for hidden in ("--scratch", "--emulated", "--pid"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    arguments, tests = parser.parse_known_args()
    try:
        if not arguments.scratch:
            outside(arguments)
        trial = Trial(Path(arguments.scratch), which_tests(tests, TESTS), emulated=arguments.emulated == "1")
        return inside(trial, sit=int(arguments.pid) if arguments.sit else 0)
    except Failed as error:
        print(f"trial: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("trial: interrupted; the machine and its libvirtd end with this", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
