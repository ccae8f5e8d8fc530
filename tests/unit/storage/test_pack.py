"""Packing a tree that somebody changes meanwhile: nothing outside of it is ever read."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.storage.base import Change
from mydocker.storage.pack import pack_tree
from mydocker.storage.packdiff import pack_changes

# tarfile passes on 10240 bytes at a time: a file of this size, with its header, fills that, and the next header spills over.
_BLOCK = 10240 - 512


class Swapping(io.BytesIO):
    """A stream that does something the first time that it is written to: in the middle of the packing."""

    def __init__(self, action: Callable[[], None]) -> None:
        super().__init__()
        self.action: Callable[[], None] | None = action

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if self.action:
            action, self.action = self.action, None
            action()
        return super().write(data)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("the host's")
    return tmp_path / "outside"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "dir/deep").mkdir(parents=True)
    (root / "0").write_bytes(b"x" * _BLOCK)
    (root / "dir/deep/file").write_text("its own")
    for path in [*root.rglob("*"), root]:
        os.utime(path, (1, 1))  # whole seconds take no extended header
    return root


def names(stream: io.BytesIO) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as archive:
        return [member.name for member in archive]


def swap(path: Path, target: Path) -> None:
    path.rename(path.parent / "moved")
    path.symlink_to(target)


def test_a_directory_that_becomes_a_symlink_is_not_followed(tree: Path, outside: Path) -> None:
    stream = Swapping(lambda: swap(tree / "dir", outside))
    pack_tree(str(tree), stream)
    assert stream.action is None
    assert names(stream) == ["0", "dir"]


def test_a_file_that_becomes_a_symlink_is_left_out(tree: Path, outside: Path) -> None:
    os.rename(tree / "dir/deep/file", tree / "1")
    stream = Swapping(lambda: swap(tree / "dir", outside / "secret"))
    pack_tree(str(tree), stream)
    assert "secret" not in " ".join(names(stream))
    assert b"the host's" not in stream.getvalue()


def test_what_is_removed_meanwhile_is_left_out(tree: Path) -> None:
    stream = Swapping((tree / "dir/deep/file").unlink)
    pack_tree(str(tree), stream)
    assert names(stream) == ["0", "dir", "dir/deep"]


def test_a_file_that_shrinks_is_filled_up(tree: Path) -> None:
    (tree / "0").write_bytes(b"x" * 100_000)
    stream = Swapping(lambda: os.truncate(tree / "0", 10))
    pack_tree(str(tree), stream)
    assert names(stream)[-1] == "dir/deep/file"


def test_the_parents_of_a_change_are_not_symlinks(tree: Path, outside: Path) -> None:
    swap(tree / "dir", outside)
    stream = io.BytesIO()
    pack_changes(str(tree), [Change("C", "/0"), Change("A", "/dir/secret")], stream, set())
    assert names(stream) == ["0"]
    assert b"the host's" not in stream.getvalue()


def test_the_current_directory_is_what_it_was(tree: Path) -> None:
    before = Path.cwd()
    pack_tree(str(tree), io.BytesIO())
    assert Path.cwd() == before
