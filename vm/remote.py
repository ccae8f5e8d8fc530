"""The shell lines that fabfile.py runs, here and on a machine."""

from __future__ import annotations

import shlex
from pathlib import Path

PREFIX = "/usr/local"
RESULTS = "/tmp/mydocker-results.xml"
_CACHES = ("__pycache__", ".tox", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "*.egg-info")
_OURS = ("./build", "./vm/.vagrant", "./vm/collected", "./vm/ssh-config")


def pack_line(repository: Path, archive: str) -> str:
    """Return the line that makes an archive of what git has of a tree, and of what is new in it, but not of what is made from it."""
    left_out = [f"--exclude={name}" for name in (*_CACHES, *_OURS)]
    return shlex.join(["tar", "-C", str(repository), "--exclude-vcs", *left_out, "-czf", archive, "."])


def pytest_line(arguments: str, *, factor: str, seconds: int, prefix: str) -> str:
    """Return the shell line that runs pytest in ~/mydocker with the environment that vm/provision.sh made for tests."""
    environment = f"MYDOCKER_COMMAND={shlex.quote(prefix)}/bin/mydocker MYDOCKER_TEST_TIMEOUT_FACTOR={shlex.quote(factor)}"
    python = f"{shlex.quote(prefix)}/lib/mydocker/tests/bin/python"
    pytest = f"{python} -m pytest -q --junitxml={RESULTS} {shlex.join(shlex.split(arguments))}"
    return f"cd mydocker && {environment} timeout --kill-after=30 {seconds} {pytest}"
