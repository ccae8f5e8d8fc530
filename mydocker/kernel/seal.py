"""Sealing (CVE-2019-5736): a process that enters a container runs from an interpreter that cannot be written through it.

A container's root can open /proc/PID/exe of any process it sees, wait until that process ends, and write to the host's file.
So what enters a container was executed from a read-only view of the interpreter: the magic link leads back to the mount that
the file was executed from, and a clone of that mount, read-only and attached nowhere, answers EROFS for good.
"""

from __future__ import annotations

import os
from errno import EINVAL, ENOSYS, EPERM
from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl

from mydocker.kernel.mounts import MOUNT_ATTR_RDONLY, mount_setattr, open_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SELF = "/proc/self/exe"

# <linux/memfd.h>, Linux 6.3: without it vm.memfd_noexec=1 makes a memfd that cannot be executed.
MFD_EXEC = 0x10


def sealed_interpreter() -> int | None:
    """Return a close-on-exec descriptor of this interpreter to execute; None when it lies on a read-only mount already."""
    if os.statvfs(SELF).f_flag & os.ST_RDONLY:
        return None
    try:
        return read_only_view(SELF)
    except OSError as error:
        # Before Linux 5.12; without CAP_SYS_ADMIN; a mount of another namespace, or of a deleted file.
        if error.errno not in (ENOSYS, EPERM, EINVAL):
            raise
        return sealed_copy(SELF)


def read_only_view(path: str) -> int:
    """Return a descriptor of a file through a detached read-only clone of its mount. Raises OSError where that cannot be."""
    tree = open_tree(path)
    try:
        mount_setattr(tree, MOUNT_ATTR_RDONLY)
    except OSError:
        os.close(tree)
        raise
    return tree


def sealed_copy(path: str) -> int:
    """Return a descriptor of an executable copy of a file, in memory, that nothing can change any more."""
    copy = executable_memfd("mydocker")
    try:
        _fill(copy, path)
        fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
        return copy
    except OSError:
        os.close(copy)
        raise


def exec_sealed(descriptor: int | None, argv: list[str], env: Mapping[str, str]) -> None:
    """Replace this process by the interpreter of sealed_interpreter().

    argv: argv[0] must be sys.executable: Python looks for its library (and a venv's pyvenv.cfg) from there, since
    /proc/self/exe of a detached mount or a memfd leads nowhere.
    """
    os.execve(SELF if descriptor is None else descriptor, argv, env)


def executable_memfd(name: str) -> int:
    """Return a close-on-exec descriptor of an empty file in memory that can be executed and sealed."""
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create(name, flags | MFD_EXEC)
    except OSError as error:
        if error.errno != EINVAL:
            raise
        return os.memfd_create(name, flags)


def _fill(copy: int, path: str) -> None:
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while os.sendfile(copy, source, None, 1 << 30):
            pass
    finally:
        os.close(source)
