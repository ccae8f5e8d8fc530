"""The first use of a volume: what the image holds there is copied, once and whole."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

from mydocker.engine.volume import first_use as populate_module
from mydocker.engine.volume.first_use import MARKER, populate


class Case:
    """A root file system with something at /data, and a volume that was never filled."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "rootfs"
        self.image = self.root / "data"
        self.data = directory / "volume/_data"
        self.marker = directory / "volume" / MARKER
        self.image.mkdir(parents=True)
        self.data.mkdir(parents=True)
        self.marker.touch()

    def populate(self, destination: str = "/data") -> None:
        populate(str(self.root), destination, str(self.data))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_everything_is_copied(case: Case) -> None:
    (case.image / "file").write_text("content")
    (case.image / "file").chmod(0o640)
    os.utime(case.image / "file", ns=(10**18, 10**18))
    (case.image / "link").symlink_to("/nowhere")
    (case.image / "sub").mkdir(mode=0o700)
    (case.image / "sub/.hidden").touch()
    case.image.chmod(0o1770)
    case.populate()
    status = (case.data / "file").stat()
    assert (status.st_mode & 0o7777, status.st_mtime_ns, (case.data / "file").read_text()) == (0o640, 10**18, "content")
    assert os.readlink(case.data / "link") == "/nowhere"
    assert ((case.data / "sub").stat().st_mode & 0o777, os.listdir(case.data / "sub")) == (0o700, [".hidden"])
    assert case.data.stat().st_mode & 0o7777 == 0o1770
    assert os.listdir(case.data.parent) == ["_data"]


def test_an_empty_volume_is_filled_whoever_had_it_before(case: Case) -> None:
    case.populate()
    (case.image / "late").touch()
    case.populate()
    assert os.listdir(case.data) == ["late"]
    (case.image / "later").touch()
    case.populate()
    assert os.listdir(case.data) == ["late"]


def test_who_has_an_empty_volume_keeps_it_where_the_image_has_nothing(case: Case) -> None:
    case.populate()
    os.chown(case.data, 1000, 1000)
    case.populate("/nosuch")
    assert case.data.stat().st_uid == 1000


def test_of_many_at_once_one_fills_it_and_all_get_the_same(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[str] = []

    def slow(source: str, target: str) -> None:
        copies.append(target)
        sleep(0.1)
        os.mkdir(target)
        Path(target, "theirs").touch()

    def directory(_: int) -> int:
        case.populate()
        return case.data.stat().st_ino

    monkeypatch.setattr(populate_module, "copy_tree", slow)
    with ThreadPoolExecutor(4) as starts:
        assert len(set(starts.map(directory, range(4)))) == 1
    assert len(copies) == 1
    assert os.listdir(case.data.parent) == ["_data"]


def test_a_volume_with_data_is_left_alone(case: Case) -> None:
    (case.data / "mine").write_text("mine")
    (case.image / "theirs").touch()
    case.populate()
    assert os.listdir(case.data) == ["mine"]
    assert not case.marker.exists()


@pytest.mark.parametrize("destination", ["/nosuch", "/file/below"])
def test_nothing_at_the_destination(case: Case, destination: str) -> None:
    (case.root / "file").touch()
    case.populate(destination)
    assert (os.listdir(case.data), case.marker.exists()) == ([], False)


def test_a_file_at_the_destination(case: Case) -> None:
    (case.root / "file").write_text("x")
    case.populate("/file")
    assert (os.listdir(case.data), case.marker.exists()) == ([], False)


@pytest.mark.parametrize("target", ["/real", "../real", "/../../real"])
def test_a_link_is_followed_inside_the_root(case: Case, target: str) -> None:
    (case.root / "real").mkdir()
    (case.root / "real/inside").touch()
    (case.root / "dir").mkdir()
    (case.root / "dir/link").symlink_to(target)
    case.populate("/dir/link")
    assert os.listdir(case.data) == ["inside"]


def test_a_link_does_not_lead_out(case: Case, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").touch()
    (case.root / "link").symlink_to(tmp_path / "secret")
    case.populate("/link")
    assert os.listdir(case.data) == []


def test_an_interrupted_copy_is_made_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (case.image / name).touch()

    def half(source: str, target: str) -> None:
        os.mkdir(target)
        Path(f"{target}/one").touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(populate_module, "copy_tree", half)
        with pytest.raises(OSError, match="No space left"):
            case.populate()
    assert (os.listdir(case.data), case.marker.exists()) == ([], True)
    case.populate()
    assert sorted(os.listdir(case.data)) == ["one", "two"]
    assert os.listdir(case.data.parent) == ["_data"]


def test_the_directory_that_another_container_has_bound_is_filled(case: Case) -> None:
    bound = os.open(case.data, os.O_RDONLY)
    (case.image / "theirs").touch()
    case.populate()
    assert os.listdir(bound) == ["theirs"]
    os.close(bound)


def test_an_interrupted_move_is_taken_up_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what another container made meanwhile; and the copy is not made twice, so that hard links stay what they are."""
    for name in ("one", "two", "three"):
        (case.image / name).write_text("image's")
    os.link(case.image / "one", case.image / "other")
    rename, left = os.rename, [None] * 3  # the copy as a whole, and two entries

    def interrupted(source: str, target: str) -> None:
        if not left:
            raise OSError(5, "Input/output error")
        left.pop()
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", interrupted)
        with pytest.raises(OSError, match="Input/output"):
            case.populate()
    assert len(os.listdir(case.data)) == 2
    missing = next(name for name in ("three", "two", "one") if not (case.data / name).exists())
    (case.data / missing).write_text("mine")
    case.populate()
    assert sorted(os.listdir(case.data)) == ["one", "other", "three", "two"]
    assert {name: (case.data / name).read_text() for name in os.listdir(case.data)} == {
        name: "mine" if name == missing else "image's" for name in ("one", "other", "three", "two")
    }
    if missing != "one":
        assert (case.data / "one").samefile(case.data / "other")
    assert os.listdir(case.data.parent) == ["_data"]
