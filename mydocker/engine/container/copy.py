"""cp: copy files between the host and a container, which may run or not, as a tar through a pipe between two children.

Each side's paths are resolved inside its own root, and what was found is used by its descriptor. So no symlink of a container leads
out of it (CVE-2018-15664, CVE-2019-14271). sides.py has the sides.
"""

from __future__ import annotations

import os
import stat
import tarfile
from struct import calcsize, pack, unpack

from mydocker.engine.container.children import Child, awaiting, forking
from mydocker.errors import BadInput, NotFound
from mydocker.images.compression import Decompressed
from mydocker.kernel import inroot
from mydocker.kernel.files import openat2
from mydocker.steps.base import Run, quote
from mydocker.storage.pack import pack_one
from mydocker.storage.unpack import unpack as unpack_tar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader
    from typing import BinaryIO

    from _typeshed import SupportsRead

    from mydocker.engine.container.sides import Container, Side

    Check = Callable[[int, int, tarfile.TarInfo], None]

# What goes before the tar: whether the source is a directory, whether only its contents are copied, and the length of its name.
_HEADER = "??I"
_MOST_SYMLINKS = 40


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
    root, path = source.enter(), source.absolute(path)
    parent, name = found(root, path, follow)
    with Tar.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        if itself:
            archive.name_there, archive.name_shown = name, os.path.basename(path.rstrip("/"))
        pack_one(parent, name, archive, source.devices(root), itself)
    stream.flush()


class Tar(tarfile.TarFile):
    """A tar whose first entry, and with it all that is below, has another name than in the tree: that of the symlink that led there."""

    name_there = name_shown = ""

    def addfile(self, tarinfo: tarfile.TarInfo, fileobj: SupportsRead[bytes] | None = None) -> None:
        tarinfo.name = self._shown(tarinfo.name)
        tarinfo.linkname = self._shown(tarinfo.linkname) if tarinfo.islnk() else tarinfo.linkname
        super().addfile(tarinfo, fileobj)

    def _shown(self, name: str) -> str:
        return self.name_shown + name.removeprefix(self.name_there)


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
        path = os.path.join(parent, os.readlink(f"{inroot.by_descriptor(directory)}/{name}")) + ("/" if path.endswith("/") else "")
        os.close(directory)
    raise BadInput(f"too many symlinks: {path}")


def _send(root: int, path: str, follow: bool, stream: BinaryIO, devices: set[int] | None) -> None:
    directory, name = found(root, path, follow)
    status = os.stat(f"{inroot.by_descriptor(directory)}/{name}", follow_symlinks=False)
    # What a symlink led to arrives under the symlink's name.
    encoded = os.fsencode(name if name == "." else os.path.basename(path.rstrip("/")))
    stream.write(pack(_HEADER, stat.S_ISDIR(status.st_mode), name == ".", len(encoded)) + encoded)
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        pack_one(directory, name, archive, devices)


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
