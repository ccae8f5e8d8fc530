"""The storage driver vfs, which needs no union file system. It works everywhere.

Every layer is a complete copy of the layer below with its own changes made. The copies share blocks where the file system can do that.
"""

from __future__ import annotations

import os

from mydocker.kernel import mounts
from mydocker.kernel.trees import copy_tree
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import MakeDir
from mydocker.steps.idmap import IdmapTree
from mydocker.steps.mounts import Mount
from mydocker.storage.base import StorageDriver
from mydocker.whole import Whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.steps.idmap import Mapping
    from mydocker.storage.whiteouts import Change


class CopyTree(Step):
    """Copy a tree with its owners, modes, times, attributes and hard links, unless the target exists already."""

    source: str
    target: str

    def apply(self) -> None:
        if not os.path.lexists(self.target):
            with Whole(self.target) as partial:
                copy_tree(self.source, partial)

    def describe(self) -> str:
        return f"copy {quote(self.source)} to {quote(self.target)}"

    def shell(self) -> str:
        return f"[ -e {quote(self.target)} ] || {command('cp', '-a', '--reflink=auto', self.source, self.target)}"


class Vfs(StorageDriver):
    """The driver. A container's copy is `tree` in its directory. It is made at the container's first start."""

    name = "vfs"
    writable = "tree"
    independent = False
    __slots__ = ()

    def _prepare(self, partial: str, below: str) -> None:
        if below:
            copy_tree(below, partial)
        else:
            super()._prepare(partial, below)

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
        from mydocker.storage.packdiff import tree_changes

        return tree_changes(self.layer(layers[0]) if layers else os.devnull, directory + "/tree")

    def diff(self, directory: str, layers: list[str], stream: BinaryIO, exclude: set[str]) -> None:
        from mydocker.storage.packdiff import pack_changes

        pack_changes(directory + "/tree", self.changes(directory, layers), stream, exclude)
