"""The first use of a volume: what the image holds at its destination is copied into it.

A volume that was never filled has the marker EMPTY beside its _data; the copy goes to a sibling directory that is
renamed when whole, and the marker goes last, so that an interrupted copy is made again.
"""

from __future__ import annotations

import os
import stat

from mydocker import store
from mydocker.kernel import inroot
from mydocker.kernel.trees import copy_attributes, copy_tree

MARKER = "never-filled"


def populate(root: str, destination: str, data: str) -> None:
    """Fill the volume directory `data` with what lies at `destination` in the root file system, if it was never filled."""
    marker = f"{os.path.dirname(data)}/{MARKER}"
    if not os.path.exists(marker):
        return
    try:
        source = inroot.open_in(root, destination)
    except (FileNotFoundError, NotADirectoryError):
        source = -1
    if source < 0:
        owner = os.stat(root)
        os.chown(data, owner.st_uid, owner.st_gid)  # with a user namespace, the root inside
    else:
        try:
            _fill(f"/proc/self/fd/{source}/.", source, data)
        finally:
            os.close(source)
    os.unlink(marker)


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
