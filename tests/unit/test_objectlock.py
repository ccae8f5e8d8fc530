"""The lock of what may be removed while it is waited for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker import store
from mydocker.errors import NotFound
from mydocker.objectlock import ObjectLock


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "object"
    made.mkdir()
    return made


def test_it_is_held_inside_the_block_and_by_what_was_kept(directory: Path) -> None:
    lock = ObjectLock(str(directory), "gone")
    with lock:
        kept = lock.kept()
    with pytest.raises(BlockingIOError), store.Lock(f"{directory}/lock", wait=False):
        pass
    os.close(kept)
    with store.Lock(f"{directory}/lock", wait=False):
        pass


def test_an_object_that_is_not_there(directory: Path) -> None:
    directory.rmdir()
    with pytest.raises(NotFound, match=r"^gone$"), ObjectLock(str(directory), "gone"):
        pass
    assert not directory.exists()


def removed(directory: Path) -> None:
    store.discard(str(directory))


def made_anew(directory: Path) -> None:
    store.discard(str(directory))
    directory.mkdir()
    (directory / "lock").touch()


@pytest.mark.parametrize("change", [removed, made_anew])
def test_an_object_that_is_removed_while_its_lock_is_waited_for(directory: Path, change: Callable[[Path], None]) -> None:
    read, write = os.pipe()
    child = os.fork()  # before the lock is taken, which a child would keep
    if child == 0:
        status = 1
        try:
            os.read(read, 1)
            with ObjectLock(str(directory), "gone"):
                status = 2
        except NotFound:
            status = 0
        finally:
            os._exit(status)
    with store.Lock(f"{directory}/lock"):
        os.write(write, b"x")
        while f"-> FLOCK  ADVISORY  WRITE {child} " not in Path("/proc/locks").read_text():
            time.sleep(0.005)
        change(directory)
    os.close(read)
    os.close(write)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
