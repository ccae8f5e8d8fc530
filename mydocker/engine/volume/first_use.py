"""A container's first use of an empty volume: what the image has at the volume's destination is copied into it.

    volumes/NAME/never-filled      there if no container has used the volume yet
    volumes/NAME/_data.partial     the copy, while it is being made
    volumes/NAME/_data.whole       the complete copy, whose entries are being moved into _data

Other containers may have bound _data already (nocopy), so the directory itself stays. Whoever fills a volume holds a lock on its
directory. A copy that was interrupted is made again. A move that was interrupted is continued.
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
    """Fill a volume, if it is empty, with what the root file system has at its destination.

    root: the path of the root file system.
    destination: where the container sees the volume.
    data: the volume's directory _data.

    If several containers start with the volume at once, one fills it, and the others wait.
    """
    volume = os.path.dirname(data)
    lock = os.open(volume, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flock(lock, LOCK_EX)
        is_new = os.path.exists(f"{volume}/{MARKER}")
        if is_new or not os.listdir(data) or os.path.isdir(_whole(data)):
            _populate(root, destination, data, is_new)
        if is_new:
            os.unlink(f"{volume}/{MARKER}")
    finally:
        os.close(lock)


def _whole(data: str) -> str:
    return data + ".whole"


def _populate(root: str, destination: str, data: str, is_new: bool) -> None:
    try:
        source = inroot.open_in(root, destination)
    except (FileNotFoundError, NotADirectoryError):
        owner = os.stat(root)
        if is_new:
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
    if not os.path.isdir(_whole(data)) and not os.listdir(data):
        partial = data + ".partial"
        store.remove_tree(partial)
        copy_tree(source, partial)
        os.rename(partial, _whole(data))
    _move_entries(_whole(data), data)
    copy_attributes(source, data, status)


def _move_entries(whole: str, data: str) -> None:
    """Move what is whole into the volume; what a container that had it bound has made there under the same name stays."""
    for name in os.listdir(whole) if os.path.isdir(whole) else []:
        if not os.path.lexists(f"{data}/{name}"):
            os.rename(f"{whole}/{name}", f"{data}/{name}")
    store.remove_tree(whole)
