"""Removes what a process of pytest leaves when it is killed: `python keeper.py`, one for each such process.

It reads paths, a line each, until nobody can write any more: the other end is open in that process alone. Then it removes them: cgroups
with what runs there, the directory of the tests with its containers. After an orderly end nothing is left for it. It has a session of its
own, as Ctrl-C is meant for pytest.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SECONDS = 20


class Keeper:
    """What pytest has of its keeper."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True)

    def watch(self, path: str) -> None:
        """Have a cgroup or a directory removed, should this process be killed."""
        assert self._process.stdin
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Say that everything was removed."""
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait(2 * SECONDS) == 0


def kill(pid: int) -> None:
    """Kill a process, if it has not ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def remove_cgroup(path: str) -> None:
    """Remove a cgroup with all below it, and end what runs there. Raises OSError if something does not end."""
    deadline = time.monotonic() + SECONDS
    for directory, _, _ in os.walk(path, topdown=False):
        while os.path.isdir(directory):
            for pid in Path(directory, "cgroup.procs").read_text().split():
                kill(int(pid))
            try:
                os.rmdir(directory)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def remove_directory(path: str) -> None:
    """Remove the directory of a run's tests, and end the containers in it with their monitors and cgroups."""
    for pid in users(path, filter(str.isdecimal, os.listdir("/proc"))):
        kill(pid)
    containers = os.listdir(f"{path}/root/containers") if os.path.isdir(f"{path}/root/containers") else []
    for directory, _, _ in os.walk("/sys/fs/cgroup"):
        if os.path.basename(directory) in containers:
            remove_cgroup(directory)
    shutil.rmtree(path)


def users(directory: str, pids: Iterable[str]) -> list[int]:
    """Return which of these processes have something mounted from below a directory."""
    found: list[int] = []
    known: dict[tuple[int, int, int], bool] = {}  # processes of a mount namespace with the same root see the same
    for pid in pids:
        with suppress(OSError):  # it ends meanwhile
            root = os.stat(f"/proc/{pid}/root")
            view = (os.stat(f"/proc/{pid}/ns/mnt").st_ino, root.st_dev, root.st_ino)
            if view not in known:
                known[view] = directory in Path(f"/proc/{pid}/mountinfo").read_text(errors="replace")
            found += [int(pid)] if known[view] else []
    return found


def main() -> None:
    """Wait for the end of the other process, and remove what is left."""
    paths = [line.rstrip("\n") for line in sys.stdin]
    for path in filter(os.path.isdir, paths):
        if os.path.exists(f"{path}/cgroup.procs"):
            remove_cgroup(path)
        else:
            remove_directory(path)


if __name__ == "__main__":
    main()
