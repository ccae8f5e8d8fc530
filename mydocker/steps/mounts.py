"""Steps on mounts outside of a container's root: the root file system itself, and the mount namespace around it."""

from __future__ import annotations

from errno import EINVAL, ENOENT

from mydocker.kernel import mounts
from mydocker.kernel.files import Allowing
from mydocker.steps.base import Step, command, quote

# How mount(8) spells the flags of mount(2), in the order that mountinfo shows them.
OPTION_NAMES = {
    mounts.MS_RDONLY: "ro",
    mounts.MS_NOSUID: "nosuid",
    mounts.MS_NODEV: "nodev",
    mounts.MS_NOEXEC: "noexec",
    mounts.MS_SYNCHRONOUS: "sync",
    mounts.MS_DIRSYNC: "dirsync",
    mounts.MS_NOSYMFOLLOW: "nosymfollow",
    mounts.MS_NOATIME: "noatime",
    mounts.MS_NODIRATIME: "nodiratime",
    mounts.MS_RELATIME: "relatime",
    mounts.MS_STRICTATIME: "strictatime",
}
PROPAGATION_NAMES = {
    mounts.MS_PRIVATE: "private",
    mounts.MS_SLAVE: "slave",
    mounts.MS_SHARED: "shared",
    mounts.MS_UNBINDABLE: "unbindable",
}


def option_words(flags: int, data: str = "") -> list[str]:
    """Return the options of mount(8): the names of the flags, and then the file system's own data."""
    return [name for flag, name in OPTION_NAMES.items() if flags & flag] + ([data] if data else [])


def shell_mount(source: str, target: str, fstype: str, flags: int, data: str) -> str:
    """Return the mount(8) command that does the same as one mount(2) call."""
    words = option_words(flags, data)
    for flag, name in PROPAGATION_NAMES.items():
        if flags & flag:
            return command("mount", f"--make-{'r' if flags & mounts.MS_REC else ''}{name}", target)
    if flags & mounts.MS_REMOUNT:
        return command("mount", "-o", ",".join(["remount", *(["bind"] if flags & mounts.MS_BIND else []), *words]), target)
    if flags & mounts.MS_BIND:
        return command("mount", "--rbind" if flags & mounts.MS_REC else "--bind", source, target)
    return command("mount", "-t", fstype, *(["-o", ",".join(words)] if words else []), source, target)


def unmounted(target: str) -> None:
    """Detach what is mounted at `target`. It is not an error if nothing is mounted there (EINVAL), or if the target is gone (ENOENT)."""
    with Allowing(EINVAL, ENOENT):
        mounts.umount(target, mounts.MNT_DETACH)


class Mount(Step):
    """Call mount(2) with all its arguments. Undo detaches what was mounted."""

    source: str
    target: str
    fstype: str = ""
    flags: int = 0  # MS_*
    data: str = ""  # the file system's own options

    def apply(self) -> None:
        mounts.mount(self.source or None, self.target, self.fstype or None, self.flags, self.data or None)

    def undo(self) -> None:
        if not self.flags & (mounts.MS_REMOUNT | mounts.MS_PRIVATE | mounts.MS_SLAVE | mounts.MS_SHARED):
            unmounted(self.target)

    def describe(self) -> str:
        what = f" type {self.fstype}" if self.fstype else ""
        data = f" data {quote(self.data)}" if self.data else ""
        source = f"{quote(self.source)} on " if self.source else ""
        return f"mount {source}{quote(self.target)}{what} flags {mounts.describe_flags(self.flags)}{data}"

    def shell(self) -> str:
        return shell_mount(self.source or "none", self.target, self.fstype, self.flags, self.data)


class Unmount(Step):
    """Detach a mount, and all that is mounted below it, by umount2(2) with MNT_DETACH."""

    target: str

    def apply(self) -> None:
        mounts.umount(self.target, mounts.MNT_DETACH)

    def describe(self) -> str:
        return f"umount2 {quote(self.target)} MNT_DETACH"

    def shell(self) -> str:
        return command("umount", "-l", self.target)
