"""The storage driver aufs, which uses the union file system of the seed.

Ubuntu's kernels carry aufs up to that of 20.04. Newer kernels have it only when they are patched.

The branches of a mount are listed from the topmost to the lowest, so the writable one comes first. aufs silently cuts off options
that do not fit into a page, and refuses more than 84 options in one call. So the first call takes as many layers as fit, remounts
append the others, and afterwards a step counts the branches that have arrived.
"""

from __future__ import annotations

import os

from mydocker.errors import StepFailed
from mydocker.kernel import mounts
from mydocker.steps.base import Step, quote
from mydocker.steps.files import MakeDir
from mydocker.steps.mounts import Mount
from mydocker.storage.base import StorageDriver
from mydocker.storage.names import LONGEST_AUFS_NAME, check_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths

# The most branches in one call.
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
    writable = "rw"
    most_layers = 126
    longest_name = LONGEST_AUFS_NAME
    __slots__ = ()

    def unsupported(self, paths: Paths) -> str | None:
        return self.missing_from(paths, "modprobe aufs; Ubuntu 20.04: linux-modules-extra")

    def writable_steps(self, directory: str) -> list[Step]:
        return [MakeDir(directory + "/rw")]

    def mount_steps(self, directory: str, layers: list[str], target: str) -> list[Step]:
        check_path(directory)
        self.check_depth(len(layers))
        calls = _calls(f"{directory}/rw=rw", [f"{self.layer(chain_id)}=ro+wh" for chain_id in layers])
        return [
            *self.settle_steps(directory, layers, ""),
            *(Mount("aufs", target, "aufs", mounts.MS_REMOUNT if number else 0, data) for number, data in enumerate(calls)),
            CountBranches(target, len(layers) + 1),
        ]

    def settle_steps(self, directory: str, layers: list[str], root: str) -> list[Step]:
        from mydocker.storage.plinks import MakeLinksReal, RestoreLinks

        writable = directory + "/rw"
        return [MakeLinksReal(root, writable, False) if root else RestoreLinks(writable, [self.layer(chain_id) for chain_id in layers])]

    def unmount_steps(self, directory: str, target: str) -> list[Step]:
        from mydocker.storage.plinks import MakeLinksReal

        return [MakeLinksReal(target, directory + "/rw", True), *super().unmount_steps(directory, target)]


def _calls(writable: str, layers: list[str]) -> list[str]:
    """Return the options of each call of mount(2): the first mounts, the others append. Both are branches as the options spell them."""
    calls = [f"dirperm1,dio,br:{writable}"]
    count = 1
    for branch in layers:
        added = (":" if len(calls) == 1 else ",append:") + branch
        if count == _BATCH or len(os.fsencode(calls[-1] + added)) > _LONGEST_DATA:
            calls.append(f"append:{branch}")
            count = 1
        else:
            calls[-1] += added
            count += 1
    return calls
