"""Records, claims, locks and trees on disk."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker import leanjson, store
from mydocker.errors import Damaged


def test_a_record_is_replaced_whole(tmp_path: Path) -> None:
    path = str(tmp_path / "r.json")
    store.write_json(path, {"a": 1})
    store.write_json(path, {"a": 'é\n"', "b": [None, True, 1.5]})
    assert store.read_json(path) == {"a": 'é\n"', "b": [None, True, 1.5]}
    assert os.listdir(tmp_path) == ["r.json"]


def test_a_failed_write_leaves_the_old_record_and_nothing_else(tmp_path: Path) -> None:
    path = str(tmp_path / "r.json")
    store.write_json(path, {"a": 1})
    (tmp_path / "d").mkdir()
    with pytest.raises(IsADirectoryError):
        store.write_atomic(str(tmp_path / "d"), b"x")
    assert store.read_json(path) == {"a": 1}
    assert sorted(os.listdir(tmp_path)) == ["d", "r.json"]


@pytest.mark.parametrize("text", ["", "{", '{"a": }', "{} x", "nul"])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(Damaged, match=r"r\.json: not valid JSON"):
        store.read_json(str(tmp_path / "r.json"))


def test_a_record_without_end_is_damaged() -> None:
    with pytest.raises(Damaged, match=r"^/dev/zero: more than 16777216 bytes$"):
        store.read_json("/dev/zero")


def test_only_one_of_many_gets_a_claim(tmp_path: Path) -> None:
    claim = str(tmp_path / "name")
    read, write = os.pipe()
    children = []
    for number in range(20):
        child = os.fork()
        if child == 0:
            holder = store.claim(claim, f"owner{number}")
            os.write(write, b"won\n" if holder is None else b"lost\n")
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as file:
        assert sorted(file.read().split()) == ["lost"] * 19 + ["won"]
    assert os.listdir(tmp_path) == ["name"]


def test_a_claim_is_released_by_its_owner_only(tmp_path: Path) -> None:
    claim = str(tmp_path / "name")
    assert store.claim(claim, "a") is None
    assert store.claim(claim, "b") == "a"
    store.release(claim, "b")
    assert store.claimed_by(claim) == "a"
    store.release(claim, "a")
    store.release(claim, "a")
    assert store.claimed_by(claim) is None


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with store.Lock(path), pytest.raises(BlockingIOError), store.Lock(path, wait=False):
        pass
    with store.Lock(path, wait=False):
        pass


def test_a_tree_goes_and_what_its_symlinks_name_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("kept")
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/link").symlink_to(tmp_path / "kept")
    (tree / "a/b/file").write_text("x")
    os.mkfifo(tree / "fifo")
    store.remove_tree(str(tree))
    store.remove_tree(str(tree))
    assert [p.name for p in tmp_path.rglob("*")] == ["kept", "file"]


@pytest.mark.parametrize("value", [{}, [], "", 0, -1.5, None, True, {"a": [{"b": "\ud800"}]}, "\udc80"])
def test_lean_json_round_trips(value: object) -> None:
    assert leanjson.loads(leanjson.dumps(value)) == value


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../../etc", None])
def test_a_claim_that_is_damaged_is_nobodys_and_stays(tmp_path: Path, content: bytes | None) -> None:
    claim = tmp_path / "name"
    if content is None:
        claim.mkdir()
    else:
        claim.write_bytes(content)
    assert store.claimed_by(str(claim)) == store.UNCLEAR
    assert store.claim(str(claim), "b") == store.UNCLEAR
    store.release(str(claim), "b")
    assert claim.exists()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink(path, path)], ids=["directory", "FIFO", "loop"])
def test_what_is_no_file_is_damaged(tmp_path: Path, make: Callable[[str], None]) -> None:
    make(f"{tmp_path}/record")
    with pytest.raises(Damaged, match=r"^.*/record: "):
        store.read_json(f"{tmp_path}/record")


@pytest.mark.parametrize("make", [os.mkdir, lambda path: os.symlink(path, path)], ids=["directory", "loop"])
def test_what_cannot_be_a_lock_is_damaged(tmp_path: Path, make: Callable[[str], None]) -> None:
    make(f"{tmp_path}/lock")
    with pytest.raises(Damaged, match=r"^.*/lock: "), store.Lock(f"{tmp_path}/lock"):
        pass


def _is_full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_has_room_for_what_was_reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, spare = tmp_path / "record", tmp_path / ".record.spare"
    store.write_reserving(str(path), b"first" * 1000)
    assert spare.stat().st_size == 8192
    assert spare.stat().st_blocks * 512 >= 8192
    with monkeypatch.context() as full:
        full.setattr(store, "write_atomic", _is_full)
        store.write_reserving(str(path), b"second")
        assert path.read_bytes() == b"second"
        assert spare.exists()
        full.setattr(os, "posix_fallocate", _is_full)
        store.write_reserving(str(path), b"third")
        assert path.read_bytes() == b"third"
        assert os.listdir(tmp_path) == ["record"]
        with pytest.raises(OSError, match="No space left"):
            store.write_reserving(str(path), b"fourth")
    store.write_reserving(str(path), b"fifth")
    assert spare.exists()


def test_a_claim_that_has_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _is_full)
    with pytest.raises(OSError, match="No space left"):
        store.claim(f"{tmp_path}/name", "me")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("mode", "gid", "after"), [(0o755, 0, 0o700), (0o710, 0, 0o700), (0o710, 7, 0o710), (0o750, 7, 0o700)])
def test_a_directory_is_closed_to_all_but_a_group_that_passes_through(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, gid: int, after: int
) -> None:
    tmp_path.chmod(mode)
    found = list(os.stat(tmp_path))
    found[5] = gid
    monkeypatch.setattr(os, "stat", lambda path: os.stat_result(found))
    store.close_to_others(str(tmp_path))
    monkeypatch.undo()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == after
