"""The storage driver vfs, which needs no union file system. It works everywhere.

Every layer is a complete copy of the layer below with its own changes made. The copies share blocks where the file system can do that.
"""

from __future__ import annotations

import os
import stat

from mydocker import store
from mydocker.kernel import mounts
from mydocker.kernel.files import open_directory
from mydocker.kernel.trees import copy_tree
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import MakeDir
from mydocker.steps.idmap import IdmapTree
from mydocker.steps.mounts import Mount
from mydocker.storage.base import Change, StorageDriver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.paths import Paths
    from mydocker.steps.idmap import Mapping


class CopyTree(Step):
    """Copy a tree with its owners, modes, times, attributes and hard links, unless the target exists already."""

    source: str
    target: str

    def apply(self) -> None:
        if not os.path.lexists(self.target):
            store.remove_tree(self.target + ".partial")
            copy_tree(self.source, self.target + ".partial")
            os.rename(self.target + ".partial", self.target)

    def describe(self) -> str:
        return f"copy {quote(self.source)} to {quote(self.target)}"

    def shell(self) -> str:
        return f"[ -e {quote(self.target)} ] || {command('cp', '-a', '--reflink=auto', self.source, self.target)}"


class Vfs(StorageDriver):
    """The driver. A container's copy is `tree` in its directory. It is made at the container's first start."""

    name = "vfs"
    independent = False
    __slots__ = ()

    def unsupported(self, paths: Paths) -> str | None:
        return None

    def _prepare(self, partial: str, below: str) -> None:
        if below:
            copy_tree(below, partial)
        else:
            super()._prepare(partial, below)

    def _unpack(self, stream: BinaryIO, directory: str, max_size: int | None) -> None:
        from mydocker.storage.unpack import unpack
        from mydocker.storage.whiteouts import PLAIN

        unpack(stream, directory, PLAIN, max_size)

    def writable_steps(self, directory: str) -> list[Step]:
        return []

    def mount_steps(self, directory: str, layers: list[str], target: str) -> list[Step]:
        tree = directory + "/tree"
        source: Step = CopyTree(self.layer(layers[0]), tree) if layers else MakeDir(tree, exist_ok=True)
        return [source, Mount(tree, target, flags=mounts.MS_BIND)]

    def mapped_steps(
        self, directory: str, layers: list[str], target: str, staging: str, users: list[Mapping], groups: list[Mapping]
    ) -> list[Step]:
        copy, _ = self.mount_steps(directory, layers, target)
        return [copy, IdmapTree(directory + "/tree", target, users, groups)]

    def changes(self, directory: str, layers: list[str]) -> list[Change]:
        found: list[Change] = []
        if os.path.isdir(directory + "/tree"):
            _compare(self.layer(layers[0]) if layers else os.devnull, open_directory(directory + "/tree"), "", found)
        return sorted(found, key=lambda change: change.path)

    def diff(self, directory: str, layers: list[str], stream: BinaryIO, exclude: set[str]) -> None:
        from mydocker.storage.packdiff import pack_changes

        pack_changes(directory + "/tree", self.changes(directory, layers), stream, exclude)


def _compare(old: str, new: int, path: str, found: list[Change]) -> None:
    """Add the changes between a directory of a layer and one of the container's copy.

    old: the path in the layer. It may name nothing, or something else than a directory.
    new: a descriptor of the directory in the copy, which is closed in the end.
    path: the directory's path as the container sees it.
    found: the list that the changes are added to.
    """
    try:
        before = set(os.listdir(old)) if os.path.isdir(old) and not os.path.islink(old) else set()
        after = set(os.listdir(new))
        found += [Change(kind="D", path=f"{path}/{name}") for name in before - after]
        for name in after:
            _compare_entry(f"{old}/{name}" if name in before else "", new, path, name, found)
    finally:
        os.close(new)


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
    """Return whether two entries differ. The time counts too, except for symlinks, of which only the targets are compared."""
    a = os.lstat(old)
    same = (a.st_mode, a.st_uid, a.st_gid, a.st_rdev) == (b.st_mode, b.st_uid, b.st_gid, b.st_rdev)
    if stat.S_ISDIR(a.st_mode) and stat.S_ISDIR(b.st_mode):
        return not same or a.st_mtime_ns != b.st_mtime_ns
    if stat.S_ISLNK(a.st_mode) and stat.S_ISLNK(b.st_mode):
        return os.readlink(old) != os.readlink(name, dir_fd=directory)
    return not same or a.st_size != b.st_size or a.st_mtime_ns != b.st_mtime_ns
