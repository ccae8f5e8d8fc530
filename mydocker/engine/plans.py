"""The monitor's plan: its mount namespace, the container's root file system, its cgroup. Pure functions."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.engine.populate import populate
from mydocker.kernel import mounts as k
from mydocker.kernel.namespaces import CLONE_NEWNS
from mydocker.runtime.mounts import shared_trees
from mydocker.steps.base import Step, command, quote
from mydocker.steps.mounts import Mount
from mydocker.steps.namespaces import Unshare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.cgroups.manager import CgroupManager
    from mydocker.engine.containers import Record
    from mydocker.paths import Paths
    from mydocker.storage.base import StorageDriver


class MakeStateDirectory(Step):
    """Make STATE/ID, which says that the container is being run; what an earlier run left there goes first."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def apply(self) -> None:
        store.remove_tree(self.path)
        os.mkdir(self.path, 0o700)

    def undo(self) -> None:
        store.remove_tree(self.path)

    def describe(self) -> str:
        return f"mkdir {quote(self.path)} mode 700"

    def shell(self) -> str:
        return command("mkdir", "-p", self.path)


class Populate(Step):
    """Copy what the image holds at a volume's destination into the volume, the first time that it is used."""

    __slots__ = ("root", "destination", "volume")

    def __init__(self, root: str, destination: str, volume: str) -> None:
        self.root = root
        self.destination = destination
        self.volume = volume

    def apply(self) -> None:
        populate(self.root, self.destination, self.volume)

    def describe(self) -> str:
        return f"copy {quote(self.destination)} of the root into {quote(self.volume)} if that is empty"

    def shell(self) -> str:
        source = quote(self.root + self.destination)
        return f'[ ! -d {source} ] || [ -n "$(ls -A {quote(self.volume)})" ] || cp -a {source}/. {quote(self.volume)}'


def monitor_plan(paths: Paths, record: Record, spec: dict[str, Any], driver: StorageDriver, cgroup: CgroupManager) -> list[Step]:
    """Return what the monitor does before it forks init."""
    directory = paths.container(record["id"])
    rootfs = directory + "/bundle/rootfs"
    return [
        MakeStateDirectory(paths.running(record["id"])),
        *shared_trees(spec["mounts"]),
        Unshare(CLONE_NEWNS),
        Mount("", "/", flags=k.MS_SLAVE | k.MS_REC),
        *driver.mount_steps(directory, record["layers"], rootfs),
        *(Populate(rootfs, m["destination"], m["source"]) for m in record["mounts"] if m["type"] == "volume" and m["copy"]),
        *cgroup.create_steps(spec["linux"].get("resources", {})),
    ]
