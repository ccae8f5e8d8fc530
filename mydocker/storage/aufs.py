"""The storage driver aufs, which uses the union file system of the seed.

Ubuntu's kernels carry aufs up to that of 20.04. Newer kernels have it only when they are patched.

The branches of a mount are listed from the topmost to the lowest, so the writable one comes first. aufs silently cuts off options
that do not fit into a page, and refuses more than 84 options in one call. So most layers are appended by remounts, and afterwards
a step counts the branches that have arrived.
"""

from __future__ import annotations

import os

from mydocker.errors import StepFailed, Unsupported
from mydocker.kernel import mounts
from mydocker.steps.base import Step, quote
from mydocker.steps.files import MakeDir
from mydocker.steps.mounts import Mount
from mydocker.storage.base import Change, StorageDriver, check_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from mydocker.paths import Paths

_MAX_BRANCHES = 127
_BATCH = 40
_LONGEST_DATA = 4095


class CountBranches(Step):
    """Check that every branch of an aufs mount is there, because mount(2) returns 0 even when it has cut off options."""

    target: str  # the mount point
    expected: int  # the number of branches, the writable one included

    def apply(self) -> None:
        entry = [e for e in mounts.mountinfo() if e.target == self.target][-1]
        key = next(word[3:] for word in entry.super_options if word.startswith("si="))
        found = sum(1 for name in os.listdir(f"/sys/fs/aufs/si_{key}") if name[:2] == "br" and name[2:].isdigit())
        if found != self.expected:
            raise StepFailed(f"aufs on {quote(self.target)} has {found} branches, not {self.expected}")

    def describe(self) -> str:
        return f"count {self.expected} branches of {quote(self.target)}"


class Aufs(StorageDriver):
    """The driver. The writable branch is `rw` in the container's directory, and layers keep their whiteouts as .wh. files."""

    name = "aufs"
    __slots__ = ()

    def unsupported(self, paths: Paths) -> str | None:
        with open(paths.proc + "/filesystems") as file:
            if not any(line.split()[-1] == "aufs" for line in file):
                return "this kernel has no aufs file system (modprobe aufs; Ubuntu 20.04: linux-modules-extra)"
        return None

    def _unpack(self, stream: BinaryIO, directory: str, max_size: int | None) -> None:
        from mydocker.storage.unpack import unpack
        from mydocker.storage.whiteouts import AUFS

        unpack(stream, directory, AUFS, max_size)

    def writable_steps(self, directory: str) -> list[Step]:
        return [MakeDir(directory + "/rw")]

    def mount_steps(self, directory: str, layers: list[str], target: str) -> list[Step]:
        check_path(directory)
        if len(layers) + 1 > _MAX_BRANCHES:
            raise Unsupported(f"aufs: {len(layers)} layers and the writable one are more than its {_MAX_BRANCHES} branches")
        branches = [f"{self.layer(chain_id)}=ro+wh" for chain_id in layers]
        first, rest = branches[: _BATCH - 1], branches[_BATCH - 1 :]
        data = "dirperm1,dio,br:" + ":".join([f"{directory}/rw=rw", *first])
        steps: list[Step] = [Mount("aufs", target, "aufs", 0, _fitting(data))]
        for start in range(0, len(rest), _BATCH // 2):
            appended = ",".join(f"append:{branch}" for branch in rest[start : start + _BATCH // 2])
            steps.append(Mount("aufs", target, "aufs", mounts.MS_REMOUNT, _fitting(appended)))
        return [*steps, CountBranches(target, len(branches) + 1)]

    def changes(self, directory: str, layers: list[str]) -> list[Change]:
        from mydocker.storage.whiteouts import AUFS, union_changes

        return union_changes(AUFS, directory + "/rw", [self.layer(chain_id) for chain_id in layers])

    def diff(self, directory: str, layers: list[str], stream: BinaryIO, exclude: set[str]) -> None:
        from mydocker.storage.pack import pack
        from mydocker.storage.whiteouts import AUFS

        pack(directory + "/rw", stream, AUFS, exclude, layers=[self.layer(chain_id) for chain_id in layers])


def _fitting(data: str) -> str:
    if len(data.encode()) > _LONGEST_DATA:
        raise Unsupported(f"aufs: {len(data)} bytes of options are more than the {_LONGEST_DATA} that it reads", "use a shorter --root")
    return data
