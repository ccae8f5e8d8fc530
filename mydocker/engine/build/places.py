"""The places of COPY and ADD: paths that fit patterns, and paths without symlinks, all inside of one root."""

from __future__ import annotations

import errno
import os
import stat
from posixpath import normpath

from mydocker.errors import BadInput, NotFound
from mydocker.images.dockerignore import compiled
from mydocker.kernel import inroot
from mydocker.kernel.files import openat2

_WILD = frozenset("*?[")
_MOST_SYMLINKS = 40


def matches(root: int, pattern: str, excluded: set[str], deep: bool = False) -> list[str]:
    """Return the paths that fit a pattern, from the root on. A pattern without wildcards fits itself. Raises NotFound if it is excluded.

    root: a descriptor of the root
    excluded: paths that .dockerignore leaves out
    deep: whether ** stands for any number of directories
    """
    cleaned = normpath("/" + pattern.lstrip("/"))
    if not _WILD & set(cleaned):
        found = [cleaned]
        if any(cleaned == path or cleaned.startswith(path + "/") for path in excluded):
            raise NotFound(f"{pattern!r} is not in the context: .dockerignore leaves it out")
    else:
        found = [path for path in _expand(root, "", cleaned.strip("/").split("/"), deep) if path not in excluded]
    return found


def _expand(root: int, directory: str, parts: list[str], deep: bool) -> list[str]:
    """Return the paths below a directory that fit a pattern, sorted. parts: what stands between the pattern's slashes."""
    part, *rest = parts
    if part == "**" and deep:
        below = [f"{directory}/{name}" for name in _listed(root, directory)]
        inner = [found for path in below if _is_own_directory(root, path) for found in _expand(root, path, parts, deep)]
        return (_expand(root, directory, rest, deep) if rest else below) + inner
    names = [part]
    if _WILD & set(part):
        wanted = compiled(part)
        names = [name for name in _listed(root, directory) if wanted.fullmatch(name)]
    paths = [f"{directory}/{name}" for name in names]
    if rest:
        return [found for path in paths for found in _expand(root, path, rest, deep)]
    return [path for path in paths if _exists(root, path)]


def _listed(root: int, directory: str) -> list[str]:
    """Return the names in a directory, sorted, [] if there is none."""
    try:
        descriptor = openat2(directory.lstrip("/") or ".", os.O_RDONLY | os.O_DIRECTORY, dirfd=root)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return []
    try:
        return sorted(os.listdir(descriptor))
    finally:
        os.close(descriptor)


def _is_own_directory(root: int, path: str) -> bool:
    """Say whether a path is a directory itself, and no symlink to one."""
    return _link(root, path) is None and is_directory(root, path)


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


def resolved(root: int, path: str) -> str:
    """Return a path of the root without symlinks. A source that is a symlink means what it points to."""
    return place_of(root, path).removeprefix(os.readlink(inroot.by_descriptor(root)).rstrip("/")) or "/"


def status_of(root: int, path: str) -> os.stat_result:
    """Return what a path of the root leads to."""
    descriptor = openat2(path.lstrip("/") or ".", os.O_PATH, dirfd=root)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def followed(root: int, path: str) -> str:
    """Return a path of the root without symlinks, also where a symlink leads to what does not exist yet. Raises BadInput for a loop."""
    done, waiting, links = "", path.split("/"), 0
    while waiting:
        part = waiting.pop(0)
        if part == "..":
            done = done.rpartition("/")[0]
        elif part not in ("", "."):
            target = _link(root, f"{done}/{part}")
            done = f"{done}/{part}" if target is None else "" if target.startswith("/") else done
            waiting = [*(target or "").split("/"), *waiting]
            links += target is not None
            if links > _MOST_SYMLINKS:
                raise BadInput(f"too many symlinks: {path}")
    return done or "/"


def _link(root: int, path: str) -> str | None:
    """Return what a symlink holds, or None for anything else and for nothing."""
    try:
        descriptor = openat2(path.lstrip("/"), os.O_PATH | os.O_NOFOLLOW, dirfd=root)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return None
    try:
        return os.readlink("", dir_fd=descriptor) if stat.S_ISLNK(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def is_directory(root: int, path: str) -> bool:
    """Say whether a path of the root leads to a directory."""
    return _exists(root, path) and stat.S_ISDIR(status_of(root, path).st_mode)
