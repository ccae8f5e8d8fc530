"""The one interface of storage drivers.

A layer is a directory that holds what one layer of an image changes, in the form that the driver's file system reads;
it is named by its chain id (64 hexadecimal digits), which stands for it and all below it. A container has a writable
layer in its own directory. Lists of layers are topmost first, as the kernel's options are.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Conflict, Unsupported
from mydocker.steps.base import Step
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.paths import Paths
    from mydocker.steps.idmap import Mapping

# Options of mount(2) separate paths by these, and AUFS knows no escape for them.
_FORBIDDEN = ",:=\\"
_CHUNK = 1 << 18


class Change(Value):
    """One line of a diff: kind 'A' added, 'C' changed, 'D' deleted; path as the container sees it."""

    kind: str
    path: str


class StorageDriver:
    """What the engine needs of a union file system, or of what stands in for one."""

    name = ""
    # Whether a layer can be unpacked before those below it.
    independent = True

    __slots__ = ("layers", "sys")

    def __init__(self, layers: str, sys: str = "/sys") -> None:
        # ROOT/layers/NAME
        self.layers = layers
        self.sys = sys

    def unsupported(self, paths: Paths) -> str | None:
        """Return why this host cannot use the driver, None when it can."""
        raise NotImplementedError

    def layer(self, chain_id: str) -> str:
        """Return the directory of a layer."""
        return f"{self.layers}/{chain_id}"

    def partial(self, chain_id: str, owner: int) -> str:
        """Return where the process `owner` keeps a layer that is not whole yet, or whose image is not."""
        return f"{self.layer(chain_id)}.{owner}.partial"

    def has(self, chain_id: str) -> bool:
        """Say whether a layer is unpacked, whole."""
        return os.path.isdir(self.layer(chain_id))

    def apply(self, chain_id: str, parents: list[str], stream: BinaryIO, max_size: int | None = None) -> None:
        """Unpack an uncompressed layer tar, beside its place and renamed when whole. parents: topmost first.

        The stream is read to its end before the layer counts, so that one that checks a digest there can still refuse.
        """
        below = self.layer(parents[0]) if parents else ""
        self.adopt(self.unpack(chain_id, below, stream, os.getpid(), max_size), chain_id)

    def unpack(self, chain_id: str, below: str, stream: BinaryIO, owner: int, max_size: int | None = None) -> str:
        """Unpack a layer beside its place and return where; adopt() puts it there.

        below: where the layer below is, '' for none. owner: the pid that will adopt it, or has died.
        """
        store.make_private(self.layers)
        partial = self.partial(chain_id, owner)
        store.remove_tree(partial)
        try:
            self._prepare(partial, below)
            self._unpack(stream, partial, max_size)
            while stream.read(_CHUNK):
                pass
        except BaseException:
            store.remove_tree(partial)
            raise
        return partial

    def adopt(self, partial: str, chain_id: str) -> None:
        """Put an unpacked layer in its place, unless somebody was faster with the same one."""
        try:
            os.rename(partial, self.layer(chain_id))
        except OSError:
            store.remove_tree(partial)
            if not self.has(chain_id):
                raise

    def _prepare(self, partial: str, below: str) -> None:
        os.mkdir(partial, 0o755)

    def _unpack(self, stream: BinaryIO, directory: str, max_size: int | None) -> None:
        raise NotImplementedError

    def writable_steps(self, directory: str) -> list[Step]:
        """Return the steps that make a container's writable layer in its directory."""
        raise NotImplementedError

    def mount_steps(self, directory: str, layers: list[str], target: str) -> list[Step]:
        """Return the steps that mount a container's root file system, in a mount namespace of its own."""
        raise NotImplementedError

    def mapped_steps(
        self, directory: str, layers: list[str], target: str, staging: str, users: list[Mapping], groups: list[Mapping]
    ) -> list[Step]:
        """Return mount_steps for a container with a user namespace: what belongs to 0 on disk belongs to its root.

        staging: an existing directory to mount what is needed on the way. Raises Unsupported.
        """
        raise Unsupported(f"storage driver {self.name} cannot map users", "use overlay or vfs for --userns")

    def changes(self, directory: str, layers: list[str]) -> list[Change]:
        """Return what the writable layer changes, sorted by path."""
        raise NotImplementedError

    def diff(self, directory: str, layers: list[str], stream: BinaryIO, exclude: set[str]) -> None:
        """Write the writable layer as an uncompressed OCI layer tar, without the paths in `exclude` and what is below them."""
        raise NotImplementedError

    def remove_layer(self, chain_id: str) -> None:
        """Remove a layer; the caller knows that nobody uses it."""
        store.remove_tree(self.layer(chain_id))


def check_path(path: str) -> None:
    """Refuse a root directory that cannot stand in mount options."""
    for character in _FORBIDDEN:
        if character in path:
            raise Conflict(f"root directory {path!r} contains {character!r}, which mount options cannot hold", "use another --root")


def leftovers(layers: str) -> list[str]:
    """Return half-unpacked layers whose writer is gone: CHAINID.PID.partial."""
    found = []
    for name in os.listdir(layers) if os.path.isdir(layers) else []:
        parts = name.split(".")
        if parts[-1] == "partial" and not os.path.exists(f"/proc/{parts[-2]}"):
            found.append(f"{layers}/{name}")
    return found
