"""Blobs on their way into a layout: they are written and hashed in a directory of their writer, then published all at once.

The writer holds an flock on its directory. So a directory whose writer was killed is known, and can be removed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock, lockf
from hashlib import sha256

from mydocker.errors import Damaged
from mydocker.images.layout import ImageLayout
from mydocker.steps.base import Step, quote
from mydocker.store import to_disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.images.documents import Descriptor
    from mydocker.images.layout import Change


class BlobWriter:
    """A blob that is being written and hashed. After finish(), digest and size are those of its descriptor."""

    __slots__ = ("_directory", "_file", "_hash", "digest", "size")

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._file = open(f"{directory}/{os.urandom(8).hex()}.tmp", "xb", buffering=1 << 18)  # noqa: SIM115 - closed by finish
        self._hash = sha256()
        self.digest = ""
        self.size = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def finish(self, expected: str = "") -> None:
        """Write the content to the disk (fsync) and name the file after its digest. Raises Damaged if another digest was expected."""
        digest = f"sha256:{self._hash.hexdigest()}"
        if expected not in ("", digest):
            raise Damaged(f"{expected} does not match its digest: its content has {digest}")
        with self._file as file:
            file.flush()
            os.fsync(file.fileno())
        os.rename(file.name, f"{self._directory}/{self._hash.hexdigest()}")
        self.digest = digest

    def abandon(self) -> None:
        """Close the file. It is removed with the staging directory."""
        self._file.close()


class Staging:
    """The directory of one writer, made with its first blob. `with` removes what was not published."""

    __slots__ = ("_descriptor", "directory", "layout")

    def __init__(self, layout: ImageLayout) -> None:
        self.layout = layout
        self.directory = ""
        self._descriptor = -1

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.directory:
            _remove(self.directory)
            os.close(self._descriptor)
            self.directory = ""

    def writer(self) -> BlobWriter:
        """Begin a blob and return its writer."""
        self.begin()
        return BlobWriter(self.directory)

    def put(self, data: bytes) -> BlobWriter:
        """Write a whole blob and return its writer, which knows digest and size."""
        writer = self.writer()
        writer.write(data)
        writer.finish()
        return writer

    def path(self, digest: str) -> str:
        """Return the path that a finished blob has in this staging."""
        return f"{self.directory}/{digest.removeprefix('sha256:')}"

    def take(self, digest: str) -> bool:
        """Take a blob by a hard link from the layout or from another writer's staging, and say whether there was one.

        This writer then has the blob, whatever happens to the image to which it belonged.
        """
        self.begin()
        name = digest.removeprefix("sha256:")
        with self.layout.lock():
            others = (f"{self.layout.directory}/staging/{other}/{name}" for other in os.listdir(self.layout.directory + "/staging"))
            for path in (self.layout.blob(digest), *others):
                with suppress(FileNotFoundError, FileExistsError):
                    os.link(path, self.path(digest))
        return os.path.exists(self.path(digest))

    def publish(self, change: Change) -> None:
        """Move the finished blobs into the layout and change its index. Both happen in one transaction under the layout's lock."""
        with self.layout.lock():
            for name in os.listdir(self.directory):
                if not name.endswith(".tmp"):
                    os.rename(f"{self.directory}/{name}", self.layout.blob(f"sha256:{name}"))
            to_disk(self.layout.directory + "/blobs/sha256")
            self.layout.change(change)

    def begin(self) -> None:
        """Make the directory unless it is there."""
        if self.directory:
            return
        self.layout.create()
        # This needs the lock, or leftovers() could come between mkdir and flock.
        with self.layout.lock():
            directory = f"{self.layout.directory}/staging/{os.urandom(8).hex()}"
            os.mkdir(directory, 0o700)
            self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            flock(self._descriptor, LOCK_SH | LOCK_NB)
        self.directory = directory


class PutDocument(Step):
    """Write a document of an image as a blob into staging, where nobody looks for it before the image is published."""

    __slots__ = ("staging", "what", "content", "expected", "blob")

    def __init__(self, staging: Staging, what: str, content: Callable[[], bytes], expected: str = "") -> None:
        self.staging = staging
        self.what = what  # 'config' or 'manifest'
        self.content = content  # returns the bytes: those of a manifest are known once the config has its digest
        self.expected = expected  # its digest, '' if any is right
        self.blob: BlobWriter | None = None

    def apply(self) -> None:
        writer = self.staging.writer()
        writer.write(self.content())
        writer.finish(self.expected)
        self.blob = writer

    def descriptor(self, media_type: str) -> Descriptor:
        """Return the descriptor of what was written."""
        assert self.blob
        return {"mediaType": media_type, "digest": self.blob.digest, "size": self.blob.size}

    def describe(self) -> str:
        digest = self.blob.digest if self.blob else self.expected
        name = f" {digest}" if digest else ""
        return f"write the {self.what}{name} into {quote(self.staging.layout.directory + '/staging')}"


class BlobLock:
    """The right to bring in one blob: a lock on one byte of a file that all processes share. The digest gives the byte's number."""

    def __init__(self, layout: ImageLayout, digest: str) -> None:
        layout.create()
        self._file = open(layout.directory + "/incoming.lock", "ab")  # noqa: SIM115 - closed by __exit__
        self._byte = int(digest.removeprefix("sha256:")[:15], 16)

    def __enter__(self) -> None:
        lockf(self._file, LOCK_EX, 1, self._byte)

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def leftovers(layout: ImageLayout, remove: bool = False) -> list[str]:
    """Return the paths of what killed writers left, and remove it if asked to; what living ones are writing is none of it."""
    if not os.path.isdir(layout.directory + "/staging"):
        return []
    with layout.lock():
        found = _leftovers(layout)
        for path in found if remove else []:
            # A writer may end at this very moment, and remove its directory itself.
            with suppress(FileNotFoundError):
                _remove(path)
    return found


def _leftovers(layout: ImageLayout) -> list[str]:
    staging = layout.directory + "/staging"
    dead = [f"{staging}/{name}" for name in sorted(os.listdir(staging)) if _is_dead(f"{staging}/{name}")]
    # index.json and oci-layout are written only under the lock, which we hold. So their temporary files have no owner.
    temporary = [f"{layout.directory}/{name}" for name in sorted(os.listdir(layout.directory)) if name.endswith(".tmp")]
    return dead + temporary + _unreachable(layout)


def _unreachable(layout: ImageLayout) -> list[str]:
    try:
        return [path for digest in layout.unreachable() for path in layout.files(digest)]
    except Damaged:
        return []  # nobody knows


def _is_dead(directory: str) -> bool:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    if not os.path.isdir(path):
        os.unlink(path)
        return
    # A staging directory has only files in it.
    for name in os.listdir(path):
        os.unlink(f"{path}/{name}")
    os.rmdir(path)
