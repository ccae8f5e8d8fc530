"""The contract of a storage driver, kept by each: what a container sees, what it changes, and that as a layer."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from marshal import dumps, loads
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mydocker.engine.system.repair import half_unpacked
from mydocker.errors import StepFailed
from mydocker.kernel.namespaces import CLONE_NEWNS, unshare
from mydocker.paths import Paths
from mydocker.steps.base import Run
from mydocker.steps.namespaces import ReceiveMounts
from mydocker.storage import drivers
from mydocker.storage.base import StorageDriver
from mydocker.storage.pack import pack_tree
from mydocker.storage.unpack import unpack
from mydocker.storage.whiteouts import PLAIN

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: file systems are mounted")

Tree = dict[str, tuple[object, ...]]
# What a capability on a file looks like: version 2, cap_net_raw permitted and effective (linux/capability.h).
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="mydocker-storage-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=drivers.NAMES)
def driver(request: pytest.FixtureRequest, place: Path) -> StorageDriver:
    paths = Paths(f"{place}/root", f"{place}/state")
    os.makedirs(paths.root)
    found = drivers.driver(request.param, paths)
    reason = found.unsupported(paths)
    if reason:
        pytest.skip(f"storage driver {request.param}: {reason}")
    return found


def chain(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def archive(files: dict[str, str], links: dict[str, str] | None = None) -> io.BytesIO:
    """Return a layer's tar. links: {name: name of the file that it is a hard link to}"""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            tar.addfile(member)
    stream.seek(0)
    return stream


def tree_of(root: Path) -> Tree:
    """Return {path: all that there is to know of it}; hard links are known by the first of their names."""
    found: Tree = {}
    names: dict[int, str] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(root))
        content: object = ""
        if stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        elif stat.S_ISCHR(status.st_mode):
            content = status.st_rdev
        xattrs = sorted(each for each in os.listxattr(path, follow_symlinks=False) if not each.startswith("trusted.overlay"))
        values = tuple((each, os.getxattr(path, each, follow_symlinks=False)) for each in xattrs)
        # A directory's time is that of its last entry's, which differs between the drivers.
        moment = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
        first = "" if stat.S_ISDIR(status.st_mode) else names.setdefault(status.st_ino, name)
        found[name] = (status.st_mode, status.st_uid, status.st_gid, moment, content, values, first)
    return found


def mounted(
    driver: StorageDriver,
    directory: Path,
    layers: list[str],
    work: Callable[[Path], None] = lambda root: None,
    crash: bool = False,
    look: bool = True,
) -> Tree:
    """Mount a container's root in a child with a mount namespace of its own, do something in it, and return what is there then.

    crash: let the mount end with the child, as when the machine does
    look: False leaves all as the work has left it: to read a file changes what aufs has of it
    """
    target = directory / "root"
    if not directory.exists():
        target.mkdir(parents=True)
        Run("test").execute(driver.writable_steps(str(directory)))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            unshare(CLONE_NEWNS)
            Run("test").execute([ReceiveMounts(), *driver.mount_steps(str(directory), layers, str(target))])
            work(target)
            with os.fdopen(write, "wb") as file:
                file.write(dumps(tree_of(target) if look else {}))
            if not crash:
                Run("test").execute(driver.unmount_steps(str(directory), str(target)))
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        data = file.read()
    assert os.waitpid(child, 0)[1] == 0
    tree: Tree = loads(data)
    return tree


BASE = {"gone": "1", "changed": "2", "kept": "3", "dir/a": "4", "dir/b": "5", "emptied/x": "6", "emptied/deep/y": "7", "moved": "8"}


def change(root: Path) -> None:
    """Do what containers do to their files."""
    (root / "gone").unlink()
    (root / "changed").write_text("changed")
    (root / "kept").chmod(0o4755)
    os.chown(root / "dir/a", 12345, 54321)
    (root / "moved").rename(root / "dir/arrived")
    shutil.rmtree(root / "emptied")
    (root / "emptied").mkdir(0o700)
    (root / "emptied/new").write_text("new")
    (root / "new/deep").mkdir(parents=True)
    (root / "new/deep/file").write_text("content")
    os.link(root / "new/deep/file", root / "new/link")
    (root / "new/symlink").symlink_to("../dir/a")
    os.mkfifo(root / "new/fifo")
    os.mknod(root / "new/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.setxattr(root / "new/deep/file", "security.capability", CAPABILITY)
    os.utime(root / "changed", ns=(0, 1_234_567_890_123_456_789))
    name = "a long name " * 20
    (root / "new" / name).write_text("ü\n")
    with (root / "new/sparse").open("wb") as file:
        file.seek(10_000_000)
        file.write(b"end")


@pytest.mark.kernel
def test_changes_as_a_layer_give_the_same_tree(driver: StorageDriver, place: Path) -> None:
    driver.apply(chain(1), [], archive(BASE))
    assert set(mounted(driver, place / "untouched", [chain(1)])) == {*BASE, "dir", "emptied", "emptied/deep"}
    before = mounted(driver, place / "first", [chain(1)], change)
    assert "gone" not in before
    assert "emptied/x" not in before
    layer = io.BytesIO()
    driver.diff(str(place / "first"), [chain(1)], layer, set())
    layer.seek(0)
    driver.apply(chain(2), [chain(1)], layer)
    assert mounted(driver, place / "second", [chain(2), chain(1)]) == before
    assert mounted(driver, place / "untouched", [chain(1)])["gone"][4] == b"1"


def test_a_symlink_that_got_another_owner_is_in_the_layer(driver: StorageDriver, place: Path) -> None:
    below = io.BytesIO()
    with tarfile.open(fileobj=below, mode="w") as tar:
        for name in ("given", "kept"):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "nowhere"
            tar.addfile(member)
    below.seek(0)
    driver.apply(chain(1), [], below)
    mounted(driver, place / "first", [chain(1)], lambda root: os.chown(root / "given", 3, 4, follow_symlinks=False))
    layer = io.BytesIO()
    driver.diff(str(place / "first"), [chain(1)], layer, set())
    layer.seek(0)
    with tarfile.open(fileobj=layer) as tar:
        assert [(each.name, each.uid, each.gid, each.linkname) for each in tar] == [("given", 3, 4, "nowhere")]


@pytest.mark.kernel
def test_changes_are_listed(driver: StorageDriver, place: Path) -> None:
    driver.apply(chain(1), [], archive(BASE))
    mounted(driver, place / "first", [chain(1)], change)
    found = {change.path: change.kind for change in driver.changes(str(place / "first"), [chain(1)])}
    expected = {
        "/gone": "D",
        "/changed": "C",
        "/kept": "C",
        "/dir/a": "C",
        "/dir/arrived": "A",
        "/moved": "D",
        "/new": "A",
        "/emptied/new": "A",
    }
    assert expected.items() <= found.items()
    assert "/dir/b" not in found


@pytest.mark.kernel
def test_a_writable_layer_lives_until_it_is_removed(driver: StorageDriver, place: Path) -> None:
    driver.apply(chain(1), [], archive(BASE))
    first = mounted(driver, place / "first", [chain(1)], change)
    assert mounted(driver, place / "first", [chain(1)]) == first


LINKED = {"a": "old", "sub/deep/x": "x"}, {"b": "a", "sub/deep/y": "a", "z": "sub/deep/x"}
# Overlay copies one name up, and leaves the others of its layer with the old file.
KEEPS_LINKS = {"overlay": False, "aufs": True, "vfs": True}


def write_to_links(root: Path) -> None:
    (root / "a").write_text("new")
    os.link(root / "z", root / "c")
    (root / "c").write_text("by another name")


def as_layer(driver: StorageDriver, directory: Path, layers: list[str]) -> str:
    """Commit a container's changes and return the layer's chain id."""
    layer = io.BytesIO()
    driver.diff(str(directory), layers, layer, set())
    layer.seek(0)
    driver.apply(chain(2), layers, layer)
    return chain(2)


@pytest.mark.kernel
@pytest.mark.parametrize(("crash", "look"), [(False, False), (False, True), (True, True)])
def test_hard_links_across_layers_restart_and_commit(driver: StorageDriver, place: Path, crash: bool, look: bool) -> None:
    driver.apply(chain(1), [], archive(*LINKED))
    before = mounted(driver, place / "first", [chain(1)], write_to_links, crash, look)
    after = mounted(driver, place / "first", [chain(1)])
    committed = mounted(driver, place / "second", [as_layer(driver, place / "first", [chain(1)]), chain(1)])
    for tree in (before, after, committed) if look else (after, committed):
        contents = {name: entry[4] for name, entry in tree.items() if entry[4]}
        old = b"new" if KEEPS_LINKS[driver.name] else b"old"
        assert {"a": b"new", "b": old, "sub/deep/y": old, "c": b"by another name"}.items() <= contents.items()
        # In a crash aufs forgets what new names were linked to (docs/differences.md).
        if not (driver.name == "aufs" and crash and tree is not before):
            assert contents["z"] == b"by another name"
            assert tree["c"][6] == tree["z"][6]
        if KEEPS_LINKS[driver.name]:
            assert tree["a"][6] == tree["b"][6] == tree["sub/deep/y"][6]


@pytest.mark.kernel
@pytest.mark.parametrize("crash", [False, True])
def test_what_no_name_shows_is_kept_nowhere(driver: StorageDriver, place: Path, crash: bool) -> None:
    def work(root: Path) -> None:
        write_to_links(root)
        for name in ("a", "b", "c", "z", "sub/deep/x", "sub/deep/y"):
            (root / name).unlink()

    driver.apply(chain(1), [], archive(*LINKED))
    mounted(driver, place / "first", [chain(1)], work, crash)
    assert set(mounted(driver, place / "first", [chain(1)])) == {"sub", "sub/deep"}
    kept = [path.read_bytes() for path in (place / "first").rglob("*") if path.is_file()]
    assert b"new" not in kept
    assert b"by another name" not in kept


@pytest.mark.kernel
def test_a_link_that_was_broken_is_not_joined_again(driver: StorageDriver, place: Path) -> None:
    def work(root: Path) -> None:
        (root / "a").write_text("new")
        (root / "other").write_text("other")
        (root / "other").rename(root / "b")
        (root / "sub/deep/y").unlink()

    driver.apply(chain(1), [], archive(*LINKED))
    mounted(driver, place / "first", [chain(1)], work, crash=True)
    after = mounted(driver, place / "first", [chain(1)])
    assert "sub/deep/y" not in after
    assert {name: after[name][4] for name in ("a", "b")} == {"a": b"new", "b": b"other"}


@pytest.mark.kernel
@pytest.mark.parametrize("name", [".wh.y", "n" * 250])
def test_a_name_that_a_driver_does_not_take_is_told_as_the_user_wrote_it(driver: StorageDriver, place: Path, name: str) -> None:
    def work(root: Path) -> None:
        try:
            unpack(archive({f"d/{name}": "x"}), str(root), None)
        except StepFailed as error:
            (root / "told").write_text(error.message)

    driver.apply(chain(1), [], archive(BASE))
    tree = mounted(driver, place / "first", [chain(1)], work)
    if driver.name == "aufs":
        told = f"d/{name}: the storage driver aufs has no names that begin with .wh. or are longer than 242 bytes"
        assert tree["told"][4] == told.encode()
    else:
        assert "told" not in tree


def test_excluded_paths_are_in_no_layer(driver: StorageDriver, place: Path) -> None:
    driver.apply(chain(1), [], archive(BASE))
    mounted(driver, place / "first", [chain(1)], change)
    layer = io.BytesIO()
    driver.diff(str(place / "first"), [chain(1)], layer, {"/new/deep", "/emptied"})
    layer.seek(0)
    with tarfile.open(fileobj=layer) as tar:
        names = {member.name for member in tar}
    assert "new/symlink" in names
    assert not any(name.startswith(("new/deep", "emptied")) for name in names)


@pytest.mark.parametrize("count", [2, 40, 150])
def test_many_layers(driver: StorageDriver, place: Path, count: int) -> None:
    if driver.name == "aufs" and count > 126:
        pytest.skip("aufs has 127 branches at most")
    layers: list[str] = []
    for number in range(count):
        driver.apply(chain(number), layers, archive({f"file{number}": str(number), "last": str(number)}))
        layers = [chain(number), *layers]
    tree = mounted(driver, place / "deep", layers)
    assert len(tree) == count + 1
    assert tree["last"][4] == str(count - 1).encode()


def test_the_same_layer_from_many_at_once(driver: StorageDriver, place: Path) -> None:
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            try:
                driver.apply(chain(1), [], archive(BASE))
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert half_unpacked(driver.layers) == []
    assert [name for name in os.listdir(driver.layers) if name != "l"] == [chain(1)]
    assert set(mounted(driver, place / "one", [chain(1)])) >= set(BASE)


def test_a_killed_apply_leaves_nothing_that_counts(driver: StorageDriver, place: Path) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        with os.fdopen(read, "rb") as stream:
            driver.apply(chain(1), [], stream)
        os._exit(0)
    os.close(read)
    os.write(write, archive({f"file{number}": "x" * 2000 for number in range(20)}).getvalue()[:40000])
    for _ in range(500):
        if any(name.endswith(".partial") for name in (os.listdir(driver.layers) if os.path.isdir(driver.layers) else [])):
            break
        subprocess.run(["sleep", "0.01"], check=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(write)
    assert not driver.has(chain(1))
    assert [os.path.basename(path) for path in half_unpacked(driver.layers)] == [f"{chain(1)}.{child}.partial"]
    driver.apply(chain(1), [], archive(BASE))
    assert set(mounted(driver, place / "after", [chain(1)])) >= set(BASE)


def test_a_damaged_layer_leaves_nothing(driver: StorageDriver) -> None:
    with pytest.raises(Exception, match="not a tar archive"):
        driver.apply(chain(1), [], io.BytesIO(archive({"a": "x" * 5000}).getvalue()[:2000]))
    assert not driver.has(chain(1))
    assert half_unpacked(driver.layers) == []


NAMES = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..") and not name.startswith(".wh.") and len(name.encode()) < 200
)
FILES = st.tuples(st.binary(max_size=200), st.integers(0, 0o7777), st.integers(0, 70000), st.integers(0, 2**33 * 10**9))
TREES = st.recursive(FILES, lambda children: st.dictionaries(NAMES, children, max_size=4), max_leaves=12)


def grow(path: Path, content: object) -> None:
    if isinstance(content, dict):
        path.mkdir(exist_ok=True)
        for name, below in content.items():
            grow(path / name, below)
    elif isinstance(content, tuple):
        data, mode, owner, moment = content
        path.write_bytes(data)
        os.chown(path, owner, owner)
        path.chmod(mode)
        os.utime(path, ns=(moment, moment))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.dictionaries(NAMES, TREES, max_size=4))
def test_any_tree_packs_and_unpacks(place: Path, content: dict[str, object]) -> None:
    before, after = place / "before", place / "after"
    for path in (before, after):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    grow(before, content)
    stream = io.BytesIO()
    pack_tree(str(before), stream)
    stream.seek(0)
    unpack(stream, str(after), PLAIN)
    assert tree_of(after) == tree_of(before)
