"""Packing a tree that somebody changes meanwhile: nothing outside of it is ever read."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.engine.catalog.importing import check_name
from mydocker.engine.record.sizes import tree_size
from mydocker.errors import BadInput
from mydocker.kernel.files import GONE, Allowing
from mydocker.storage.aufs import Aufs
from mydocker.storage.pack import Packing, pack, pack_one, pack_tree
from mydocker.storage.packdiff import pack_changes, tree_changes
from mydocker.storage.whiteouts import AUFS, OVERLAY, PLAIN, Change, Form, union_changes

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


class Busy(Form):
    """A form of whiteouts that removes what it is asked about, as a container does that works meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_own(self, name: str) -> bool:
        shutil.rmtree(self.path / name, ignore_errors=True)
        (self.path / name).unlink(missing_ok=True)
        return False

    def is_opaque(self, directory: str) -> bool:
        return False

    def deleted(self, name: str, status: os.stat_result) -> str | None:
        return None


def test_what_vanishes_after_it_was_listed_is_no_change(tree: Path) -> None:
    assert union_changes(Busy(tree), str(tree), []) == []


def test_what_vanishes_after_it_was_listed_is_in_no_tar(tree: Path) -> None:
    stream = io.BytesIO()
    pack(str(tree), stream, Busy(tree), set())
    assert names(stream) == []


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR, errno.ELOOP])
def test_only_what_is_gone_is_skipped(number: int) -> None:
    with Allowing(*GONE):
        raise OSError(number, "")
    with pytest.raises(OSError, match="real"), Allowing(*GONE):
        raise OSError(errno.EIO, "real")


def test_a_busy_tree_can_be_compared_all_the_time(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            for number in range(20):
                (tmp_path / f"new/{number}/deep").mkdir(parents=True)
            for number in range(20):
                shutil.rmtree(tmp_path / f"new/{number}")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(100):
            tree_changes(str(tmp_path / "old"), str(tmp_path / "new"))
            union_changes(OVERLAY, str(tmp_path / "new"), [])
            tree_size(str(tmp_path / "new"))
    finally:
        stop.set()
        thread.join()


def test_what_is_mounted_in_a_tree_is_there_without_its_contents(tree: Path, tmp_path: Path) -> None:
    stream = io.BytesIO()
    device = tree.stat().st_dev
    with tarfile.open(fileobj=stream, mode="w") as archive:
        pack_one(str(tree), "dir", archive, {device + 1})  # the entry's own counts too
    assert names(stream) == ["dir", "dir/deep", "dir/deep/file"]
    with tarfile.open(fileobj=(stream := io.BytesIO()), mode="w|") as archive:
        Packing(archive, str(tree), PLAIN, set(), {device + 1}).whole()
    assert names(stream) == ["0", "dir"]


@pytest.mark.parametrize(("path", "expected"), [("a/.wh.b", r"begins with \.wh\."), ("a/" + "n" * 243, "at most 242 bytes, one has 243")])
def test_what_aufs_cannot_show_is_named(path: str, expected: str) -> None:
    with pytest.raises(BadInput, match=f"^{path}: .*{expected}"):
        check_name(path, Aufs.longest_name)
    check_name("a/" + "n" * 242, Aufs.longest_name)
