"""Making this process's root directory the root of its mount namespace, also in a chroot(8), and in one that is not a mount point."""

from __future__ import annotations

import os

from mydocker.kernel import mounts
from mydocker.kernel.files import Held
from mydocker.kernel.namespaces import CLONE_NEWNS, setns

_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def receive_mounts(proc: str = "/proc") -> None:
    """Make each mount of this process's new mount namespace a slave. What the host mounts then arrives here, and nothing goes back.

    In a chroot, that is then made the root of the mount namespace: a container's process with CAP_SYS_CHROOT could climb to what lies
    above. And in a chroot that is not a mount point the kernel refuses pivot_root, and mounts above it cannot even be named.
    """
    with Held(os.open(f"{proc}/self/fdinfo", _PLACE)) as infos, Held(os.open("/", _PLACE)) as root, Held(os.open(".", _PLACE)) as here:
        # This process's root directory is the namespace's own after that, see setns(2).
        setns(f"{proc}/self/ns/mnt", CLONE_NEWNS)
        mounts.mount(None, "/", None, mounts.MS_SLAVE | mounts.MS_REC)
        with Held(os.open("/", _PLACE)) as top:
            is_chroot = _identity(root, infos) != _identity(top, infos)
        os.fchdir(root if is_chroot else here)
    if is_chroot:
        _make_working_directory_the_root()


def _identity(place: int, infos: int) -> tuple[int, int, bytes]:
    """Return what tells a directory from every other: the same one can be mounted twice. infos: the directory /proc/self/fdinfo"""
    with Held(os.open(str(place), os.O_RDONLY | os.O_CLOEXEC, dir_fd=infos)) as info:
        mount = os.read(info, 4096).partition(b"mnt_id:")[2].split()[0]
    status = os.fstat(place)
    return status.st_dev, status.st_ino, mount


def _make_working_directory_the_root() -> None:
    with Held(mounts.open_tree(".", recursive=True)) as tree:
        mounts.move_mount(tree, ".")
        os.fchdir(tree)
    mounts.pivot_root(".", ".")
    mounts.umount(".", mounts.MNT_DETACH)
    os.chdir("/")
