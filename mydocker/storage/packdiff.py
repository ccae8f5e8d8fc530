"""What a tree changes in the one that it was copied from, as a list and as a layer tar. vfs has no upper directory that tells it."""

from __future__ import annotations

import os
import stat
import tarfile

from mydocker.kernel.files import GONE, Allowing, Held, open_directory
from mydocker.storage.pack import Packing
from mydocker.storage.whiteouts import PLAIN, PREFIX, Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def pack_changes(tree: str, changes: list[Change], stream: BinaryIO, exclude: set[str]) -> None:
    """Write the changed entries of a tree, each without what is below it, and whiteouts for the deleted ones.

    tree: the path of the tree.
    exclude: absolute paths as the container sees them. Neither they nor what is below them is written.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        packing = Packing(archive, tree, PLAIN, exclude, None)
        for change in changes:
            if any(f"{change.path}/".startswith(f"{place}/") for place in exclude):
                continue
            if change.kind == "D":
                parent, _, name = change.path.rpartition("/")
                packing.add_whiteout(f"{parent}/{PREFIX}{name}")
            else:
                packing.add_one(change.path)


def tree_changes(old: str, tree: str) -> list[Change]:
    """Return the changes between a layer and a tree, sorted by path. Neither has to exist. old: the path of the layer."""
    found: list[Change] = []
    if os.path.isdir(tree):
        _compare(old, open_directory(tree), "", found)
    return sorted(found, key=lambda change: change.path)


def _compare(old: str, new: int, path: str, found: list[Change]) -> None:
    """Add the changes between a directory of a layer and one of the container's copy.

    old: the path in the layer. It may name nothing, or something else than a directory.
    new: a descriptor of the directory in the copy, which is closed in the end.
    path: the directory's path as the container sees it.
    found: the list that the changes are added to.
    """
    with Held(new):
        before = set(os.listdir(old)) if os.path.isdir(old) and not os.path.islink(old) else set()
        after = set(os.listdir(new))
        found += [Change(kind="D", path=f"{path}/{name}") for name in before - after]
        for name in after:
            with Allowing(*GONE):
                _compare_entry(f"{old}/{name}" if name in before else "", new, path, name, found)


def _compare_entry(old: str, directory: int, path: str, name: str, found: list[Change]) -> None:
    """Add the change of one entry, if it differs, and the changes below it. old: its path in the layer, or '' for a new entry."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not old:
        found.append(Change(kind="A", path=f"{path}/{name}"))
    elif _differs(old, directory, name, status):
        found.append(Change(kind="C", path=f"{path}/{name}"))
    if stat.S_ISDIR(status.st_mode):
        _compare(old or os.devnull, open_directory(name, directory), f"{path}/{name}", found)


def _differs(old: str, directory: int, name: str, b: os.stat_result) -> bool:
    """Return whether two entries differ. The time counts too, except that of symlinks.

    A file that has got another name differs, so that both names are in a layer and stay one file.
    """
    a = os.lstat(old)
    same = (a.st_mode, a.st_uid, a.st_gid, a.st_rdev) == (b.st_mode, b.st_uid, b.st_gid, b.st_rdev)
    if stat.S_ISDIR(a.st_mode) and stat.S_ISDIR(b.st_mode):
        return not same or a.st_mtime_ns != b.st_mtime_ns
    if stat.S_ISLNK(a.st_mode) and stat.S_ISLNK(b.st_mode):
        return not same or os.readlink(old) != os.readlink(name, dir_fd=directory)
    return not same or (a.st_nlink, a.st_size, a.st_mtime_ns) != (b.st_nlink, b.st_size, b.st_mtime_ns)
