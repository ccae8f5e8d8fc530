"""The one interface of storage drivers.

A layer is a directory that holds what one layer of an image changes, in the form that the driver's file system reads. Its name is
its chain id (64 hexadecimal digits), which stands for the layer and all layers below it. A container has a writable layer in its own
directory. A list of layers begins with the topmost one, as in the kernel's mount options.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Unsupported
from mydocker.steps.base import Step
from mydocker.steps.mounts import Unmount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.paths import Paths
    from mydocker.steps.idmap import Mapping
    from mydocker.storage.whiteouts import Change

_CHUNK = 1 << 18


class StorageDriver:
    """The base of the drivers: what the engine needs of a union file system, or of what stands in for one."""

    name = ""
    # The directory with what a container writes, in the container's directory.
    writable = ""
    # Whether a layer can be unpacked before those below it.
    independent = True
    # How many layers an image may have here, or 0 for any number.
    most_layers = 0
    # How many bytes a file's name may have.
    longest_name = 255

    __slots__ = ("layers", "sys")

    def __init__(self, layers: str, sys: str = "/sys") -> None:
        # ROOT/layers/NAME
        self.layers = layers
        self.sys = sys

    def unsupported(self, paths: Paths) -> str | None:
        """Return the reason why this host cannot use the driver, or None if it can."""
        return None

    def missing_from(self, paths: Paths, hint: str) -> str | None:
        """Return the reason if the kernel does not know the driver's file system, or None. hint: how it can be had"""
        with open(paths.proc + "/filesystems") as file:
            known = {line.split()[-1] for line in file}
        return None if self.name in known else f"this kernel has no {self.name} file system ({hint})"

    def layer(self, chain_id: str) -> str:
        """Return the path of a layer's directory."""
        return f"{self.layers}/{chain_id}"

    def partial(self, chain_id: str, owner: int) -> str:
        """Return the path where a process keeps a layer until the layer, and its image, are complete.

        owner: the pid of that process.
        """
        return f"{self.layer(chain_id)}.{owner}.partial"

    def has(self, chain_id: str) -> bool:
        """Return whether a layer is unpacked completely."""
        return os.path.isdir(self.layer(chain_id))

    def apply(self, chain_id: str, parents: list[str], stream: BinaryIO, max_size: int | None = None) -> None:
        """Unpack the uncompressed tar of a layer beside its place, and rename it into its place when it is complete.

        parents: the chain ids of the layers below it, topmost first.
        max_size: the most bytes that its files may have together, or None.

        The stream is read to its end before the layer counts. So a stream that checks a digest at its end can still refuse the layer.
        """
        below = self.layer(parents[0]) if parents else ""
        self.adopt(self.unpack(chain_id, below, stream, os.getpid(), max_size), chain_id)

    def unpack(self, chain_id: str, below: str, stream: BinaryIO, owner: int, max_size: int | None = None) -> str:
        """Unpack a layer beside its place and return its path, for adopt() to put it into its place.

        below: the directory of the layer below, or '' if there is none.
        owner: the pid of the process that will adopt the layer. If that process dies, the layer is a leftover.
        max_size: the most bytes that its files may have together, or None.
        """
        from mydocker.storage.unpack import unpack  # starts unpack nothing
        from mydocker.storage.whiteouts import FORMS

        store.make_private(self.layers)
        partial = self.partial(chain_id, owner)
        store.remove_tree(partial)
        try:
            self._prepare(partial, below)
            unpack(stream, partial, FORMS[self.name], max_size)
            while stream.read(_CHUNK):
                pass
        except BaseException:
            store.remove_tree(partial)
            raise
        return partial

    def adopt(self, partial: str, chain_id: str) -> None:
        """Put an unpacked layer into its place, or remove it if another process has put the same layer there before."""
        try:
            os.rename(partial, self.layer(chain_id))
        except OSError:
            store.remove_tree(partial)
            if not self.has(chain_id):
                raise

    def _prepare(self, partial: str, below: str) -> None:
        os.mkdir(partial, 0o755)

    def writable_steps(self, directory: str) -> list[Step]:
        """Return the steps that make a container's writable layer in its directory."""
        raise NotImplementedError

    def mount_steps(self, directory: str, layers: list[str], target: str) -> list[Step]:
        """Return the steps that mount a container's root file system. They are executed in a mount namespace of its own."""
        raise NotImplementedError

    def mapped_steps(
        self, directory: str, layers: list[str], target: str, staging: str, users: list[Mapping], groups: list[Mapping]
    ) -> list[Step]:
        """Return the steps that mount the root file system of a container with a user namespace.

        What belongs to user 0 on disk belongs to the container's root there.

        staging: an existing directory, in which these steps mount what they need in between.
        users, groups: the maps of the user namespace.

        Raises Unsupported if the driver cannot do this.
        """
        raise Unsupported(f"storage driver {self.name} cannot map users", "use overlay or vfs for --userns")

    def unmount_steps(self, directory: str, target: str) -> list[Step]:
        """Return the steps that unmount a root file system, when nothing else uses it. They are executed where it was mounted."""
        return [Unmount(target)]

    def settle_steps(self, directory: str, layers: list[str], root: str) -> list[Step]:
        """Return the steps after which the writable layer alone tells all that a container changed.

        root: where the mounted root file system of a running container is seen, or '' if nothing is mounted.
        """
        return []

    def check_depth(self, layers: int) -> None:
        """Raise Unsupported if a root file system cannot be made of so many layers and the writable one."""
        if 0 < self.most_layers < layers:
            raise Unsupported(f"{self.name}: {layers} layers are more than the {self.most_layers} that it can mount, with a writable one")

    def changes(self, directory: str, layers: list[str]) -> list[Change]:
        """Return the changes that the writable layer makes, sorted by path."""
        from mydocker.storage.whiteouts import FORMS, union_changes

        return union_changes(FORMS[self.name], f"{directory}/{self.writable}", [self.layer(chain_id) for chain_id in layers])

    def diff(self, directory: str, layers: list[str], stream: BinaryIO, exclude: set[str]) -> None:
        """Write the writable layer as an uncompressed OCI layer tar, without the paths in `exclude` and all that is below them."""
        from mydocker.storage.pack import pack
        from mydocker.storage.whiteouts import FORMS

        below = [self.layer(chain_id) for chain_id in layers]
        pack(f"{directory}/{self.writable}", stream, FORMS[self.name], exclude, layers=below)

    def remove_layer(self, chain_id: str) -> None:
        """Remove a layer. The caller makes sure that nobody uses it."""
        store.remove_tree(self.layer(chain_id))
