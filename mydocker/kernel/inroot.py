"""Finding and making files inside a container's root file system, where the container chooses what symlinks there are.

Every path is resolved by openat2(2) with RESOLVE_IN_ROOT, so that '..' and symlinks end inside the root. What was found is
used by its descriptor, so that there is no second look-up that could end elsewhere (CVE-2021-30465, CVE-2018-15664).
"""

from __future__ import annotations

import os
import stat
from errno import ELOOP, ENOENT, ENOTDIR

from mydocker.kernel.files import Held, openat2


def by_descriptor(descriptor: int) -> str:
    """Return a path that names the object behind a descriptor, for calls that take only paths."""
    return f"/proc/self/fd/{descriptor}"


def open_root(root: str) -> int:
    """Open a root directory and return an O_PATH descriptor of it."""
    return os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def open_in(root: str, path: str, flags: int = os.O_PATH) -> int:
    """Open `path` inside `root` and return the descriptor. Raises OSError."""
    with Held(open_root(root)) as top:
        return openat2(path.lstrip("/") or ".", flags, dirfd=top)


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
    with Held(descriptor):
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        with open(by_descriptor(descriptor), "rb", buffering=0) as file:
            return file.read(LONGEST_TEXT).decode(errors="surrogateescape")


def make_directories(root: str, path: str) -> int:
    """Make a directory and its missing parents inside `root`. Return an O_PATH descriptor of the directory.

    Where a symlink leads to nothing, what it leads to is made, inside `root` too. That is how docker does it.
    """
    with Held(open_root(root)) as top:
        return _made(top, _parts(path))


def make_file(root: str, path: str) -> int:
    """Make an empty file, unless there is something at `path`, and its parents, as make_directories() does. Return an O_PATH descriptor."""
    with Held(open_root(root)) as top:
        return _made(top, _parts(path), directory=False)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _made(top: int, parts: list[str], directory: bool = True) -> int:
    try:
        return openat2("/".join(parts) or ".", os.O_PATH | (os.O_DIRECTORY if directory else 0), dirfd=top)
    except FileNotFoundError:
        parent = _made(top, parts[:-1])
        try:
            if directory:
                os.mkdir(parts[-1], 0o755, dir_fd=parent)
            else:
                os.close(os.open(parts[-1], os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o755, dir_fd=parent))
        except FileExistsError:
            if stat.S_ISLNK(os.stat(parts[-1], dir_fd=parent, follow_symlinks=False).st_mode):
                target = os.readlink(parts[-1], dir_fd=parent)
                parts = [*([] if target.startswith("/") else parts[:-1]), *_parts(target)]
        finally:
            os.close(parent)
        return _made(top, parts, directory)


def parent_of(root: str, path: str) -> tuple[int, str]:
    """Make the missing parents of `path` inside `root`. Return a descriptor of its directory, and its last name."""
    parent, _, name = path.rstrip("/").rpartition("/")
    return make_directories(root, parent), name
