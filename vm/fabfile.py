"""What is done to a machine from outside, by ssh: any that takes a login as root, or one whose sudo asks no password.

    vagrant ssh-config > ssh-config
    fab -r vm -S ssh-config -H aufs sync provision test

The tasks are small; what they run is vm/provision.sh and .ci/run, the same as on a laptop.
"""

import tempfile
from pathlib import Path

from fabric import Connection, task

REPOSITORY = Path(__file__).resolve().parents[1]
_LEFT_OUT = ("__pycache__", ".tox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")


@task
def sync(c: Connection) -> None:
    """Copy this tree to ~/mydocker."""
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
        left_out = " ".join(f"--exclude={name}" for name in _LEFT_OUT)
        c.local(f"tar -C {REPOSITORY} --exclude-vcs {left_out} -czf {archive.name} .")
        c.put(archive.name, "mydocker.tar.gz")
    c.run("rm -rf mydocker && mkdir mydocker && tar -C mydocker -xzf mydocker.tar.gz && rm mydocker.tar.gz")


@task(help={"parts": "parts of vm/provision.sh, all by default", "prefix": "where to install [/usr/local]"})
def provision(c: Connection, parts: str = "", prefix: str = "") -> None:
    """Make the machine ready: packages, cgroups, modules, mydocker, the image."""
    _as_root(c, f"{f'PREFIX={prefix} ' if prefix else ''}mydocker/vm/provision.sh {parts}")


@task(help={"prefix": "where to install [/usr/local]"})
def install(c: Connection, prefix: str = "") -> None:
    """Install this tree's mydocker, after a sync."""
    provision(c, "install", prefix)


@task(help={"parts": "parts of .ci/run: lint, types, unit, integration; all by default"})
def test(c: Connection, parts: str = "") -> None:
    """Run the tests there."""
    _as_root(c, f"mydocker/.ci/run {parts}")


def _as_root(c: Connection, line: str) -> None:
    c.run(f"sudo sh -c '{line}'" if c.run("id -u", hide=True).stdout.strip() != "0" else line)
