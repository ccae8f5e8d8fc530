"""The removal of a container's directory."""

from __future__ import annotations

import os
from errno import ENOENT

from mydocker import store
from mydocker.kernel.files import Allowing


def remove_mount_points(path: str) -> None:
    """Remove the directories on which others' files may be mounted, see monitor/staged.py. Raises OSError while something is."""
    staging = f"{path}/mounts"
    for own in os.listdir(staging) if os.path.isdir(staging) else []:
        for name in ("shown", "image"):
            with Allowing(ENOENT):
                os.rmdir(f"{staging}/{own}/{name}")  # not all that it holds: it could be a volume


def remove_directory(path: str) -> None:
    """Remove a container's directory, its record and then its lock last: nobody takes it for damaged, or for an orphan, while it goes."""
    remove_mount_points(path)
    names = os.listdir(path) if os.path.isdir(path) else []
    for name in [*(name for name in names if name not in ("config.json", "lock")), "config.json"]:
        store.remove_tree(f"{path}/{name}")
    store.discard(path)  # by another name, so that nobody who waits for the lock makes it anew
