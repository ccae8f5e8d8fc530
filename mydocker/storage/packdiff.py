"""Writing a list of changes as a layer tar. vfs needs this because it has no upper directory."""

from __future__ import annotations

import tarfile

from mydocker.storage.base import Change
from mydocker.storage.pack import Packing
from mydocker.storage.whiteouts import PLAIN, PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def pack_changes(tree: str, changes: list[Change], stream: BinaryIO, exclude: set[str]) -> None:
    """Write the changed entries of a tree, each without what is below it, and whiteouts for the deleted ones.

    tree: the path of the tree.
    exclude: absolute paths as the container sees them. Neither they nor what is below them is written.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        packing = Packing(archive, tree, PLAIN, exclude, False)
        for change in changes:
            if _excluded(change.path, exclude):
                continue
            if change.kind == "D":
                parent, _, name = change.path.rpartition("/")
                packing.add_whiteout(f"{parent}/{PREFIX}{name}")
            else:
                packing.add_one(change.path)


def _excluded(path: str, exclude: set[str]) -> bool:
    return any(path == place or path.startswith(place + "/") for place in exclude)
