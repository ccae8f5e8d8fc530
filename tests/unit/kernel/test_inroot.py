"""Paths inside a root that somebody else controls never lead out of it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.kernel import inroot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "secret").write_text("host")
    top = tmp_path / "root"
    top.mkdir()
    return top


def names(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("links", "asked", "made"),
    [
        ({}, "/a/b/c", "a/b/c"),
        ({}, "/a/../../b", "b"),
        ({}, "//a/./b/", "a/b"),
        ({"a": "/x"}, "/a/b", "x/b"),
        ({"a": "../../.."}, "/a/b", "b"),
        ({"a": "/../../outside"}, "/a/b", "outside/b"),
    ],
)
def test_directories_are_made_inside(root: Path, links: dict[str, str], asked: str, made: str) -> None:
    (root / "x").mkdir()
    (root / "outside").mkdir()
    for name, target in links.items():
        (root / name).symlink_to(target)
    assert names(inroot.make_directories(str(root), asked)) == str(root / made)
    assert not any((root.parent / "outside").iterdir())


@pytest.mark.parametrize("make", [inroot.make_directories, inroot.make_file])
@pytest.mark.parametrize(
    ("links", "asked", "made"),
    [
        ({"a": "/nowhere"}, "/a", "nowhere"),
        ({"a": "/nowhere"}, "/a/b", "nowhere/b"),
        ({"a": "/no/where", "no": "x"}, "/a", "x/where"),
        ({"a": "b", "b": "c/d"}, "/a", "c/d"),
        ({"x/a": "../y/b"}, "/x/a", "y/b"),
        ({"x/a": "/../../outside/b"}, "/x/a/", "outside/b"),
        ({"link": "x", "x/a": "../b"}, "/link/a", "b"),
    ],
)
def test_what_a_dangling_symlink_leads_to_is_made_inside(
    root: Path, make: Callable[[str, str], int], links: dict[str, str], asked: str, made: str
) -> None:
    (root / "x").mkdir()
    for name, target in links.items():
        (root / name).symlink_to(target)
    assert names(make(str(root), asked)) == str(root / made)
    assert (root / made).is_dir() == (make is inroot.make_directories)
    assert not any((root.parent / "outside").iterdir())


def test_a_loop_of_symlinks_is_refused(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        inroot.make_directories(str(root), "/a/b")


def test_a_magic_link_is_refused(root: Path) -> None:
    (root / "proc").symlink_to("/proc/self/root")
    with pytest.raises(OSError):
        inroot.open_in(str(root), "/proc/etc")


def test_a_file_is_made_with_its_parents(root: Path) -> None:
    assert names(inroot.make_file(str(root), "/etc/hosts")) == str(root / "etc/hosts")
    assert (root / "etc/hosts").read_bytes() == b""


def test_a_file_that_is_there_keeps_its_content(root: Path) -> None:
    (root / "f").write_text("kept")
    os.close(inroot.make_file(str(root), "/f"))
    assert (root / "f").read_text() == "kept"


def test_a_symlink_to_a_host_file_is_that_path_inside(root: Path) -> None:
    (root / "link").symlink_to(str(root.parent / "secret"))
    with pytest.raises(FileNotFoundError):
        inroot.open_in(str(root), "/link")
