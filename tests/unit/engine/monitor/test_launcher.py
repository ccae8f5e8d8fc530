"""Which command lines start a monitor early, and that one waits for its request and ends without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mydocker.engine.monitor.launcher import needs_monitor

REPOSITORY = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run busybox", True),
        ("start web", True),
        ("container run busybox", True),
        ("container start -a web", True),
        ("--explain run busybox", True),
        ("--root /r --state /s run --rm busybox true", True),
        ("--root=/r --explain run busybox", True),
        ("container exec web sh", True),
        ("--root run ps", False),
        ("--explain=json --dry-run run busybox", True),
        ("", False),
        ("ps", False),
        ("create run", False),
        ("container ls run", False),
        ("container", False),
        ("image run", False),
        ("--help", False),
        ("rm run start", False),
    ],
)
def test_which_command_lines_need_one(line: str, expected: bool) -> None:
    assert needs_monitor(line.split()) is expected


# Starts a monitor as a caller would that ignores its children, and says how the monitor is set up.
CALLER = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.environ["SECRET"] = "1"
from mydocker.engine.monitor import launcher
channel = launcher.monitor()
pid = int(open(f"/proc/self/task/{os.getpid()}/children").read())
while open(f"/proc/{pid}/comm").read() != "mydocker-monito\\n":
    pass
ignored = next(line for line in open(f"/proc/{pid}/status") if line.startswith("SigIgn"))
print(int(ignored.split()[1], 16) >> signal.SIGCHLD - 1 & 1)
print(open(f"/proc/{pid}/environ").read())
print(os.readlink(f"/proc/{pid}/cwd"), *(os.readlink(f"/proc/{pid}/fd/{n}") for n in range(3)), os.getsid(pid) == pid)
ended = os.pidfd_open(pid)
channel.close()
import select
print(bool(select.select([ended], [], [], 5)[0]))
"""


def test_a_monitor_has_nothing_of_its_caller_and_ends_without_a_request() -> None:
    command = [sys.executable, "-I", "-c", CALLER, str(REPOSITORY)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, env={"PATH": os.environ["PATH"]})
    assert result.stdout.splitlines() == ["0", "", "/ /dev/null /dev/null /dev/null True", "True"], result.stderr
