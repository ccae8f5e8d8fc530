"""Sealing: a process that enters a container executes an interpreter that nobody can write to by way of it (CVE-2019-5736).

A container's root can open /proc/PID/exe of any process that it sees, wait until that process ends, and then write to the host's
file. So what enters a container was executed from a read-only view of the interpreter. The magic link /proc/PID/exe leads back to
the mount from which the file was executed. A clone of that mount, read-only and attached nowhere, answers EROFS for good.
"""

from __future__ import annotations

import os
from errno import EINVAL, ENOSYS, EPERM
from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl

from mydocker.kernel.files import Held
from mydocker.kernel.mounts import MOUNT_ATTR_RDONLY, mount_setattr, open_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SELF = "/proc/self/exe"

# <linux/memfd.h>, Linux 6.3. Without this flag, vm.memfd_noexec=1 makes a memfd that cannot be executed.
MFD_EXEC = 0x10


def sealed_interpreter() -> int | None:
    """Return a close-on-exec descriptor of this interpreter, for exec_sealed(), or None if it lies on a read-only mount already."""
    if os.statvfs(SELF).f_flag & os.ST_RDONLY:
        return None
    try:
        return read_only_view(SELF)
    except OSError as error:
        # It is a kernel before Linux 5.12, CAP_SYS_ADMIN is missing, or the mount is of another namespace or of a deleted file.
        if error.errno not in (ENOSYS, EPERM, EINVAL):
            raise
        return sealed_copy(SELF)


def read_only_view(path: str) -> int:
    """Return a descriptor of a file that leads through a detached, read-only clone of its mount. Raises OSError where that cannot be."""
    tree = open_tree(path)
    try:
        mount_setattr(tree, MOUNT_ATTR_RDONLY)
    except OSError:
        os.close(tree)
        raise
    return tree


def sealed_copy(path: str) -> int:
    """Copy a file to memory, and return a descriptor of the copy, which can be executed and can never be changed."""
    copy = executable_memfd("mydocker")
    try:
        _fill(copy, path)
        return sealed(copy)
    except OSError:
        os.close(copy)
        raise


def exec_sealed(descriptor: int | None, argv: list[str], env: Mapping[str, str]) -> None:
    """Execute the interpreter again in this process, from the read-only view.

    descriptor: what sealed_interpreter() returned.
    argv: the arguments, the first of which must be sys.executable. Python looks for its library (and for a venv's pyvenv.cfg)
        from there, because /proc/self/exe of a detached mount or of a memfd leads nowhere.
    """
    os.execve(SELF if descriptor is None else descriptor, argv, env)


def executable_memfd(name: str) -> int:
    """Make an empty file in memory that can be executed and sealed, and return a close-on-exec descriptor of it."""
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create(name, flags | MFD_EXEC)
    except OSError as error:
        if error.errno != EINVAL:
            raise
        return os.memfd_create(name, flags)


def sealed(memfd: int) -> int:
    """Let nobody change a file in memory any more, and return its descriptor."""
    fcntl(memfd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    return memfd


def _fill(copy: int, path: str) -> None:
    with Held(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as source:
        while os.sendfile(copy, source, None, 1 << 30):
            pass
