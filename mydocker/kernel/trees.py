"""Copying trees of files with everything that the file system knows about them, as cp -a does."""

from __future__ import annotations

import errno
import os
import stat
from fcntl import ioctl

from mydocker.kernel.files import Allowing

_FICLONE = 0x40049409
_CHUNK = 1 << 24


def copy_tree(source: str, target: str) -> None:
    """Copy a file, or a directory with all that it holds: owners, modes, times, extended attributes, hard links, devices."""
    _copy(source, target, {})


def copy_contents(source: int, target: int) -> None:
    """Copy what a directory holds into another one, and give that the owner, mode and times of the first. Raises OSError.

    source, target: descriptors of the directories.

    A child does this, and the source is its root. So whoever changes the source meanwhile cannot lead it elsewhere by symlinks.
    """
    child = os.fork()
    if child == 0:
        number = errno.EIO
        try:
            os.fchdir(target)
            os.chroot(f"/proc/self/fd/{source}")
            for name in os.listdir("/"):
                _copy(f"/{name}", name, {})
            copy_attributes("/", ".", os.stat("/"))
            number = 0
        except OSError as error:
            number = error.errno or errno.EIO
        finally:
            os._exit(number)
    number = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if number:
        raise OSError(number, os.strerror(number) if number > 0 else f"the copy ended by signal {-number}", "copying")


def _copy(source: str, target: str, links: dict[tuple[int, int], str]) -> None:
    status = os.lstat(source)
    key = (status.st_dev, status.st_ino)
    if not stat.S_ISDIR(status.st_mode) and key in links:
        os.link(links[key], target, follow_symlinks=False)
        return
    _make_like(source, target, status)
    if stat.S_ISDIR(status.st_mode):
        for name in os.listdir(source):
            _copy(f"{source}/{name}", f"{target}/{name}", links)
    elif status.st_nlink > 1:
        links[key] = target
    copy_attributes(source, target, status)


def _make_like(source: str, target: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        os.mkdir(target)
    elif stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(status.st_mode):
        copy_file(source, target)
    else:
        os.mknod(target, status.st_mode, status.st_rdev)


def copy_file(source: str, target: str) -> None:
    """Copy the bytes of a file to a new one. Both share their blocks where the file system can do that."""
    with open(source, "rb", buffering=0) as reader, open(target, "xb", buffering=0) as writer:
        try:
            ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:
            while os.sendfile(writer.fileno(), reader.fileno(), None, _CHUNK):
                pass


def copy_attributes(source: str, target: str, status: os.stat_result) -> None:
    """Give `target` the owner, mode, extended attributes and times of `source`."""
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, stat.S_IMODE(status.st_mode))
    with Allowing(errno.EOPNOTSUPP, errno.EPERM):
        for name in os.listxattr(source, follow_symlinks=False):
            os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
