"""Steps that make entries in a container's root file system: devices, directories, symlinks. What `root` is, rootfs.py says."""

from __future__ import annotations

import errno
import os
import stat

from mydocker.errors import StepFailed
from mydocker.kernel import inroot, mounts
from mydocker.kernel.files import Allowing, Held
from mydocker.steps.base import Step, command, quote
from mydocker.steps.rootfs import MountInRoot, host_path


class MakeNode(Step):
    """Make a device node in the container by mknod(2). Inside a user namespace, where that is forbidden, bind the host's node."""

    root: str
    path: str
    kind: str  # of mknod(1): 'c' or 'u', 'b', 'p'
    number: tuple[int, int]  # major, minor
    mode: int = 438
    owner: tuple[int, int] = (0, 0)  # user, group

    def apply(self) -> None:
        kind = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}[self.kind]
        parent, name = inroot.parent_of(self.root, self.path)
        try:
            os.mknod(name, kind | self.mode, os.makedev(*self.number), dir_fd=parent)
            os.chmod(f"{inroot.by_descriptor(parent)}/{name}", self.mode)
            if self.owner != (0, 0):
                os.chown(name, *self.owner, dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            self._compare(os.stat(name, dir_fd=parent, follow_symlinks=False), kind)
        except PermissionError:
            known = f"/dev/{'block' if self.kind == 'b' else 'char'}/{self.number[0]}:{self.number[1]}"
            source = known if os.path.exists(known) else self.path
            MountInRoot(self.root, source, self.path, flags=mounts.MS_BIND).apply()
        finally:
            os.close(parent)

    def _compare(self, present: os.stat_result, kind: int) -> None:
        """Raise StepFailed unless the file that is there already is the node that was asked for. The specification wants this error."""
        if stat.S_IFMT(present.st_mode) != kind or (self.kind != "p" and present.st_rdev != os.makedev(*self.number)):
            raise StepFailed(f"{self.describe()}: there is another file already", errno.EEXIST)

    def describe(self) -> str:
        return f"mknod {quote(self.path)} in the root {self.kind} {self.number[0]}:{self.number[1]} mode {self.mode:o}"

    def shell(self) -> str:
        path = host_path(self.root, self.path)
        numbers = [] if self.kind == "p" else [str(n) for n in self.number]
        make = command("mknod", "-m", f"{self.mode:o}", path, self.kind, *numbers)
        if self.owner != (0, 0):
            make += "\n" + command("chown", f"{self.owner[0]}:{self.owner[1]}", path)
        return make


class MakeDirInRoot(Step):
    """Make a directory and its missing parents in the container."""

    root: str
    path: str

    def apply(self) -> None:
        os.close(inroot.make_directories(self.root, self.path))

    def describe(self) -> str:
        return f"mkdir -p {quote(self.path)} in the root"

    def shell(self) -> str:
        return command("mkdir", "-p", host_path(self.root, self.path))


class MakeSymlink(Step):
    """Make a symlink in the container. A file that is there already stays as it is."""

    root: str
    path: str
    target: str  # what the symlink contains

    def apply(self) -> None:
        parent, name = inroot.parent_of(self.root, self.path)
        with Held(parent), Allowing(errno.EEXIST):
            os.symlink(self.target, name, dir_fd=parent)

    def describe(self) -> str:
        return f"symlink {quote(self.path)} in the root to {quote(self.target)}"

    def shell(self) -> str:
        return command("ln", "-sfn", "--", self.target, host_path(self.root, self.path))
