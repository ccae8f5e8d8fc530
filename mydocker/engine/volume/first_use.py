"""The first use of a volume: what the image has at the volume's destination is copied into it.

A volume that was never filled has a marker beside its _data. The copy goes to a directory beside _data, which is renamed when it is
complete. The marker is removed last, so an interrupted copy is made again. Whoever fills the volume holds a lock on the marker.
"""

from __future__ import annotations

import os
import stat
from fcntl import LOCK_EX, flock

from mydocker import store
from mydocker.kernel import inroot
from mydocker.kernel.trees import copy_attributes, copy_tree

MARKER = "never-filled"


def populate(root: str, destination: str, data: str) -> None:
    """Fill a volume with what the root file system has at its destination, if it was never filled.

    root: the path of the root file system.
    destination: where the container sees the volume.
    data: the volume's directory _data.

    If several containers start with the volume at once, one fills it, and the others wait. None may mount the directory before that,
    because it is replaced.
    """
    marker = f"{os.path.dirname(data)}/{MARKER}"
    try:
        lock = os.open(marker, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        flock(lock, LOCK_EX)
        if os.fstat(lock).st_nlink:  # otherwise whoever held the lock before has filled the volume
            _populate(root, destination, data)
            os.unlink(marker)
    finally:
        os.close(lock)


def _populate(root: str, destination: str, data: str) -> None:
    try:
        source = inroot.open_in(root, destination)
    except (FileNotFoundError, NotADirectoryError):
        owner = os.stat(root)
        os.chown(data, owner.st_uid, owner.st_gid)  # with a user namespace, this is the root user inside it
        return
    try:
        _fill(f"/proc/self/fd/{source}/.", source, data)
    finally:
        os.close(source)


def _fill(source: str, descriptor: int, data: str) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISDIR(status.st_mode):
        return
    partial = f"{os.path.dirname(data)}/_data.partial"
    store.remove_tree(partial)
    copy_tree(source, partial)
    if not os.listdir(data):
        os.rename(partial, data)
    else:
        store.remove_tree(partial)
    copy_attributes(source, data, status)
