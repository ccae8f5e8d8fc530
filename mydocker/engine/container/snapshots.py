"""Make an image or an archive of a container's files: commit and export."""

from __future__ import annotations

import os

from mydocker.engine.catalog import images
from mydocker.engine.container.children import as_failure, raise_failure
from mydocker.engine.container.stillness import HoldStill
from mydocker.engine.record import events, locks
from mydocker.engine.record.marker import MARKER
from mydocker.engine.record.sizes import WRITABLE
from mydocker.engine.record.state import running_pid
from mydocker.images import change, config, index
from mydocker.images.draft import Draft, StoreLayer
from mydocker.images.layout import ImageLayout
from mydocker.images.times import now
from mydocker.kernel.files import GONE, Allowing
from mydocker.kernel.namespaces import CLONE_NEWNS, CLONE_NEWUSER, setns, unshare
from mydocker.steps.base import Action, Run, quote
from mydocker.steps.namespaces import ReceiveMounts
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from typing import BinaryIO, NoReturn

    from mydocker.engine.record.containers import Record
    from mydocker.images.archive import LayerWriter
    from mydocker.images.config import ImageConfig, ImageDocument
    from mydocker.images.draft import Fill
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths
    from mydocker.steps.base import Step
    from mydocker.storage.base import StorageDriver
    from mydocker.storage.whiteouts import Change

_CHUNK = 1 << 18

# The paths that the runtime mounts something on in every container. It may have made them in the writable layer, as mount points.
_RUNTIME_MOUNTS = frozenset({"/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"})
# What of a writable layer nobody has changed in the container, whatever that mounts.
OF_NO_IMAGE = _RUNTIME_MOUNTS | {MARKER}


class CommitOptions(Value):
    """What commit is told."""

    changes: Sequence[str] = ()  # Dockerfile instructions that change the image's settings
    author: str = ""
    message: str = ""  # the comment in the image's history
    pause: bool = True  # whether the container is paused while its files are read


def commit(paths: Paths, driver: StorageDriver, record: Record, reference: Reference | None, options: CommitOptions, run: Run) -> str:
    """Make an image of a container: the layers of its image, and one of what it changed. Volumes are left out.

    Returns the new image's id, or '' if `run` did not apply the steps. Raises NotFound if the container's image is gone.
    """
    base = images.find(paths, "sha256:" + record["imageId"])
    driver.check_depth(len(base.diff_ids) + 1)
    settings = change.apply(config.image_settings(record["config"]), options.changes)
    created = now()
    entry = config.history_entry(created, " ".join(record["config"]["Cmd"] or []), options.author, options.message)
    document = _child_document(base, config.image_settings(settings), created, options.author)
    fill = _difference(paths, driver, record)
    with Draft(ImageLayout(paths.images), document, list(base.layers), list(base.sizes)) as draft:
        layer = StoreLayer(draft, f"of changes in container {record['id'][:12]}", fill, entry)
        still = HoldStill(paths, record)
        if options.pause:
            run.apply(still)
        try:
            with locks.WithoutLock(paths, record):
                _settle(paths, driver, record, run)
                run.apply(layer)
        finally:
            still.undo()
        run.execute(draft.store_steps(reference, {index.PARENT: base.id}))
        if draft.image_id:
            _tell(paths, record, draft.image_id, reference, options.message, settings.get("Labels") or {})
        return draft.image_id


def _tell(paths: Paths, record: Record, image_id: str, reference: Reference | None, message: str, labels: dict[str, str]) -> None:
    digest, name = f"sha256:{image_id}", str(reference or "")
    events.of_container(paths, record, "commit", comment=message, imageID=digest, imageRef=name)
    if name:
        events.emit(paths, "image", "tag", digest, {**labels, "name": name})


def _child_document(base: images.Image, settings: ImageConfig, created: str, author: str) -> ImageDocument:
    """Return the base image's configuration with other settings. Its lists are copies, to which a layer can be added."""
    document = base.document.copy()
    document["created"] = created
    document.pop("author", None)
    if author:
        document["author"] = author
    document["config"] = settings
    document["rootfs"] = {"type": "layers", "diff_ids": list(base.diff_ids)}
    document["history"] = list(base.document["history"])
    return document


def _settle(paths: Paths, driver: StorageDriver, record: Record, run: Run) -> None:
    """Have a container's writable layer tell all that it changed. Nobody starts the container while that is done below its mount."""
    directory, layers = paths.container(record["id"]), record["layers"]
    steps = driver.settle_steps(directory, layers, "")
    if not steps:
        return
    with locks.ContainerLock(paths, record["id"]):
        pid = running_pid(paths, record["id"])
        if not pid:
            run.execute(steps)
    if pid:
        with locks.WithoutLock(paths, record, pid):
            run.execute(driver.settle_steps(directory, layers, f"{paths.proc}/{pid}/root"))


def mounted(record: Record) -> set[str]:
    """Return the paths in a container that something is mounted on."""
    return {mount["destination"] for mount in record["mounts"]} | _RUNTIME_MOUNTS


def changes(paths: Paths, driver: StorageDriver, record: Record) -> list[Change]:
    """Return what a container changed, without the files and directories that are only there for mount points."""
    covered = mounted(record) | OF_NO_IMAGE
    with locks.WithoutLock(paths, record):
        _settle(paths, driver, record, Run("diff"))
        found = driver.changes(paths.container(record["id"]), record["layers"])
        own = [change for change in found if change.path not in covered]
        # Where all that changed below a directory is mount points, it is in the writable layer only because of them.
        only_hold = _parents(found) - _parents(own)

        def is_own(change: Change) -> bool:
            return change.kind != "C" or change.path not in only_hold or _is_altered(paths, driver, record, change.path)

        return [change for change in own if is_own(change)]


def _parents(found: list[Change]) -> set[str]:
    """Return all directories that something in the list is below."""
    parents: set[str] = set()
    for each in found:
        parent = os.path.dirname(each.path)
        while parent not in parents:
            parents.add(parent)
            parent = os.path.dirname(parent)
    return parents


def _is_altered(paths: Paths, driver: StorageDriver, record: Record, path: str) -> bool:
    """Say whether a directory has another mode or owner than in the image. One that is gone by now has not."""
    writable = f"{paths.container(record['id'])}/{WRITABLE[record['storageDriver']]}"
    layers = [top for layer in record["layers"] if os.path.lexists((top := driver.layer(layer)) + path)]
    with Allowing(*GONE):
        before, after = (os.lstat(top + path) for top in (*layers[:1], writable)) if layers else (None, os.lstat(writable + path))
        return before is None or (before.st_mode, before.st_uid, before.st_gid) != (after.st_mode, after.st_uid, after.st_gid)
    return False


def _difference(paths: Paths, driver: StorageDriver, record: Record) -> Fill:
    def fill(layer: LayerWriter) -> None:
        driver.diff(paths.container(record["id"]), record["layers"], layer.as_binary(), mounted(record) | OF_NO_IMAGE)

    return fill


def export(paths: Paths, driver: StorageDriver, record: Record, stream: BinaryIO, run: Run | None = None) -> None:
    """Write a container's whole root file system to a stream as a plain tar, without what is mounted in it. Raises Error.

    run: executes the steps and tells them, None for nobody to hear of them
    """
    run = run or Run("export")
    directory = paths.container(record["id"])
    rootfs = directory + "/bundle/rootfs"
    # While the writable layer is mounted for this, nobody may start or remove the container. A running container is only read.
    with locks.ContainerLock(paths, record["id"]):
        locks.load_whole(paths, record["id"])
        pid = running_pid(paths, record["id"])
        if not pid:
            mounting = driver.mount_steps(directory, record["layers"], rootfs)
            told = ", ".join(step.describe() for step in mounting)
            run.apply(_packing(lambda: _enter_stopped(mounting, rootfs), stream, f"unshare CLONE_NEWNS, {told}, chroot {quote(rootfs)}"))
    if pid:
        with locks.WithoutLock(paths, record, pid):
            root = f"{paths.proc}/{pid}/root"
            run.apply(_packing(lambda: _enter_running(f"{paths.proc}/{pid}"), stream, f"chroot {root}", mounted(record)))


def _packing(enter: Callable[[], None], stream: BinaryIO, told: str, hidden: Container[str] = ()) -> Action:
    """Return the step that packs a root directory in a child. told: what the child does first"""
    text = f"fork a child: {told}, and pack / as a tar without what is mounted in it"
    return Action(lambda: _pack_in_child(enter, stream, hidden), text)


def _enter_stopped(mounting: list[Step], rootfs: str) -> None:
    """Mount a root file system in a new mount namespace, which ends with this process, and make it this process's root."""
    unshare(CLONE_NEWNS)
    Run("export").execute([ReceiveMounts(), *mounting])
    os.chroot(rootfs)


def _enter_running(process: str) -> None:
    """Make a running container's root the root of this process. The process then sees owners as the container does."""
    os.chdir(process + "/root")
    # A process that joins its own user namespace gets EINVAL.
    if not os.path.samefile(process + "/ns/user", "/proc/self/ns/user"):
        setns(process + "/ns/user", CLONE_NEWUSER)
    os.chroot(".")


def _pack_in_child(enter: Callable[[], None], stream: BinaryIO, hidden: Container[str] = ()) -> None:
    """Write to `stream` the tar that a child packs of its root directory. The child calls enter() before, which chroots.

    hidden: the paths that something is mounted on

    In a chroot no symlink that a running container puts in the way leads out of it. The tar comes through one pipe,
    and the child's failure through another.
    """
    # Imported here, because the child cannot import anything once its root is the container's.
    from mydocker.storage.pack import pack_tree

    tar_read, tar_write = os.pipe()
    error_read, error_write = os.pipe()
    child = os.fork()
    if child == 0:
        # Otherwise it would wait for ever for itself to read, if its parent was killed.
        os.close(tar_read)
        os.close(error_read)
        _child(enter, lambda tar: pack_tree(".", tar, hidden), tar_write, error_write)
    os.close(tar_write)
    os.close(error_write)
    with open(tar_read, "rb") as tar, open(error_read, "rb") as errors:
        try:
            while chunk := tar.read(_CHUNK):
                stream.write(chunk)
        finally:
            tar.close()  # so a child that still writes ends now
            told = errors.read()
            _, status = os.waitpid(child, 0)
    raise_failure(told, status, "packing")


def _child(enter: Callable[[], None], pack: Callable[[BinaryIO], None], tar: int, errors: int) -> NoReturn:
    status = 1
    try:
        enter()
        os.chdir("/")
        with open(tar, "wb") as stream:
            pack(stream)
        status = 0
    except Exception as error:
        os.write(errors, as_failure(error))
    finally:
        os._exit(status)
