"""Packing a tree that somebody changes meanwhile: nothing outside of it is ever read."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.storage.pack import pack, pack_tree
from mydocker.storage.packdiff import pack_changes
from mydocker.storage.whiteouts import AUFS, Change

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
    pack_changes(str(tree), [Change(kind="C", path="/0"), Change(kind="A", path="/dir/secret")], stream, set())
    assert names(stream) == ["0"]
    assert b"the host's" not in stream.getvalue()


def test_the_current_directory_is_what_it_was(tree: Path) -> None:
    before = Path.cwd()
    pack_tree(str(tree), io.BytesIO())
    assert Path.cwd() == before


def made(root: Path, *paths: str) -> str:
    """Make a layer of empty files; a path that ends with a slash is a directory, one with ' -> ' a symlink."""
    for path in paths:
        place = root / path.split(" -> ")[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        if " -> " in path:
            place.symlink_to(path.split(" -> ")[1])
        elif path.endswith("/"):
            place.mkdir(exist_ok=True)
        else:
            place.write_text("")
    return str(root)


@pytest.mark.parametrize(
    ("top", "middle", "bottom", "expected"),
    [
        # All that is below, but for what is there anew; in directories that are there anew, too.
        (
            ["d/.wh..wh..opq", "d/new", "d/sub/z"],
            [],
            ["d/a", "d/new", "d/sub/x"],
            ["d", "d/.wh.a", "d/new", "d/sub", "d/sub/.wh.x", "d/sub/z"],
        ),
        # What a layer between has removed or covered is not below any more.
        (["d/.wh..wh..opq"], ["d/.wh.a", "d/b"], ["d/a", "d/c"], ["d", "d/.wh.b", "d/.wh.c"]),
        (["d/.wh..wh..opq"], ["d/.wh..wh..opq", "d/b"], ["d/a"], ["d", "d/.wh.b"]),
        (["d/.wh..wh..opq"], [".wh.d"], ["d/a"], ["d"]),
        (["d/.wh..wh..opq"], ["d"], ["d/a"], ["d"]),
        (["d/.wh..wh..opq"], ["d -> /etc"], ["d/a"], ["d"]),
        (["d/e/.wh..wh..opq"], ["d/.wh..wh..opq"], ["d/e/a"], ["d", "d/e"]),
        (["d/.wh..wh..opq"], [], [], ["d"]),
        (["d/.wh.a"], [], ["d/a"], ["d", "d/.wh.a"]),
    ],
)
def test_an_opaque_directory_is_written_name_by_name(
    tmp_path: Path, top: list[str], middle: list[str], bottom: list[str], expected: list[str]
) -> None:
    layers = [made(tmp_path / "middle", "x/", *middle), made(tmp_path / "bottom", "x/", *bottom)]
    stream = io.BytesIO()
    pack(made(tmp_path / "top", *top), stream, AUFS, set(), layers=layers)
    assert names(stream) == expected


def test_what_is_not_to_be_written_is_not_whited_out(tmp_path: Path) -> None:
    stream = io.BytesIO()
    pack(made(tmp_path / "top", "d/.wh..wh..opq"), stream, AUFS, {"/d/a"}, layers=[made(tmp_path / "bottom", "d/a", "d/b")])
    assert names(stream) == ["d", "d/.wh.b"]
