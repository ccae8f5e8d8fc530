"""The shell lines that fabfile.py runs, here and on a machine, and the checks of what it fetches."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

from whichtests import which_tests

PREFIX = "/usr/local"
RESULTS = "/tmp/mydocker-results.xml"
TESTS = ["tests/integration"]
_CACHES = ("__pycache__", ".tox", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "*.egg-info")
_OURS = ("./build", "./vm/.vagrant", "./vm/collected", "./vm/ssh-config")


def pack_line(repository: Path, archive: str) -> str:
    """Return the line that makes an archive of a tree: of the files that git has and new ones, but not of what was made from them."""
    left_out = [f"--exclude={name}" for name in (*_CACHES, *_OURS)]
    return shlex.join(["tar", "-C", str(repository), "--exclude-vcs", *left_out, "-czf", archive, "."])


def storage_of(target: str, asked: str) -> str:
    """Return the storage driver that tests on a machine take as the default one, or '' for mydocker's choice. asked: by the user, or ''

    Vagrant's machine aufs is there for AUFS. So no other driver may quietly stand in for it.
    """
    return asked or ("aufs" if target == "aufs" else "")


def pytest_line(arguments: str, *, factor: str, seconds: int, prefix: str, storage: str = "") -> str:
    """Return the shell line that runs pytest in ~/mydocker, with the Python environment that vm/provision.sh made for tests.

    arguments: pytest's, in one word
    factor: MYDOCKER_TEST_TIMEOUT_FACTOR
    seconds: the time after which pytest is ended
    prefix: where mydocker was installed
    storage: MYDOCKER_STORAGE_DRIVER, or '' for mydocker's choice
    """
    environment = f"MYDOCKER_COMMAND={shlex.quote(prefix)}/bin/mydocker MYDOCKER_TEST_TIMEOUT_FACTOR={shlex.quote(factor)}"
    if storage:
        environment += f" MYDOCKER_STORAGE_DRIVER={shlex.quote(storage)}"
    python = f"{shlex.quote(prefix)}/lib/mydocker/tests/bin/python"
    pytest = f"{python} -m pytest -q --junitxml={RESULTS} {shlex.join(which_tests(shlex.split(arguments), TESTS))}"
    return f"cd mydocker && {environment} timeout --kill-after=30 {seconds} {pytest}"


def recording_path(repository: Path, name: str) -> Path:
    """Return where the recording of a machine is kept. Raises ValueError if `name` cannot be a recording's name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise ValueError(f"recording {name!r}: expected a name of small letters, digits and .-_")
    return repository / f"tests/data/machines/{name}.txt"


def record_line(directory: str) -> str:
    """Return the line that records a machine. directory: has record.py there, and gets `recording`."""
    return f"cd {shlex.quote(directory)} && python3 record.py > recording && chmod 644 recording"


def check_recording(text: str) -> str:
    """Return a recording as it is. Raises ValueError if it is empty or a line is not an absolute path and a Python string."""
    for number, line in enumerate(text.splitlines() or [""], 1):
        path, _, literal = line.partition(" ")
        if not path.startswith("/") or not _is_string(literal):
            raise ValueError(f"recording, line {number} {line[:80]!r}: expected a path and a string")
    return text


def _is_string(literal: str) -> bool:
    try:
        return isinstance(ast.literal_eval(literal), str)
    except (ValueError, SyntaxError):
        return False
