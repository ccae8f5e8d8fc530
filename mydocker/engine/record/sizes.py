"""How many bytes directories hold."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

# Where a storage driver keeps what a container writes, in the container's directory.
WRITABLE = {"overlay": "upper", "aufs": "rw", "vfs": "tree"}


def tree_size(path: str) -> int:
    """Return the bytes of the files in a directory, those with several names once; files that go meanwhile do not count."""
    seen = set()
    total = 0
    for where, _, names in os.walk(path):
        for name in names:
            try:
                status = os.lstat(f"{where}/{name}")
            except FileNotFoundError:
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total


def written(paths: Paths, record: Record) -> int:
    """Return the bytes of the files in a container's writable layer, which for vfs is its whole copy."""
    return sum(tree_size(f"{paths.container(record['id'])}/{name}") for name in WRITABLE.values())
