"""The storage driver overlay, which uses the kernel's own union file system (Documentation/filesystems/overlayfs.rst).

All options of a mount together must fit into a page. So each layer has a short name, a symlink l/DIGITS in the layers' directory, and
the mount is made from inside that directory with relative names.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Unsupported
from mydocker.kernel import mounts, process
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import MakeDir
from mydocker.steps.idmap import IdmapTree
from mydocker.steps.mounts import Mount, Unmount
from mydocker.storage.base import StorageDriver
from mydocker.storage.names import check_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths
    from mydocker.steps.idmap import Mapping

_PAGE = 4096
# With these features the upper directory could not be read as a diff. They are switched off where the kernel has them.
_SWITCHES = ("redirect_dir", "metacopy", "index")


class MountOverlay(Step):
    """Mount an overlay from inside the layers' directory, so that the names of the layers can be short."""

    base: str  # the directory to mount from
    layers: list[str]  # their names relative to `base`, topmost first
    upper: str  # the upper directory, absolute or relative to `base`
    work: str  # the work directory, absolute or relative to `base`
    target: str  # the mount point
    options: str  # further options, each with a comma before it
    owner: tuple[int, int] = (0, 0)  # (uid, gid) that overlay makes files as: in an idmapped upper directory 0 is nobody

    def data(self) -> str:
        return f"lowerdir={':'.join(self.layers)},upperdir={self.upper},workdir={self.work}{self.options}"

    def apply(self) -> None:
        if len(self.data()) >= _PAGE:
            raise Unsupported(f"overlay: the options for {len(self.layers)} layers do not fit into a page of {_PAGE} bytes")
        before = os.open(".", os.O_PATH | os.O_CLOEXEC)
        try:
            os.chdir(self.base)
            process.set_fs_ids(*self.owner)
            mounts.mount("overlay", self.target, "overlay", 0, self.data())
        finally:
            process.set_fs_ids(0, 0)
            os.fchdir(before)
            os.close(before)

    def undo(self) -> None:
        mounts.umount(self.target, mounts.MNT_DETACH)

    def describe(self) -> str:
        return f"mount overlay on {quote(self.target)} type overlay data {self.data()} from {quote(self.base)}"

    def shell(self) -> str:
        return f"(cd {quote(self.base)} && {command('mount', '-t', 'overlay', '-o', self.data(), 'overlay', self.target)})"


class Overlay(StorageDriver):
    """The driver. A container has `upper` and `work` in its directory, and the layers are mounted as they are."""

    name = "overlay"
    writable = "upper"
    __slots__ = ()

    def unsupported(self, paths: Paths) -> str | None:
        return self.missing_from(paths, "modprobe overlay") or _refused_by(paths)

    def adopt(self, partial: str, chain_id: str) -> None:
        super().adopt(partial, chain_id)
        self._link(chain_id)

    def _link(self, chain_id: str) -> None:
        """Give a layer its short name: the first six digits of its chain id, or more if another layer has these."""
        store.make_private(self.layers + "/l")
        target = f"../{chain_id}"
        for length in range(6, 65):
            link = f"{self.layers}/l/{chain_id[:length]}"
            try:
                os.symlink(target, link)
                return
            except FileExistsError:
                if os.readlink(link) == target:
                    return

    def short_name(self, chain_id: str) -> str:
        """Return a layer's symlink relative to the layers' directory, or its chain id if it has none."""
        for length in range(6, 65):
            link = f"l/{chain_id[:length]}"
            try:
                if os.readlink(f"{self.layers}/{link}") == f"../{chain_id}":
                    return link
            except FileNotFoundError:
                break
        return chain_id

    def writable_steps(self, directory: str) -> list[Step]:
        return [MakeDir(directory + "/upper"), MakeDir(directory + "/work", 0o700)]

    def mount_steps(self, directory: str, layers: list[str], target: str) -> list[Step]:
        check_path(directory)
        if not layers:  # An overlay wants a layer below.
            return [Mount(directory + "/upper", target, flags=mounts.MS_BIND)]
        names = [self.short_name(chain_id) for chain_id in layers]
        return [MountOverlay(self.layers, names, directory + "/upper", directory + "/work", target, switches(self.sys))]

    def mapped_steps(
        self, directory: str, layers: list[str], target: str, staging: str, users: list[Mapping], groups: list[Mapping]
    ) -> list[Step]:
        if not layers:
            return [IdmapTree(directory + "/upper", target, users, groups)]
        names = ["layers/" + self.short_name(chain_id) for chain_id in layers]
        return [
            Mount("tmpfs", staging, "tmpfs", mounts.MS_NODEV | mounts.MS_NOSUID, "mode=711"),
            MakeDir(staging + "/layers"),
            IdmapTree(self.layers, staging + "/layers", users, groups),
            MakeDir(staging + "/own"),
            IdmapTree(directory, staging + "/own", users, groups),
            MountOverlay(staging, names, "own/upper", "own/work", target, switches(self.sys), (users[0][1], groups[0][1])),
            # The overlay keeps the layers open by itself. Nothing may ever find them through the staging directory.
            Unmount(staging),
        ]

    def remove_layer(self, chain_id: str) -> None:
        name = self.short_name(chain_id)
        if name != chain_id:
            os.unlink(f"{self.layers}/{name}")
        super().remove_layer(chain_id)


def switches(sys: str) -> str:
    """Return the options that switch off what this kernel has of _SWITCHES, such as ',redirect_dir=off,index=off'."""
    found = [name for name in _SWITCHES if os.path.exists(f"{sys}/module/overlay/parameters/{name}")]
    return "".join(f",{name}=off" for name in found)


def _refused_by(paths: Paths) -> str | None:
    """Try a mount below ROOT and return the reason why it was refused, or None.

    A kernel that knows overlay is not enough: the file system of ROOT may be unfit for an upper directory.
    """
    trial = store.temporary(f"{paths.root}/trial")
    for name in ("", "/lower", "/upper", "/work", "/root"):
        os.makedirs(trial + name, exist_ok=True)
    try:
        return _tried(trial)
    finally:
        store.remove_tree(trial)


def _tried(trial: str) -> str | None:
    """Mount an overlay in a child that has its own mount namespace."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            from mydocker.kernel.chroot import receive_mounts
            from mydocker.kernel.namespaces import CLONE_NEWNS, unshare

            unshare(CLONE_NEWNS)
            receive_mounts()
            mounts.mount("overlay", trial + "/root", "overlay", 0, f"lowerdir={trial}/lower,upperdir={trial}/upper,workdir={trial}/work")
        except OSError as error:
            os.write(write, (error.strerror or "refused").encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        reason = answer.read()
    return f"mounting an overlay under {os.path.dirname(trial)} was refused: {reason}" if reason else None
