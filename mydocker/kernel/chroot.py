"""A mount namespace whose root is this process's root directory, also where that is a mere directory (chroot(8))."""

from __future__ import annotations

import os
from errno import EINVAL

from mydocker.kernel import mounts
from mydocker.kernel.namespaces import CLONE_NEWNS, setns


def receive_mounts(proc: str = "/proc") -> None:
    """Make each mount of this process's new mount namespace a slave: what the host mounts arrives, nothing goes back.

    In a chroot that is no mount point this is EINVAL, as pivot_root would be, and the mounts above cannot even be named. So
    the chroot becomes what the container needs: the namespace's root, with nothing above it to break out to.
    """
    try:
        mounts.mount(None, "/", None, mounts.MS_SLAVE | mounts.MS_REC)
    except OSError as error:
        if error.errno != EINVAL:
            raise
        _make_chroot_the_root(proc)


def _make_chroot_the_root(proc: str) -> None:
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        setns(proc + "/self/ns/mnt", CLONE_NEWNS)  # the root directory is now the namespace's own, see setns(2)
        mounts.mount(None, "/", None, mounts.MS_SLAVE | mounts.MS_REC)
        os.fchdir(root)
    finally:
        os.close(root)
    tree = mounts.open_tree(".", recursive=True)
    try:
        mounts.move_mount(tree, ".")
        os.fchdir(tree)
    finally:
        os.close(tree)
    mounts.pivot_root(".", ".")
    mounts.umount(".", mounts.MNT_DETACH)
    os.chdir("/")
