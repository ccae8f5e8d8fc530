"""aufs without aufs: the options of its calls, and hard links after a crash, over branches as a kernel has left them.

The branches are those of Linux 6.1 with aufs 6.1: .wh..wh.plnk holds each copy once more, as INO.BRANCH_INO.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mydocker.errors import Unsupported
from mydocker.steps.mounts import Mount
from mydocker.storage.aufs import Aufs, CountBranches
from mydocker.storage.plinks import MakeLinksReal, RestoreLinks


def calls(root: str, count: int) -> list[str]:
    """Return the options of the calls that mount an image of some layers."""
    steps = Aufs(f"{root}/layers/aufs").mount_steps(f"{root}/containers/{'c' * 64}", [f"{number:064x}" for number in range(count)], "/t")
    assert steps[-1] == CountBranches("/t", count + 1)
    return [step.data for step in steps if isinstance(step, Mount)]


@pytest.mark.parametrize("length", [10, 18, 19, 60, 200])
@pytest.mark.parametrize("count", [1, 38, 39, 40, 41, 80, 126])
def test_every_call_fits_and_every_branch_is_in_one(count: int, length: int) -> None:
    found = calls("/" + "r" * (length - 1), count)
    assert all(len(data) <= 4095 and data.count("=r") <= 40 for data in found)
    assert found[0].startswith("dirperm1,dio,br:/")
    assert all(part.startswith("append:/") for data in found[1:] for part in data.split(","))
    assert [int(text[:64], 16) for text in "".join(found).split("/layers/aufs/")[1:]] == list(range(count))


def test_bytes_are_counted_and_not_characters() -> None:
    assert all(len(data.encode()) <= 4095 for data in calls("/" + "ü" * 100, 60))


def test_more_layers_than_it_has_branches() -> None:
    with pytest.raises(Unsupported, match="aufs: 127 layers are more than the 126 that it can mount"):
        calls("/r", 127)


class Branches:
    """A writable branch above a layer, in which a, sub/b and sub/c are one file, and x is another."""

    def __init__(self, place: Path) -> None:
        self.rw, self.layer, self.plinks = place / "rw", place / "layer", place / "rw/.wh..wh.plnk"
        self.plinks.mkdir(parents=True)
        (self.layer / "sub").mkdir(parents=True)
        (self.layer / "sub").chmod(0o710)
        (self.layer / "a").write_text("old")
        for name in ("sub/b", "sub/c"):
            os.link(self.layer / "a", self.layer / name)
        (self.layer / "x").write_text("x")

    def copied(self, text: str, *names: str) -> None:
        """Leave what aufs leaves of a file that it copied up and then wrote to, under these names."""
        path = self.plinks / "new"
        path.write_text(text)
        for name in names:
            (self.rw / name).parent.mkdir(exist_ok=True)
            os.link(path, self.rw / name)
        path.rename(self.plinks / f"17.{path.stat().st_ino}")

    def restore(self) -> dict[str, str]:
        """Return {name: contents} of the writable branch after the step."""
        RestoreLinks(str(self.rw), [str(self.layer)]).apply()
        assert os.listdir(self.plinks) == []
        files = [path for path in sorted(self.rw.rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.rw)): path.read_text() for path in files}


@pytest.fixture
def branches(tmp_path: Path) -> Branches:
    return Branches(tmp_path)


def test_the_other_names_follow_their_copy(branches: Branches) -> None:
    branches.copied("new", "a")
    assert branches.restore() == {"a": "new", "sub/b": "new", "sub/c": "new"}
    assert (branches.rw / "a").samefile(branches.rw / "sub/c")
    assert (branches.rw / "sub").stat().st_mode & 0o7777 == 0o710


def test_names_that_are_something_else_by_now_stay_so(branches: Branches) -> None:
    branches.copied("new", "sub/c")
    (branches.rw / ".wh.a").touch()
    (branches.rw / "sub/b").write_text("another")
    assert branches.restore() == {".wh.a": "", "sub/b": "another", "sub/c": "new"}


def test_names_in_a_directory_that_was_emptied_stay_hidden(branches: Branches) -> None:
    branches.copied("new", "a")
    (branches.rw / "sub").mkdir()
    (branches.rw / "sub/.wh..wh..opq").touch()
    assert branches.restore() == {"a": "new", "sub/.wh..wh..opq": ""}


def test_a_new_name_of_a_file_of_the_layer_keeps_its_contents(branches: Branches) -> None:
    branches.copied("new", "c")
    assert branches.restore() == {"c": "new"}


def test_a_copy_in_two_files_places_is_not_guessed_at(branches: Branches) -> None:
    branches.copied("new", "a", "x")
    assert branches.restore() == {"a": "new", "x": "new"}


def test_what_no_name_shows_goes(branches: Branches) -> None:
    branches.copied("new")
    (branches.plinks / "something else").touch()
    RestoreLinks(str(branches.rw), [str(branches.layer)]).apply()
    assert os.listdir(branches.plinks) == ["something else"]


def test_a_branch_that_was_never_mounted_has_nothing_to_restore(tmp_path: Path) -> None:
    RestoreLinks(str(tmp_path), []).apply()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ends", [False, True])
def test_each_name_is_read_through_the_mount(branches: Branches, tmp_path: Path, ends: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a").write_text("new")
    for name in ("b", "sub/c"):
        os.link(root / "a", root / name)
    (root / "x").touch()
    os.symlink("nowhere", root / "s")
    os.link(root / "s", root / "t", follow_symlinks=False)
    for name in ("a", "s"):
        (branches.plinks / f"{(root / name).lstat().st_ino}.5").touch()
    opened: list[str] = []
    real, real_utime = os.read, os.utime

    def spy(descriptor: int, size: int) -> bytes:
        opened.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        return real(descriptor, size)

    def spy_utime(path: str, **named: Any) -> None:
        opened.append(path)
        real_utime(path, **named)

    monkeypatch.setattr(os, "read", spy)
    monkeypatch.setattr(os, "utime", spy_utime)
    MakeLinksReal(str(root), str(branches.rw), ends).apply()
    assert sorted(each for each in opened if len(each) == 1) == ["a", "b", "c", "s", "t"]
    assert len(os.listdir(branches.plinks)) == (0 if ends else 2)


def test_the_steps_explain_themselves(branches: Branches) -> None:
    steps = Aufs("/l").unmount_steps("/c", "/t")
    assert [step.describe() for step in steps] == [
        "make the hard links real that /c/rw/.wh..wh.plnk has: read their names in /t",
        "umount2 /t MNT_DETACH",
    ]
    assert steps[0].shell().endswith("rm -f /c/rw/.wh..wh.plnk/*.*")
    told = Aufs("/l").settle_steps("/c", ["1"], "")[0].describe()
    assert told == "link to their copies what the layers link to the files of /c/rw/.wh..wh.plnk, and empty that"
