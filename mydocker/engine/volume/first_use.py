"""The first use of a volume: what the image holds at its destination is copied into it.

A volume that was never filled has a marker beside its _data; the copy goes to a sibling directory that is
renamed when whole, and the marker goes last, so that an interrupted copy is made again. Who fills the volume has the marker locked.
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
    """Fill the volume directory `data` with what lies at `destination` in the root file system, if it was never filled.

    Of several containers that start with it at once, one fills it, and the others wait until it is filled: none may bind
    the directory before that, as it is replaced.
    """
    marker = f"{os.path.dirname(data)}/{MARKER}"
    try:
        lock = os.open(marker, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        flock(lock, LOCK_EX)
        if os.fstat(lock).st_nlink:  # else whoever held it has filled the volume
            _populate(root, destination, data)
            os.unlink(marker)
    finally:
        os.close(lock)


def _populate(root: str, destination: str, data: str) -> None:
    try:
        source = inroot.open_in(root, destination)
    except (FileNotFoundError, NotADirectoryError):
        owner = os.stat(root)
        os.chown(data, owner.st_uid, owner.st_gid)  # with a user namespace, the root inside
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
