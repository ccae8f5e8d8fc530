"""How many bytes the files in a directory hold."""

from __future__ import annotations

import os
import stat

from mydocker.kernel.files import GONE, Allowing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

# Where a storage driver keeps what a container writes, in the container's directory.
WRITABLE = {"overlay": "upper", "aufs": "rw", "vfs": "tree"}


def tree_size(path: str) -> int:
    """Return how many bytes the files below a directory hold.

    A file with several names counts once. A file that is removed meanwhile does not count.
    """
    seen = set()
    total = 0
    for where, _, names in os.walk(path):
        for name in names:
            with Allowing(*GONE):
                status = os.lstat(f"{where}/{name}")
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    total += status.st_size
    return total


def written(paths: Paths, record: Record) -> int:
    """Return how many bytes a container has written: what the files in its writable layer hold.

    With vfs that layer is a copy of everything, and the files count that are not as in the image.
    """
    directory = paths.container(record["id"])
    tree = f"{directory}/{WRITABLE['vfs']}"
    if os.path.isdir(tree):
        return _differing(paths, record, directory, tree)
    return sum(tree_size(f"{directory}/{name}") for name in WRITABLE.values())


def _differing(paths: Paths, record: Record, directory: str, tree: str) -> int:
    from mydocker.storage import drivers  # sizes are seldom asked for

    total = 0
    for change in drivers.driver("vfs", paths).changes(directory, record["layers"]):
        with Allowing(*GONE):
            status = os.lstat(tree + change.path)
            total += 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return total
