"""Steps on files and directories. The kernel's own files, in cgroups and in /proc/sys, are among them."""

from __future__ import annotations

import os
from errno import EEXIST

from mydocker.kernel.files import Allowing, Held
from mydocker.steps.base import Step, command, quote


class MakeDir(Step):
    """Make one directory, whose parent must exist."""

    path: str
    mode: int = 493
    exist_ok: bool = False  # a directory that is there already stays as it is, and undo leaves the directory in any case

    def apply(self) -> None:
        with Allowing(*([EEXIST] if self.exist_ok else [])):
            os.mkdir(self.path, self.mode)

    def undo(self) -> None:
        # The directory is gone already if it was in a file system that was unmounted meanwhile.
        if not self.exist_ok and os.path.isdir(self.path):
            os.rmdir(self.path)

    def describe(self) -> str:
        return f"mkdir {quote(self.path)} mode {self.mode:o}"

    def shell(self) -> str:
        return command("mkdir", *(["-p"] if self.exist_ok else []), "-m", f"{self.mode:o}", self.path)


class EnterDirectory(Step):
    """Make a directory this process's working directory."""

    path: str

    def apply(self) -> None:
        os.chdir(self.path)

    def describe(self) -> str:
        return f"chdir {quote(self.path)}"

    def shell(self) -> str:
        return command("cd", self.path)


class WriteFile(Step):
    """Write a value to a kernel file by one write(2). O_CREAT is left out, so that a wrong name fails in a test's fake tree too."""

    path: str
    value: str

    def apply(self) -> None:
        with Held(os.open(self.path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)) as descriptor:
            os.write(descriptor, self.value.encode())

    def describe(self) -> str:
        return f"write {quote(self.value)} to {quote(self.path)}"

    def shell(self) -> str:
        return f"printf %s {quote(self.value)} > {quote(self.path)}"


class CreateFile(Step):
    """Create or replace an ordinary file of ours. Undo removes it."""

    path: str
    content: str
    mode: int = 420

    def apply(self) -> None:
        with Held(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, self.mode)) as descriptor:
            try:
                view = memoryview(self.content.encode(errors="surrogateescape"))
                while view:  # on a disk that is nearly full, a write is short before it fails
                    view = view[os.write(descriptor, view) :]
                os.fchmod(descriptor, self.mode)
            except OSError:
                os.unlink(self.path)
                raise

    def undo(self) -> None:
        os.unlink(self.path)

    def describe(self) -> str:
        return f"create {quote(self.path)}, {len(self.content)} characters, mode {self.mode:o}"

    def shell(self) -> str:
        return f"printf %s {quote(self.content)} > {quote(self.path)}"


class ChangeOwner(Step):
    """Set the owner and the group of a file, by lchown(2)."""

    path: str
    uid: int
    gid: int

    def apply(self) -> None:
        os.chown(self.path, self.uid, self.gid, follow_symlinks=False)

    def describe(self) -> str:
        return f"chown {self.uid}:{self.gid} {quote(self.path)}"

    def shell(self) -> str:
        return command("chown", "-h", f"{self.uid}:{self.gid}", self.path)
