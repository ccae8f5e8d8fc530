"""Finding and making files inside a container's root file system, where the container chooses what symlinks there are.

Every path is resolved by openat2(2) with RESOLVE_IN_ROOT, so that '..' and symlinks end inside the root. What was found is
used by its descriptor, so that there is no second look-up that could end elsewhere (CVE-2021-30465, CVE-2018-15664).
"""

from __future__ import annotations

import os
import stat
from errno import ELOOP, ENOENT, ENOTDIR

from mydocker.kernel.files import openat2


def by_descriptor(descriptor: int) -> str:
    """Return a path that names the object behind a descriptor, for calls that take only paths."""
    return f"/proc/self/fd/{descriptor}"


def open_root(root: str) -> int:
    """Open a root directory and return an O_PATH descriptor of it."""
    return os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def open_in(root: str, path: str, flags: int = os.O_PATH) -> int:
    """Open `path` inside `root` and return the descriptor. Raises OSError."""
    top = open_root(root)
    try:
        return openat2(path.lstrip("/") or ".", flags, dirfd=top)
    finally:
        os.close(top)


# No more than this is read of an image's /etc/passwd or /etc/group, as the reader may live under the container's memory limit.
LONGEST_TEXT = 1 << 20


def read_text(root: str, path: str) -> str:
    """Return the text of a file inside `root`, or '' if it does not exist. Only the first LONGEST_TEXT bytes are read.

    The image decides what lies there, so anything but an ordinary file counts as missing.
    """
    try:
        descriptor = open_in(root, path)
    except OSError as error:
        if error.errno not in (ENOENT, ENOTDIR, ELOOP):
            raise
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        with open(by_descriptor(descriptor), "rb", buffering=0) as file:
            return file.read(LONGEST_TEXT).decode(errors="surrogateescape")
    finally:
        os.close(descriptor)


def make_directories(root: str, path: str, mode: int = 0o755) -> int:
    """Make a directory and its missing parents inside `root`. Return an O_PATH descriptor of the directory."""
    top = open_root(root)
    try:
        return _made(top, [part for part in path.split("/") if part not in ("", ".")], mode)
    finally:
        os.close(top)


def _made(top: int, parts: list[str], mode: int) -> int:
    try:
        return openat2("/".join(parts) or ".", os.O_PATH | os.O_DIRECTORY, dirfd=top)
    except FileNotFoundError:
        parent = _made(top, parts[:-1], mode)
        try:
            os.mkdir(parts[-1], mode, dir_fd=parent)
        except FileExistsError:
            pass  # It is a symlink that leads nowhere, or somebody was faster. The next look-up tells.
        finally:
            os.close(parent)
        return openat2("/".join(parts), os.O_PATH | os.O_DIRECTORY, dirfd=top)


def make_file(root: str, path: str) -> int:
    """Make an empty file and its missing parents inside `root`, unless there is something at `path`. Return an O_PATH descriptor of it."""
    try:
        return open_in(root, path)
    except FileNotFoundError:
        parent_path, _, name = path.rstrip("/").rpartition("/")
        parent = make_directories(root, parent_path)
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o755, dir_fd=parent))
        finally:
            os.close(parent)
        return open_in(root, path)


def parent_of(root: str, path: str) -> tuple[int, str]:
    """Make the missing parents of `path` inside `root`. Return a descriptor of its directory, and its last name."""
    parent, _, name = path.rstrip("/").rpartition("/")
    return make_directories(root, parent), name
