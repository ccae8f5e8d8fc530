"""COPY and ADD: copy files of the build's context, of another stage or of an image into a container that will become a layer.

This works as cp does: two child processes have a tar between them. Each side's paths are resolved inside its own root, so no symlink
of a context or an image leads out of it.
"""

from __future__ import annotations

import os
import stat
import tarfile
from posixpath import basename, dirname
from struct import calcsize, pack, unpack

from mydocker.engine.build.places import followed, is_directory, status_of
from mydocker.engine.build.sources import Context
from mydocker.engine.container.children import Child, wait_for
from mydocker.engine.container.sides import Container
from mydocker.errors import BadInput
from mydocker.images.compression import Decompressed
from mydocker.kernel import inroot
from mydocker.kernel.files import openat2
from mydocker.runtime.users import lookup
from mydocker.storage.pack import Packing
from mydocker.storage.unpack import unpack as unpack_tar
from mydocker.storage.whiteouts import PLAIN
from mydocker.tarreader import open_tar
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader
    from typing import BinaryIO

    from _typeshed import SupportsRead

    from mydocker.engine.build.wanted import Found, Wanted

# What goes before the tar: whether it holds only one file, and the length of that file's name.
_HEADER = "?I"


class Owner(Value):
    """The owner and the mode that copied files get."""

    chown: str  # 'USER[:GROUP]', '' for root, or for the source's own owners where that is a container
    chmod: Callable[[int, bool], int] | None  # (mode, whether it is a directory) → new mode; None leaves each file its mode

    def numbers(self, root: int) -> tuple[int, int]:
        """Return uid and gid. Names are looked up in the container's own files. root: a descriptor of the container's root."""
        if not self.chown:
            return 0, 0
        files = [inroot.read_text(inroot.by_descriptor(root), path) for path in ("/etc/passwd", "/etc/group")]
        user, colon, group = self.chown.partition(":")
        uid, gid, _, _ = lookup(f"{user}:{group or user}" if not colon and user.isdigit() else self.chown, files[0], files[1], [])
        return uid, gid


def copy(source: Context | Container, wanted: Wanted, target: Container, destination: str, owner: Owner) -> None:
    """Copy files to a path of a container, by the rules of COPY. Raises StepFailed with the reason."""
    keeps_owners = isinstance(source, Container) and not owner.chown
    read, write = os.pipe()

    def send() -> None:
        os.close(read)
        with open(write, "wb") as stream:
            _send(source, wanted, destination, stream)

    def receive() -> None:
        os.close(write)
        with open(read, "rb") as stream:
            header = stream.read(calcsize(_HEADER))
            if header:  # if nothing came, the sender says why
                is_file, length = unpack(_HEADER, header)
                file = os.fsdecode(stream.read(length)) if is_file else ""
                _receive(target.enter(), destination, file, stream, owner, keeps_owners)
                target.leave()

    sender, receiver = Child(send), Child(receive)
    os.close(read)
    os.close(write)
    wait_for(sender, receiver)


def make_directory(target: Container, path: str, user: str) -> None:
    """Make a directory in a container, and the directories above it that are missing (for WORKDIR). They are the user's, as in BuildKit."""

    def make() -> None:
        root = target.enter()
        os.close(_made(root, followed(root, path), lambda: _numbers_or_root(root, user)))

    Child(make).wait()


def _made(root: int, path: str, numbers: Callable[[], tuple[int, int]]) -> int:
    """Make a directory and those above it that are missing, and return a descriptor of it. numbers: returns the owner of what is made."""
    parts = [part for part in path.split("/") if part]
    paths = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    missing = [each for each in paths if not is_directory(root, f"/{each}")]
    directory = inroot.make_directories(inroot.by_descriptor(root), path)
    for each in missing:
        os.chown(each, *numbers(), dir_fd=root, follow_symlinks=False)
    return directory


def _numbers_or_root(root: int, user: str) -> tuple[int, int]:
    """Return uid and gid of a user, those of root for one that the container does not know: RUN says so, WORKDIR does not (BuildKit)."""
    try:
        return Owner(chown=user, chmod=None).numbers(root)
    except BadInput:
        return 0, 0


def extract(stream: BufferedReader, name: str, target: Container, destination: str) -> None:
    """Unpack a tar, plain or compressed, into a directory of a container (for ADD). The owners and the modes are the tar's.

    name: what errors call the tar
    """

    def receive() -> None:
        root = target.enter()
        directory = inroot.make_directories(inroot.by_descriptor(root), followed(root, destination))
        unpack_tar(Decompressed(stream, name).as_binary(), inroot.by_descriptor(directory), None)
        target.leave()

    Child(receive).wait()


def is_archive(path: str) -> bool:
    """Say whether a file is a tar, plain or compressed."""
    try:
        with open(path, "rb") as file, open_tar(Decompressed(file, path).as_binary()):
            return True
    except Exception:  # a decompressor or tarfile may raise anything
        return False


def _send(source: Context | Container, wanted: Wanted, destination: str, stream: BinaryIO) -> None:
    root = source.enter()
    found = wanted.found(root, source.excluded if isinstance(source, Context) else set())
    if not found:
        return
    statuses = [status_of(root, one.path) for one in found]
    is_file = len(found) == 1 and not wanted.parents and not stat.S_ISDIR(statuses[0].st_mode)
    if len(found) > 1 and not destination.endswith("/"):
        raise BadInput(f"{len(found)} sources for {destination!r}: with more than one, the destination must end with a slash")
    name = os.fsencode(basename(found[0].asked)) if is_file else b""
    stream.write(pack(_HEADER, is_file, len(name)) + name)
    with _Renaming.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for one, status in zip(found, statuses, strict=True):
            if wanted.parents:
                _pack_with_parents(root, one, stat.S_ISDIR(status.st_mode), archive)
            else:
                archive.new_name = "" if stat.S_ISDIR(status.st_mode) else basename(one.asked)
                _pack(root, one, stat.S_ISDIR(status.st_mode), archive)


class _Renaming(tarfile.TarFile):
    """A tar whose members get other names.

    new_name: the name of the next member, for a file that was found by a symlink. '' for its own
    prefix: is taken away from all names
    """

    new_name = ""
    prefix = ""

    def addfile(self, tarinfo: tarfile.TarInfo, fileobj: SupportsRead[bytes] | None = None) -> None:
        tarinfo.name = (self.new_name or tarinfo.name).removeprefix(self.prefix)
        if tarinfo.islnk():
            tarinfo.linkname = tarinfo.linkname.removeprefix(self.prefix)
        super().addfile(tarinfo, fileobj)


def _pack(root: int, found: Found, whole: bool, archive: tarfile.TarFile) -> None:
    """Add a file, or what a directory holds, to a tar. whole: whether it is a directory."""
    top = found.path if whole else dirname(found.path)
    directory = openat2(top.lstrip("/") or ".", os.O_PATH | os.O_DIRECTORY, dirfd=root)
    prefix = top.rstrip("/")
    inside = {name[len(prefix) :] for name in found.excluded if name.startswith(prefix + "/")}
    os.chdir(inroot.by_descriptor(directory))
    packing = Packing(archive, ".", PLAIN, inside, None)
    if whole:
        packing.walk("")
    else:
        packing.add("", basename(found.path))


def _pack_with_parents(root: int, found: Found, whole: bool, archive: _Renaming) -> None:
    """Add a file or a directory to a tar, and before it the directories above it, down from the base."""
    archive.prefix = found.base.lstrip("/") + "/" if found.base else ""
    os.chdir(inroot.by_descriptor(root))
    packing = Packing(archive, ".", PLAIN, found.excluded, None)
    parts = [part for part in found.path[len(found.base) :].split("/") if part]
    for count in range(len(parts)):
        packing.add_one(f"{found.base}/{'/'.join(parts[: count + 1])}")
    if whole:
        directory = openat2(found.path.lstrip("/") or ".", os.O_PATH | os.O_DIRECTORY, dirfd=root)
        os.chdir(inroot.by_descriptor(directory))
        packing.walk(found.path.rstrip("/"))


def _receive(root: int, destination: str, file: str, stream: BinaryIO, owner: Owner, keeps_owners: bool) -> None:
    """Unpack what was sent. file: its name if it is only one file, '' for the content of a directory or for several files."""
    numbers = owner.numbers(root)
    top, name = followed(root, destination), file
    if file and not destination.endswith("/") and not is_directory(root, top):
        top, name = dirname(top), basename(top)
    directory = _made(root, top, lambda: numbers)
    unpack_tar(stream, inroot.by_descriptor(directory), None, None, _preparing(name, None if keeps_owners else numbers, owner.chmod))


def _preparing(name: str, numbers: tuple[int, int] | None, chmod: Callable[[int, bool], int] | None) -> Callable[[tarfile.TarInfo], None]:
    """Return a function that changes a member before it is unpacked. name: the only file's new name, '' where there are several.

    numbers: the new uid and gid, or None to keep them
    """

    def prepare(member: tarfile.TarInfo) -> None:
        if numbers:
            member.uid, member.gid = numbers
        member.name = name or member.name
        if chmod is not None and not member.issym():
            member.mode = chmod(member.mode, member.isdir())

    return prepare
