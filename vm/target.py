"""Run the integration tests in Vagrant's machine if one is up, else here.

    python vm/target.py [--target local|NAME] [--ssh-config FILE] [--storage DRIVER] [PYTEST ARGUMENT…]

The tests are tests/integration unless others are named.

NAME is one of Vagrant's machines, or any host that FILE has, or ssh's own configuration. The tree is copied there, the machine is
provisioned, and pytest runs there. A test starts dozens of commands: each would take a tenth of a second by ssh, and takes a thousandth
there. Its terminals, processes and files are the machine's own. The results come back to vm/collected, after a failure with the machine's
logs and state. DRIVER is the storage driver that containers get in the tests unless a test asks for another; on the machine aufs it is
aufs, elsewhere mydocker chooses.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import sshconfig
from remote import TESTS, storage_of
from whichtests import which_tests

VM = Path(__file__).resolve().parent
# Each worker has a machine of its own, where that is possible. tests/integration/conftest.py says how many workers there are.
SIDE_BY_SIDE = ["-n", "auto", "--dist", "worksteal"]
USUAL = "aufs"
DRIVERS = ("overlay", "aufs", "vfs")


class NoTarget(Exception):
    """There is no machine to run the tests on. The message says what to do."""


def machines_up() -> list[str]:
    """Return the names of Vagrant's machines that are up. Vagrant is asked only if one was ever started here."""
    if not (VM / ".vagrant/machines").exists() or not shutil.which("vagrant"):
        return []
    status = subprocess.run(["vagrant", "status", "--machine-readable"], cwd=VM, stdout=subprocess.PIPE, text=True)
    return sshconfig.running(status.stdout)


def choose(asked: str, up: list[str], is_root: bool) -> str:
    """Return the target: the one that was asked for, else a machine that is up, else this one. Raises NoTarget.

    asked: 'local' or a machine's name, '' for none
    up: the machines that are up
    """
    if not asked and up:
        return USUAL if USUAL in up else up[0]
    target = asked or "local"
    if target == "local" and not is_root:
        raise NoTarget("integration tests need root: sudo tox -e integration, or a machine of their own: cd vm && vagrant up")
    return target


def configuration(target: str, given: str, up: list[str]) -> list[str]:
    """Return fabric's arguments for an ssh configuration: the given one, or Vagrant's for a machine of Vagrant's, or [] for none."""
    if given:
        return ["-S", given]
    if target in up:
        sshconfig.write([target], sshconfig.OUTPUT)
        return ["-S", str(sshconfig.OUTPUT)]
    return []


def here(tests: list[str], storage: str) -> int:
    """Run pytest on this machine. Return its exit status. storage: the default storage driver, '' for mydocker's choice"""
    environment = {**os.environ, "MYDOCKER_STORAGE_DRIVER": storage} if storage else None
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], cwd=VM.parent, env=environment).returncode


def there(target: str, words: list[str], tests: list[str], factor: str, storage: str) -> int:
    """Run the tests on a machine that ssh reaches. Return the exit status. words: fabric's arguments for the ssh configuration."""
    fab = [sys.executable, "-m", "fabric", "-r", str(VM), *words, "-H", target]
    prepared = subprocess.run([*fab, "sync", "provision"])
    if prepared.returncode != 0:
        return prepared.returncode
    driver = ["--storage", storage] if storage else []
    status = subprocess.run([*fab, "test", "--pytest", shlex.join(tests), "--factor", factor, *driver]).returncode
    if status != 0:
        subprocess.run([*fab, "collect"])
    return status


def main() -> int:
    """Do what the command line says. Return the exit status."""
    parser = argparse.ArgumentParser(description="run the integration tests in Vagrant's machine if one is up, else here")
    parser.add_argument("--target", default="", help="local, one of Vagrant's machines, or a host that ssh knows")
    parser.add_argument("--ssh-config", default="", help="the ssh configuration that has the target")
    parser.add_argument("--storage", default="", choices=DRIVERS, help="the default storage driver of the tests")
    arguments, tests = parser.parse_known_args()
    up = machines_up()
    try:
        target = choose(arguments.target, up, os.geteuid() == 0)
    except NoTarget as error:
        print(f"target: {error}", file=sys.stderr)
        return 1
    print(f"target: {target}", flush=True)
    if target == "local":
        return here(which_tests(tests, TESTS) if tests else [*SIDE_BY_SIDE, *TESTS], arguments.storage)
    words = configuration(target, arguments.ssh_config, up)
    factor = os.environ.get("MYDOCKER_TEST_TIMEOUT_FACTOR", "1")
    return there(target, words, tests or TESTS, factor, storage_of(target, arguments.storage))


if __name__ == "__main__":
    sys.exit(main())
