"""How many bytes the files in a directory hold."""

from __future__ import annotations

import os

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
    """Return how many bytes the files in a container's writable layer hold. With vfs, that layer is the whole copy of the root."""
    return sum(tree_size(f"{paths.container(record['id'])}/{name}") for name in WRITABLE.values())
