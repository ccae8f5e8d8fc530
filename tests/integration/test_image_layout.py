"""Images for real: what skopeo and umoci make of the layout, commit and export on every storage driver, kill -9."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker import store
from mydocker.engine.catalog import images, verbs
from mydocker.engine.container import snapshots
from mydocker.engine.container.snapshots import CommitOptions
from mydocker.engine.record import state
from mydocker.engine.record.containers import RECORD
from mydocker.engine.transfer.outfile import write_whole
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import parse_name
from mydocker.images.staging import leftovers
from mydocker.kernel.namespaces import CLONE_NEWNS, unshare
from mydocker.paths import Paths
from mydocker.shape import fit
from mydocker.steps.base import Run
from mydocker.steps.namespaces import ReceiveMounts
from mydocker.storage import drivers

if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.record.containers import Record
    from mydocker.storage.base import StorageDriver

SOURCE = str(Path(__file__).parents[2])


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(root=f"{tmp_path}/root", state=f"{tmp_path}/state")


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """Return a small tree with a link, a hard link, a mode and an owner."""
    tree = tmp_path / "rootfs"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (tree / "etc/link").symlink_to("passwd")
    os.link(tree / "etc/passwd", tree / "etc/hard")
    (tree / "old").mkdir()
    (tree / "old/file").write_text("old")
    (tree / "old").chmod(0o1770)
    os.chown(tree / "old", 1234, 5678)
    return tree


@pytest.fixture(params=drivers.NAMES)
def driver(request: pytest.FixtureRequest, paths: Paths) -> StorageDriver:
    os.makedirs(paths.state)
    chosen = drivers.driver(request.param, paths)
    reason = "not root" if os.geteuid() else chosen.unsupported(paths)
    if reason:
        pytest.skip(f"storage driver {request.param}: {reason}")
    return chosen


def mydocker(paths: Paths, *args: str) -> str:
    return subprocess.run(command(paths, *args), env=environment(), check=True, capture_output=True, text=True).stdout.strip()


def command(paths: Paths, *args: str) -> list[str]:
    return [sys.executable, "-m", "mydocker", "--root", paths.root, "--state", paths.state, *args]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": SOURCE}


def tool(*args: str) -> str:
    if not shutil.which(args[0]):
        pytest.skip(f"{args[0]} is not installed")
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def in_child(work: Callable[[], None]) -> None:
    """Do work in a child with a mount namespace of its own."""
    child = os.fork()
    if child == 0:
        try:
            unshare(CLONE_NEWNS)
            ReceiveMounts().apply()
            work()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def make_container(paths: Paths, driver: StorageDriver, image: images.Image) -> Record:
    """Return the record of a stopped container, whose directory is as create makes it."""
    record: Any = {
        "id": os.urandom(32).hex(),
        "name": "made",
        "image": "base",
        "imageId": image.id,
        "layers": image.chain_ids,
        "storageDriver": driver.name,
        "status": "exited",
        "createTime": "2026-01-01T00:00:00Z",
        "command": ["sh"],
        "config": {**image.config},
        "hostConfig": {"CgroupPath": "/none"},
        "mounts": [{"type": "volume", "destination": "/volume"}],
    }
    fit(record, RECORD)
    made: Record = record
    directory = paths.container(made["id"])
    os.makedirs(directory + "/bundle/rootfs")
    store.write_json(directory + "/config.json", record)
    Run("test").execute(driver.writable_steps(directory))
    return made


def change(paths: Paths, driver: StorageDriver, record: Record) -> None:
    """Write, delete and replace as a program in the container would."""
    directory = paths.container(record["id"])
    target = directory + "/bundle/rootfs"

    def work() -> None:
        Run("test").execute(driver.mount_steps(directory, record["layers"], target))
        Path(target, "new").write_text("new")
        Path(target, "etc/passwd").unlink()
        shutil.rmtree(target + "/old")
        Path(target, "old").mkdir()
        Path(target, "old/other").write_text("other")
        Path(target, "volume").mkdir()
        Path(target, "proc").mkdir()

    in_child(work)


def exported(paths: Paths, driver: StorageDriver, record: Record, path: Path) -> list[str]:
    write_whole(str(path), lambda file: snapshots.export(paths, driver, record, file))
    with tarfile.open(path) as tar:
        return sorted(tar.getnames())


AFTER = ["etc", "etc/hard", "etc/link", "new", "old", "old/other"]


def test_commit_and_export(paths: Paths, driver: StorageDriver, rootfs: Path, tmp_path: Path) -> None:
    run = Run("test")
    mydocker(paths, "import", "-c", 'CMD ["sh"]', str(rootfs), "base")
    base = images.find(paths, "base")
    images.ensure_layers(paths, driver, base, run)
    record = make_container(paths, driver, base)
    change(paths, driver, record)
    assert exported(paths, driver, record, tmp_path / "one.tar") == sorted([*AFTER, "proc", "volume"])

    snapshots.commit(paths, driver, record, parse_name("child"), CommitOptions(changes=["USER x"]), run)
    child = images.find(paths, "child")
    assert child.config == {"User": "x", "Cmd": ["sh"]}
    assert child.chain_ids[1:] == base.chain_ids
    images.ensure_layers(paths, driver, child, run)
    again = make_container(paths, driver, child)
    assert exported(paths, driver, again, tmp_path / "two.tar") == AFTER

    for container in (record, again):
        store.remove_tree(paths.container(container["id"]))
    for name in ("base", "child"):
        verbs.remove(paths, [driver], name, False, run)
    assert os.listdir(paths.images + "/blobs/sha256") == []
    assert not any(driver.has(chain_id) for chain_id in child.chain_ids)


def test_the_seeds_commit_writes_a_tar(paths: Paths, driver: StorageDriver, rootfs: Path, tmp_path: Path) -> None:
    mydocker(paths, "import", str(rootfs), "base")
    base = images.find(paths, "base")
    images.ensure_layers(paths, driver, base, Run("test"))
    record = make_container(paths, driver, base)
    change(paths, driver, record)
    mydocker(paths, "commit", record["id"][:12], f"{tmp_path}/flat.tar")
    assert images.find(paths, "flat:latest").chain_ids[1:] == base.chain_ids
    with tarfile.open(tmp_path / "flat.tar") as tar:
        assert tar.extractfile("new").read() == b"new"  # type: ignore[union-attr]


def test_export_of_a_running_container_goes_through_its_root(paths: Paths, rootfs: Path, tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("busybox"):
        pytest.skip("needs chroot(2) and a static busybox")
    shutil.copy(str(shutil.which("busybox")), rootfs / "busybox")
    (rootfs / "escape").symlink_to("/")
    vfs = drivers.driver("vfs", paths)
    mydocker(paths, "import", str(rootfs), "base")
    record = make_container(paths, vfs, images.find(paths, "base"))
    os.makedirs(paths.running(record["id"]))
    with subprocess.Popen(["chroot", rootfs, "/busybox", "sleep", "60"]) as process:
        try:
            wait_for(lambda: os.path.samefile(f"/proc/{process.pid}/root", rootfs))
            state.save(paths, record["id"], process.pid, "")
            names = exported(paths, vfs, record, tmp_path / "running.tar")
        finally:
            process.kill()
    assert names == ["busybox", "escape", "etc", "etc/hard", "etc/link", "etc/passwd", "old", "old/file"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_tar_to_a_terminal_is_refused(paths: Paths) -> None:
    master, slave = os.openpty()
    result = subprocess.run(command(paths, "export", "x"), env=environment(), stdout=slave, stderr=subprocess.PIPE, text=True)
    os.close(master)
    os.close(slave)
    assert (result.returncode, result.stderr) == (1, "mydocker: cowardly refusing to save to a terminal\nhint: use -o FILE, or redirect\n")


def test_skopeo_and_umoci_read_our_layout(paths: Paths, rootfs: Path, tmp_path: Path) -> None:
    mydocker(paths, "import", "-c", "ENV A=b", "-m", "hello", str(rootfs), "busybox:1")
    digest = images.find(paths, "busybox:1").manifest
    inspected = json.loads(tool("skopeo", "inspect", f"oci:{paths.images}:busybox:1"))
    assert (inspected["Digest"], inspected["Env"], inspected["Os"]) == (digest, ["A=b"], "linux")
    tool("skopeo", "copy", f"oci:{paths.images}:busybox:1", f"oci:{tmp_path}/copy:x")
    assert tool("umoci", "ls", "--layout", paths.images) == "busybox:1\n"
    tool("umoci", "raw", "unpack", "--image", f"{tmp_path}/copy:x", f"{tmp_path}/unpacked")
    owner = os.stat(f"{tmp_path}/unpacked/old")
    assert (owner.st_uid, owner.st_gid, owner.st_mode & 0o7777) == (1234, 5678, 0o1770)
    assert os.path.samefile(f"{tmp_path}/unpacked/etc/hard", f"{tmp_path}/unpacked/etc/passwd")


def test_what_skopeo_writes_into_our_layout_is_an_image(paths: Paths, rootfs: Path) -> None:
    image_id = mydocker(paths, "import", str(rootfs), "one")
    tool("skopeo", "copy", f"oci:{paths.images}:one:latest", f"oci:{paths.images}:other.example/two:2")
    assert mydocker(paths, "images", "-q", "--no-trunc", "other.example/two") == image_id
    assert mydocker(paths, "rmi", "one") == "Untagged: one:latest"
    assert images.find(paths, "other.example/two:2").id == image_id.removeprefix("sha256:")


def test_killed_imports_leave_only_what_is_recognised(paths: Paths, rootfs: Path) -> None:
    (rootfs / "random").write_bytes(os.urandom(8 << 20))
    chance = random.Random(4711)
    for _ in range(12):
        with subprocess.Popen(command(paths, "import", str(rootfs), "x"), env=environment(), stdout=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0.1, 0.7))
            process.send_signal(signal.SIGKILL)
    layout = ImageLayout(paths.images)
    leftovers(layout, remove=True)
    assert leftovers(layout) == []
    mydocker(paths, "import", str(rootfs), "x")
    for image in images.all_images(paths):
        verbs.remove(paths, [], image.id, True, Run("test"))
    assert os.listdir(paths.images + "/blobs/sha256") == os.listdir(paths.images + "/staging") == []


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_an_import_that_crashes_after_a_step(paths: Paths, rootfs: Path, step: int) -> None:
    crash = {**environment(), "MYDOCKER_CRASH_AFTER": str(step)}
    result = subprocess.run(command(paths, "import", str(rootfs), "x"), env=crash, capture_output=True)
    assert result.returncode == -signal.SIGKILL
    layout = ImageLayout(paths.images)
    assert [os.path.dirname(path) for path in leftovers(layout, remove=True)] == [paths.images + "/staging"]
    assert leftovers(layout) == []
    assert len(images.all_images(paths)) == (step == 4)  # the layer, the config, the manifest; then all of it counts


def test_system_check_finds_and_repairs_images_and_layers(paths: Paths, rootfs: Path) -> None:
    mydocker(paths, "import", str(rootfs), "kept")
    vfs = drivers.driver("vfs", paths)
    images.ensure_layers(paths, vfs, images.find(paths, "kept"), Run("test"))
    assert mydocker(paths, "system", "check") == ""
    subprocess.run(command(paths, "import", str(rootfs), "x"), env={**environment(), "MYDOCKER_CRASH_AFTER": "1"}, check=False)
    for name in ("a" * 64, "b" * 64 + ".4194305.partial"):
        os.makedirs(f"{vfs.layers}/{name}/etc")
    found = subprocess.run(command(paths, "system", "check"), env=environment(), capture_output=True, text=True, check=False)
    kinds = sorted(line.split()[0] for line in found.stdout.splitlines())
    assert (found.returncode, kinds, found.stderr) == (1, ["half-unpacked", "image", "layer"], "")
    mydocker(paths, "system", "check", "--repair")
    assert mydocker(paths, "system", "check") == ""
    assert os.listdir(vfs.layers) == images.find(paths, "kept").chain_ids


def test_system_check_tells_damage(paths: Paths, rootfs: Path) -> None:
    mydocker(paths, "import", str(rootfs), "broken")
    os.unlink(ImageLayout(paths.images).blob(images.find(paths, "broken").manifest))
    found = subprocess.run(command(paths, "system", "check"), env=environment(), capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "image broken:latest: blob sha256:" in found.stdout
    mydocker(paths, "rmi", "-f", "broken")
    mydocker(paths, "system", "check", "--repair")


def test_imports_at_once(paths: Paths, rootfs: Path) -> None:
    running = [
        subprocess.Popen(command(paths, "import", str(rootfs), "x"), env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    ids = {process.communicate()[0].strip() for process in running}
    assert [process.returncode for process in running] == [0] * 6
    assert {f"sha256:{image.id}" for image in images.all_images(paths)} == ids
    assert len(images.find(paths, "x").names) == 1
