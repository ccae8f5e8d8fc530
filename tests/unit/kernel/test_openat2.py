"""A path is opened whatever is renamed meanwhile."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mydocker.kernel.files import openat2

ASKED = 20_000


def test_a_rename_during_the_way_through_dot_dot_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "one").mkdir()
    root = os.open(tmp_path, os.O_PATH)
    renaming = os.fork()
    if renaming == 0:
        while True:
            os.rename(tmp_path / "one", tmp_path / "two")
            os.rename(tmp_path / "two", tmp_path / "one")
    try:
        for _ in range(ASKED):
            os.close(openat2("a/../a/../a/b/../b", os.O_PATH, dirfd=root))
    finally:
        os.kill(renaming, signal.SIGKILL)
        os.waitpid(renaming, 0)
        os.close(root)
