"""Signals to a process that may end at any moment."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from mydocker.engine.container.life import Process
from mydocker.errors import NotFound

KNOWN: Any = {}


class Ending:
    """The cgroup of a container that ends between two looks at it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def is_frozen(self) -> bool:
        return True

    def freeze(self, frozen: bool) -> None:
        raise self.error


@pytest.mark.parametrize("error", [NotFound("no such cgroup"), FileNotFoundError(2, "No such file or directory", "freezer.state")])
def test_a_container_that_ends_while_it_is_thawed_has_ended(error: Exception) -> None:
    with subprocess.Popen(["sleep", "100"]) as sleeping:
        cgroup: Any = Ending(error)
        found = Process(pid=sleeping.pid, known=KNOWN, descriptor=os.pidfd_open(sleeping.pid), cgroup=cgroup)
        found.signal(15)
        assert sleeping.wait(10) == -15
        found.close()


def test_another_error_is_told() -> None:
    with subprocess.Popen(["sleep", "100"]) as sleeping:
        cgroup: Any = Ending(PermissionError(13, "Permission denied", "freezer.state"))
        found = Process(pid=sleeping.pid, known=KNOWN, descriptor=os.pidfd_open(sleeping.pid), cgroup=cgroup)
        with pytest.raises(PermissionError):
            found.signal(15)
        found.close()
