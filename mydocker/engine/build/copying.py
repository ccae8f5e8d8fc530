"""COPY and ADD: copy files of the build's context, of another stage or of an image into a container that will become a layer.

This works as cp does: two child processes have a tar between them. Each side's paths are resolved inside its own root, so no symlink
of a context or an image leads out of it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import tarfile
from posixpath import basename, dirname, normpath
from struct import calcsize, pack, unpack
from typing import BinaryIO

from mydocker.engine.container.children import Child
from mydocker.engine.container.copy import Container, wait_for
from mydocker.errors import BadInput, NotFound
from mydocker.images.compression import Decompressed
from mydocker.images.dockerignore import translate
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
    from collections.abc import Callable, Sequence
    from io import BufferedReader

# What goes before the tar: whether it holds only one file, and the length of that file's name.
_HEADER = "?I"
_WILD = frozenset("*?[")


class Context(Value):
    """A directory of the host as a source of files."""

    directory: str
    excluded: set[str]  # paths from the directory, each with a slash first, that .dockerignore leaves out

    def enter(self) -> int:
        """Return a descriptor of the directory, which is the root of all paths."""
        return inroot.open_root(self.directory)


class Owner(Value):
    """The owner and the mode that copied files get."""

    chown: str  # 'USER[:GROUP]', '' for root
    chmod: int | None  # None leaves each file its mode

    def numbers(self, root: int) -> tuple[int, int]:
        """Return uid and gid. Names are looked up in the container's own files. root: a descriptor of the container's root."""
        if not self.chown:
            return 0, 0
        files = [inroot.read_text(inroot.by_descriptor(root), path) for path in ("/etc/passwd", "/etc/group")]
        user, colon, group = self.chown.partition(":")
        uid, gid, _, _ = lookup(f"{user}:{group or user}" if not colon and user.isdigit() else self.chown, files[0], files[1], [])
        return uid, gid


def copy(source: Context | Container, patterns: Sequence[str], target: Container, destination: str, owner: Owner) -> None:
    """Copy the files that fit the patterns to a path of a container, by the rules of COPY. Raises StepFailed with the reason."""
    read, write = os.pipe()

    def send() -> None:
        os.close(read)
        with open(write, "wb") as stream:
            _send(source, patterns, destination, stream)

    def receive() -> None:
        os.close(write)
        with open(read, "rb") as stream:
            header = stream.read(calcsize(_HEADER))
            if header:  # if nothing came, the sender says why
                is_file, length = unpack(_HEADER, header)
                _receive(target.enter(), destination, os.fsdecode(stream.read(length)) if is_file else "", stream, owner)

    sender, receiver = Child(send), Child(receive)
    os.close(read)
    os.close(write)
    wait_for(sender, receiver)


def make_directory(target: Container, path: str) -> None:
    """Make a directory in a container, and the directories above it that are missing (for WORKDIR)."""

    def make() -> None:
        os.close(inroot.make_directories(inroot.by_descriptor(target.enter()), path))

    Child(make).wait()


def extract(stream: BufferedReader, name: str, target: Container, destination: str, owner: Owner) -> None:
    """Unpack a tar, plain or compressed, into a directory of a container (for ADD). name: what errors call the tar."""

    def receive() -> None:
        root = target.enter()
        numbers = owner.numbers(root)

        def prepare(member: tarfile.TarInfo) -> None:
            if owner.chown:
                member.uid, member.gid = numbers

        directory = inroot.make_directories(inroot.by_descriptor(root), destination)
        unpack_tar(Decompressed(stream, name).as_binary(), inroot.by_descriptor(directory), None, None, prepare)

    Child(receive).wait()


def is_archive(path: str) -> bool:
    """Say whether a file is a tar, plain or compressed."""
    try:
        with open(path, "rb") as file, open_tar(Decompressed(file, path).as_binary()):
            return True
    except Exception:  # a decompressor or tarfile may raise anything
        return False


def _send(source: Context | Container, patterns: Sequence[str], destination: str, stream: BinaryIO) -> None:
    root = source.enter()
    excluded = source.excluded if isinstance(source, Context) else set()
    asked = [path for pattern in patterns for path in matches(root, pattern, excluded)]
    found = [_resolved(root, path) for path in asked]
    statuses = [_status(root, path) for path in found]
    is_file = len(found) == 1 and not stat.S_ISDIR(statuses[0].st_mode)
    if len(found) > 1 and not destination.endswith("/"):
        raise BadInput(f"{len(found)} sources for {destination!r}: with more than one, the destination must end with a slash")
    name = os.fsencode(basename(asked[0])) if is_file else b""
    stream.write(pack(_HEADER, is_file, len(name)) + name)
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path, status in zip(found, statuses, strict=True):
            _pack(root, path, stat.S_ISDIR(status.st_mode), excluded, archive)


def _pack(root: int, path: str, is_directory: bool, excluded: set[str], archive: tarfile.TarFile) -> None:
    """Add a file, or what a directory holds, to a tar."""
    top = path if is_directory else dirname(path)
    directory = openat2(top.lstrip("/") or ".", os.O_PATH | os.O_DIRECTORY, dirfd=root)
    prefix = top.rstrip("/")
    inside = {name[len(prefix) :] for name in excluded if name.startswith(prefix + "/")}
    os.chdir(inroot.by_descriptor(directory))
    packing = Packing(archive, ".", PLAIN, inside, False)
    if is_directory:
        packing.walk("")
    else:
        packing.add("", basename(path))


def matches(root: int, pattern: str, excluded: set[str]) -> list[str]:
    """Return the paths that fit a pattern, from the root on. Raises NotFound if there is none.

    root: a descriptor of the root
    excluded: paths that .dockerignore leaves out
    """
    cleaned = normpath("/" + pattern.lstrip("/"))
    if not _WILD & set(cleaned):
        found = [cleaned]
        if any(cleaned == path or cleaned.startswith(path + "/") for path in excluded):
            raise NotFound(f"{pattern!r} is not in the context: .dockerignore leaves it out")
    else:
        found = [path for path in _expand(root, "", cleaned.strip("/").split("/")) if path not in excluded]
        if not found:
            raise NotFound(f"nothing fits {pattern!r}")
    return found


def _expand(root: int, directory: str, parts: list[str]) -> list[str]:
    """Return the paths below a directory that fit a pattern, sorted. parts: what stands between the pattern's slashes."""
    part, *rest = parts
    if not _WILD & set(part):
        names = [part]
    else:
        try:
            descriptor = openat2(directory.lstrip("/") or ".", os.O_RDONLY | os.O_DIRECTORY, dirfd=root)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise
            return []
        wanted = re.compile(translate(part))
        names = sorted(name for name in os.listdir(descriptor) if wanted.fullmatch(name))
        os.close(descriptor)
    paths = [f"{directory}/{name}" for name in names]
    return [found for path in paths for found in _expand(root, path, rest)] if rest else [path for path in paths if _exists(root, path)]


def _exists(root: int, path: str) -> bool:
    try:
        os.close(openat2(path.lstrip("/") or ".", os.O_PATH, dirfd=root))
    except OSError:
        return False
    return True


def place_of(root: int, path: str) -> str:
    """Return the path, without symlinks, by which this process opens a file in a root. Raises NotFound."""
    try:
        descriptor = openat2(path.lstrip("/") or ".", os.O_PATH, dirfd=root)
    except OSError as error:
        raise NotFound(f"no such file or directory: {path}") from error
    try:
        return os.readlink(inroot.by_descriptor(descriptor))
    finally:
        os.close(descriptor)


def _resolved(root: int, path: str) -> str:
    """Return a path of the root without symlinks. A source that is a symlink means what it points to."""
    return place_of(root, path).removeprefix(os.readlink(inroot.by_descriptor(root)).rstrip("/")) or "/"


def _status(root: int, path: str) -> os.stat_result:
    descriptor = openat2(path.lstrip("/") or ".", os.O_PATH, dirfd=root)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _receive(root: int, destination: str, file: str, stream: BinaryIO, owner: Owner) -> None:
    """Unpack what was sent. file: its name if it is only one file, '' for the content of a directory or for several files."""
    numbers = owner.numbers(root)
    top, name = destination, file
    if file and not destination.endswith("/") and not _is_directory(root, destination):
        top, name = dirname(destination), basename(destination)
    missing = not _is_directory(root, top)
    directory = inroot.make_directories(inroot.by_descriptor(root), top)
    if missing:
        os.chown(inroot.by_descriptor(directory), *numbers)
    unpack_tar(stream, inroot.by_descriptor(directory), None, None, _preparing(file, name, numbers, owner.chmod))


def _is_directory(root: int, path: str) -> bool:
    return _exists(root, path) and stat.S_ISDIR(_status(root, path).st_mode)


def _preparing(file: str, name: str, numbers: tuple[int, int], chmod: int | None) -> Callable[[tarfile.TarInfo], None]:
    def prepare(member: tarfile.TarInfo) -> None:
        member.uid, member.gid = numbers
        if file:
            member.name = name
        if chmod is not None and not member.issym():
            member.mode = chmod

    return prepare
