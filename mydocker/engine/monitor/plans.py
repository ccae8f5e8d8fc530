"""The monitor's plan: its mount namespace, the container's root file system and its cgroup.

The order of all that follows in a start is here too.
"""

from __future__ import annotations

from mydocker import store
from mydocker.engine.monitor import staged
from mydocker.engine.record import marker, state
from mydocker.engine.volume.first_use import populate
from mydocker.kernel.namespaces import CLONE_NEWNS
from mydocker.runtime.mounts import early_trees
from mydocker.runtime.users import mappings
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import MakeDir
from mydocker.steps.namespaces import ReceiveMounts, Unshare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.manager import CgroupManager
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Spec
    from mydocker.storage.base import StorageDriver


class MakeStateDirectory(Step):
    """Make STATE/ID, which says that the container is being run. What an earlier run left there is removed first."""

    paths: Paths
    container_id: str

    @property
    def path(self) -> str:
        return self.paths.running(self.container_id)

    def apply(self) -> None:
        state.clear(self.paths, self.container_id)
        store.make_private(self.path)

    def undo(self) -> None:
        state.clear(self.paths, self.container_id)

    def describe(self) -> str:
        return f"mkdir {quote(self.path)} mode 700"

    def shell(self) -> str:
        return command("mkdir", "-p", self.path)


class Populate(Step):
    """Copy what the image holds at a volume's destination into the volume, the first time that the volume is used."""

    root: str  # the path of the root file system
    destination: str  # a path in the container
    volume: str  # the path of the volume's directory

    def apply(self) -> None:
        populate(self.root, self.destination, self.volume)

    def describe(self) -> str:
        return f"copy {quote(self.destination)} of the root into {quote(self.volume)} if that is empty"

    def shell(self) -> str:
        source = quote(self.root + self.destination)
        return f'[ ! -d {source} ] || [ -n "$(ls -A {quote(self.volume)})" ] || cp -a {source}/. {quote(self.volume)}'


def monitor_plan(paths: Paths, record: Record, spec: Spec, driver: StorageDriver, cgroup: CgroupManager | None) -> list[Step]:
    """Return the plan of what the monitor does before it forks init.

    cgroup: None if another runtime makes the cgroup.
    """
    directory = paths.container(record["id"])
    rootfs = directory + "/bundle/rootfs"
    return [
        MakeStateDirectory(paths, record["id"]),
        *early_trees(spec),
        Unshare(CLONE_NEWNS),
        ReceiveMounts(),
        *_root_steps(paths, record, spec, driver),
        *staged.steps(record, driver),
        *_populate_steps(record, rootfs),
        *(_cgroup_steps(cgroup, spec) if cgroup else []),
    ]


def populate_plan(paths: Paths, record: Record, spec: Spec, driver: StorageDriver) -> list[Step]:
    """Return the plan that fills the volumes of a container that does not run, in a mount namespace of its own. It ends with the fillings.

    It is empty if there is no volume to fill.
    """
    fillings = _populate_steps(record, paths.container(record["id"]) + "/bundle/rootfs")
    if not fillings:
        return []
    directory = MakeStateDirectory(paths, record["id"])
    return [directory, Unshare(CLONE_NEWNS), ReceiveMounts(), *_root_steps(paths, record, spec, driver), *fillings]


def _cgroup_steps(cgroup: CgroupManager, spec: Spec) -> list[Step]:
    steps = cgroup.create_steps(spec["linux"]["resources"])
    if not state.has_own_parent(cgroup.path):
        return steps
    from mydocker.engine.monitor.parents import between_parents  # most containers have no parent of their own

    return between_parents(cgroup, steps)


def _populate_steps(record: Record, rootfs: str) -> list[Step]:
    """Return the steps that fill volumes: only the first start of a container does, so what it empties later stays empty."""
    filled = [mount for mount in record["mounts"] if mount["type"] == "volume" and mount["copy"] and not record["startedAt"]]
    return [Populate(rootfs, mount["destination"], mount["source"]) for mount in filled]


def _root_steps(paths: Paths, record: Record, spec: Spec, driver: StorageDriver) -> list[Step]:
    """Return the steps that mount the root file system.

    With a user namespace, its files then belong to the root inside.
    """
    directory, layers = paths.container(record["id"]), record["layers"]
    users, groups = mappings(spec["linux"])
    if not users:
        mounting = driver.mount_steps(directory, layers, directory + "/bundle/rootfs")
    else:
        staging = paths.running(record["id"]) + "/mapped"
        mapped = driver.mapped_steps(directory, layers, directory + "/bundle/rootfs", staging, users, groups)
        mounting = [MakeDir(staging, 0o711), *mapped]
    return mounting if record["startedAt"] else marker.around(mounting, driver, directory, layers)


class Order:
    """The order of a start with our own runtime, from the fork of init on.

    It is written once: monitor.py and execute.py do it, and engine/view/script.py tells it. What init does, and in which order, is drawn
    in runtime/plan.py.
    """

    __slots__ = ()

    def in_order(self) -> None:
        """Start the container's process."""
        pid = self.fork()
        self.claim()
        self.connect(pid)
        self.go(pid)

    def fork(self) -> int:
        """Fork init, which enters its cgroups and begins to build its root. Return its pid."""
        raise NotImplementedError

    def claim(self) -> None:
        """Claim addresses and ports."""

    def connect(self, pid: int) -> None:
        """Connect the process's network namespace, once the process is in it."""

    def go(self, pid: int) -> None:
        """Let the process go on to its program."""
        raise NotImplementedError
