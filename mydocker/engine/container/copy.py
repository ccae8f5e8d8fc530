"""cp: copy files between the host and a container, which may run or not, as a tar through a pipe between two children.

Each side's paths are resolved inside its own root, and what was found is used by its descriptor. So no symlink of a container leads
out of it (CVE-2018-15664, CVE-2019-14271). The child on a container's side sees users and mounts as the container does.
"""

from __future__ import annotations

import os
import stat
from struct import calcsize, pack, unpack

from mydocker.engine.container.children import Child, awaiting, forking
from mydocker.engine.record import bundle
from mydocker.errors import BadInput, NotFound
from mydocker.images.compression import Decompressed
from mydocker.kernel import inroot
from mydocker.kernel.files import GONE, Allowing, openat2
from mydocker.kernel.mounts import MS_BIND, MS_RDONLY, MS_REMOUNT, mount
from mydocker.kernel.namespaces import CLONE_NEWNS, CLONE_NEWUSER, setns, unshare
from mydocker.runtime.mounts import mount_steps
from mydocker.steps.base import Run, quote
from mydocker.steps.namespaces import ReceiveMounts
from mydocker.storage.pack import pack_one
from mydocker.storage.unpack import unpack as unpack_tar
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable
    from io import BufferedReader
    from typing import BinaryIO, TypeAlias

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Mount
    from mydocker.storage.base import StorageDriver

    Side: TypeAlias = "Host | Container"
    Check = Callable[[int, int, tarfile.TarInfo], None]

# What goes before the tar: whether the source is a directory, whether only its contents are copied, and the length of its name.
_HEADER = "??I"
_MOST_SYMLINKS = 40


class Host:
    """The host's side. Its paths are as the caller wrote them."""

    def enter(self) -> int:
        """Return a descriptor of the root directory."""
        return inroot.open_root("/")

    def leave(self) -> None:
        """Do what has to be done after the last change."""

    def devices(self, root: int) -> set[int] | None:
        """Return the file systems of which files are copied, or None for all."""
        return None

    def absolute(self, path: str) -> str:
        return os.path.join(os.getcwd(), path) if path and not path.startswith("/") else path

    def words(self) -> str:
        """Return words for how a child of ours gets to this side's root."""
        return "the host's root"


class Container(Value):
    """A container's side. Its paths begin at the container's root."""

    paths: Paths
    driver: StorageDriver  # mounts the root file system of a container that does not run
    record: Record
    pid: int = 0  # of its init if it runs; if not, the caller holds its lock

    def absolute(self, path: str) -> str:
        return "/" + path.lstrip("/")

    def words(self) -> str:
        """Return words for how a child of ours gets to this side's root."""
        if self.pid:
            return f"the container's root, {self.paths.proc}/{self.pid}/root"
        return f"the container's root, which it mounts by {self.driver.name} in a mount namespace of its own"

    def enter(self) -> int:
        """Make this process see files as the container does. Return a descriptor of the container's root."""
        return self._enter_running(f"{self.paths.proc}/{self.pid}") if self.pid else self._enter_stopped()

    def devices(self, root: int) -> set[int] | None:
        """Return those of the root and of the volumes. What else is mounted in a container, as /proc, are not its files."""
        found = {os.fstat(root).st_dev}
        for volume in (each["destination"] for each in self.record["mounts"] if each["type"] != "tmpfs"):
            with Allowing(*GONE):  # the container may have unmounted or removed it
                descriptor = openat2(volume.lstrip("/"), os.O_PATH, dirfd=root)
                found.add(os.fstat(descriptor).st_dev)
                os.close(descriptor)
        return found

    def leave(self) -> None:
        """Unmount what enter() has mounted, after the last change. A running container's root stays as it is."""
        if not self.pid:
            directory = self.paths.container(self.record["id"])
            Run("cp").execute(self.driver.unmount_steps(directory, directory + "/bundle/rootfs"))

    def _enter_running(self, process: str) -> int:
        root = inroot.open_root(process + "/root")
        # A process that joins its own user namespace gets EINVAL.
        if not os.path.samefile(process + "/ns/user", "/proc/self/ns/user"):
            setns(process + "/ns/user", CLONE_NEWUSER)
            os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        return root

    def _enter_stopped(self) -> int:
        directory = self.paths.container(self.record["id"])
        rootfs = directory + "/bundle/rootfs"
        volumes = {each["destination"] for each in self.record["mounts"] if each["type"] != "tmpfs"}
        spec = bundle.load(self.paths, self.record["id"])
        shown: list[Mount] = [{**each, "options": ["rbind"]} for each in spec["mounts"] if each["destination"] in volumes]
        unshare(CLONE_NEWNS)
        mounting = self.driver.mount_steps(directory, self.record["layers"], rootfs)
        Run("cp").execute([ReceiveMounts(), *mounting, *mount_steps({**spec, "mounts": shown}, rootfs, False)])
        if self.record["hostConfig"]["ReadonlyRootfs"]:
            mount(None, rootfs, None, MS_REMOUNT | MS_BIND | MS_RDONLY)
        return inroot.open_root(rootfs)


def copy(source: Side, path: str, target: Side, destination: str, follow: bool, keep_owners: bool, run: Run | None = None) -> None:
    """Copy a file or a directory. Raises StepFailed with the reason.

    follow: copy what a symlink at `path` leads to, not the symlink
    keep_owners: keep the uid and gid of each file, instead of giving all to the target's root
    run: executes the steps and tells them, None for nobody to hear of them
    """
    path, destination = source.absolute(path), target.absolute(destination)
    read, write = os.pipe()
    run = run or Run("cp")

    def send() -> None:
        os.close(read)
        with open(write, "wb") as stream:
            root = source.enter()
            _send(root, path, follow, stream, source.devices(root))

    def receive() -> None:
        os.close(write)
        with open(read, "rb") as stream:
            header = stream.read(calcsize(_HEADER))
            if header:  # if nothing came, the sender says why
                is_directory, contents, length = unpack(_HEADER, header)
                name = os.fsdecode(stream.read(length))
                _receive(target.enter(), destination, is_directory, contents, name, stream, keep_owners)
                target.leave()

    children: list[Child] = []
    run.apply(forking(children, send, f"fork a child in {source.words()}: pack {quote(path)} into a pipe, as a tar"))
    run.apply(forking(children, receive, f"fork a child in {target.words()}: unpack it to {quote(destination)}"))
    os.close(read)
    os.close(write)
    run.apply(awaiting(children))


def to_stream(source: Container, path: str, follow: bool, stream: BinaryIO, run: Run | None = None) -> None:
    """Write a file or a directory to a stream as a tar. Raises StepFailed. run: as copy() takes it"""
    children: list[Child] = []
    text = f"fork a child in {source.words()}: pack {quote(source.absolute(path))} to standard output, as a tar"
    (run or Run("cp")).execute([forking(children, lambda: pack_found(source, path, stream, follow), text), awaiting(children)])


def pack_found(source: Container, path: str, stream: BinaryIO, follow: bool = False, itself: bool = False) -> None:
    """Write a file or a directory to a stream as a tar (see pack_one()). This process is one that may change its namespaces."""
    root = source.enter()
    parent, name = found(root, source.absolute(path), follow)
    pack_one(parent, name, stream, source.devices(root), itself)
    stream.flush()


def from_stream(stream: BufferedReader, target: Container, destination: str, run: Run | None = None) -> None:
    """Unpack a tar, plain or compressed, into a directory of a container. Its files keep their owners. Raises StepFailed.

    run: as copy() takes it
    """
    children: list[Child] = []
    text = f"fork a child in {target.words()}: unpack standard input into {quote(target.absolute(destination))}"
    (run or Run("cp")).execute([forking(children, lambda: unpack_stream(stream, target, destination), text), awaiting(children)])


def unpack_stream(stream: BufferedReader, target: Container, destination: str, check: Check | None = None) -> None:
    """Unpack a tar into a directory of a container. This process is one that may change its namespaces.

    check: is called with descriptors of the root and of the directory, and with each member of the tar before it is unpacked
    """
    root = target.enter()
    directory = _open(root, target.absolute(destination), os.O_PATH | os.O_DIRECTORY)
    checked = (lambda member: check(root, directory, member)) if check else None
    if stream.peek(1):
        unpack_tar(Decompressed(stream, "standard input").as_binary(), inroot.by_descriptor(directory), None, None, checked)
    target.leave()


def _open(root: int, path: str, flags: int) -> int:
    try:
        return openat2(path.lstrip("/") or ".", flags, dirfd=root)
    except FileNotFoundError as error:
        raise NotFound(f"no such file or directory: {path}") from error
    except NotADirectoryError as error:
        raise BadInput(f"not a directory: {path}") from error


def found(root: int, path: str, follow: bool) -> tuple[int, str]:
    """Return a descriptor of the directory that a file is in, and the file's name there.

    A path that ends in '/.' means only the contents of a directory. Then the descriptor is that directory's, and the name is '.'.
    """
    for _ in range(_MOST_SYMLINKS):
        if path.endswith("/.") or not path.strip("/"):
            return _open(root, path, os.O_RDONLY | os.O_DIRECTORY), "."
        parent, name = os.path.split(path.rstrip("/"))
        directory = _open(root, parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            status = os.lstat(f"{inroot.by_descriptor(directory)}/{name}")
        except FileNotFoundError as error:
            raise NotFound(f"no such file or directory: {path}") from error
        if not stat.S_ISLNK(status.st_mode) or not (follow or path.endswith("/")):
            if path.endswith("/") and not stat.S_ISDIR(status.st_mode):
                raise BadInput(f"not a directory: {path}")
            return directory, name
        path = os.path.join(parent, os.readlink(f"{inroot.by_descriptor(directory)}/{name}"))
        os.close(directory)
    raise BadInput(f"too many symlinks: {path}")


def _send(root: int, path: str, follow: bool, stream: BinaryIO, devices: set[int] | None) -> None:
    directory, name = found(root, path, follow)
    status = os.stat(f"{inroot.by_descriptor(directory)}/{name}", follow_symlinks=False)
    # What a symlink led to arrives under the symlink's name.
    encoded = os.fsencode(name if name == "." else os.path.basename(path.rstrip("/")))
    stream.write(pack(_HEADER, stat.S_ISDIR(status.st_mode), name == ".", len(encoded)) + encoded)
    pack_one(directory, name, stream, devices)


def _receive(root: int, path: str, is_directory: bool, contents: bool, name: str, stream: BinaryIO, keep_owners: bool) -> None:
    """Unpack what was sent. If there is a directory at `path`, it goes into that, else it becomes `path` (docker's rules)."""
    directory, new = _destination(root, path, is_directory, name)
    if contents and new != name:
        os.mkdir(f"{inroot.by_descriptor(directory)}/{new}", 0o755)
        directory = openat2(new, os.O_PATH | os.O_DIRECTORY, dirfd=directory)
    unpack_tar(stream, inroot.by_descriptor(directory), None, None, _preparing("" if contents else new, keep_owners))


def _destination(root: int, path: str, is_directory: bool, name: str) -> tuple[int, str]:
    """Return a descriptor of the directory to unpack into, and the name that the source gets there.

    Symlinks at the end of the path are followed, inside the root, also if what they lead to is not there yet.
    """
    if not path.strip("/"):
        return _open(root, path, os.O_PATH | os.O_DIRECTORY), name
    for _ in range(_MOST_SYMLINKS):
        parent, new = os.path.split(path.rstrip("/"))
        directory = _open(root, parent, os.O_PATH | os.O_DIRECTORY)
        try:
            mode = os.lstat(f"{inroot.by_descriptor(directory)}/{new}").st_mode
        except FileNotFoundError as error:
            if path.endswith("/") and not is_directory:
                raise NotFound(f"no such file or directory: {path}") from error
            return directory, new
        if stat.S_ISDIR(mode):
            os.close(directory)
            return _open(root, path, os.O_PATH | os.O_DIRECTORY), name
        if not stat.S_ISLNK(mode):
            if is_directory or path.endswith("/"):
                raise BadInput(f"not a directory: {path}")
            return directory, new
        path = os.path.join(parent, os.readlink(f"{inroot.by_descriptor(directory)}/{new}")) + ("/" if path.endswith("/") else "")
        os.close(directory)
    raise BadInput(f"too many symlinks: {path}")


def _preparing(new: str, keep_owners: bool) -> Callable[[tarfile.TarInfo], None]:
    """Return a function that changes a member of a tar before it is unpacked.

    It replaces the first name of the member's path by `new`, unless that is ''. Unless keep_owners, it makes the receiver's root the owner.
    """

    def renamed(text: str) -> str:
        _, slash, rest = text.partition("/")
        return new + slash + rest

    def prepare(member: tarfile.TarInfo) -> None:
        if new:
            member.name = renamed(member.name)
            member.linkname = renamed(member.linkname) if member.islnk() else member.linkname
        if not keep_owners:
            member.uid = member.gid = 0

    return prepare
