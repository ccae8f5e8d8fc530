"""Making this process's root directory the root of its mount namespace, also in a chroot(8) that is not a mount point."""

from __future__ import annotations

import os
from errno import EINVAL

from mydocker.kernel import mounts
from mydocker.kernel.files import Held
from mydocker.kernel.namespaces import CLONE_NEWNS, setns


def receive_mounts(proc: str = "/proc") -> None:
    """Make each mount of this process's new mount namespace a slave. What the host mounts then arrives here, and nothing goes back.

    In a chroot that is not a mount point the kernel refuses this with EINVAL, as it would refuse pivot_root, and the mounts
    above the chroot cannot even be named. The chroot is then made the root of the mount namespace. That is what a container
    needs: nothing lies above it to which a process could break out.
    """
    try:
        mounts.mount(None, "/", None, mounts.MS_SLAVE | mounts.MS_REC)
    except OSError as error:
        if error.errno != EINVAL:
            raise
        _make_chroot_the_root(proc)


def _make_chroot_the_root(proc: str) -> None:
    with Held(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as root:
        # This process's root directory is the namespace's own after that, see setns(2).
        setns(proc + "/self/ns/mnt", CLONE_NEWNS)
        mounts.mount(None, "/", None, mounts.MS_SLAVE | mounts.MS_REC)
        os.fchdir(root)
    with Held(mounts.open_tree(".", recursive=True)) as tree:
        mounts.move_mount(tree, ".")
        os.fchdir(tree)
    mounts.pivot_root(".", ".")
    mounts.umount(".", mounts.MNT_DETACH)
    os.chdir("/")
