"""A path is opened whatever is renamed meanwhile; and what is done by hand then, and where the kernel has no openat2, does the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.kernel.files import open_by_hand, openat2

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


def opened(call: Callable[[], int]) -> tuple[str, int]:
    """Return the number of the file that a call has opened, or that of its error."""
    try:
        descriptor = call()
    except OSError as error:
        return "error", error.errno or 0
    found = os.fstat(descriptor).st_ino
    os.close(descriptor)
    return "file", found


@pytest.mark.parametrize(
    "flags",
    [os.O_PATH, os.O_RDONLY, os.O_PATH | os.O_NOFOLLOW, os.O_RDONLY | os.O_NOFOLLOW, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY],
    ids=["path", "read", "path-nofollow", "read-nofollow", "directory-nofollow"],
)
@pytest.mark.parametrize("path", ["file", "directory", "link", "to-directory", "to-directory/up", "directory/../link", "loop", "nothing"])
def test_by_hand_a_path_leads_to_the_same(tmp_path: Path, path: str, flags: int) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    links = {"link": "file", "to-directory": "directory", "directory/up": "/../file", "loop": "loop"}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    root = os.open(tmp_path, os.O_PATH)
    try:
        assert opened(lambda: open_by_hand(path, flags, 0, root, False)) == opened(lambda: openat2(path, flags, dirfd=root))
    finally:
        os.close(root)
