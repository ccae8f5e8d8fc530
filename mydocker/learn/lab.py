"""The lab: a machine to break, in which the lessons' commands are typed.

    keeper        a process that sleeps; it holds the lab's namespaces (mount, network, UTS, IPC, cgroup) until `learn reset`
    cgroup        /mydocker-learn-HEX in every hierarchy, with limits for memory and processes. In the lab it looks like the root of
                  the hierarchy, so whatever is made there lies below these limits. Shells begin in its child `shell`, because a
                  cgroup of version 2 that holds processes may not have children with controllers.
    DIRECTORY/lab/work    where shells begin
    DIRECTORY/lab/root    mydocker's ROOT in the lab; its STATE is in the lab's own /run
    DIRECTORY/lab.json    who the keeper is

What is mounted in the lab, a host name, a message queue, an interface or a rule is gone with the lab's last process. /run and /dev/shm are
the lab's own, so that not even a file is left there. What is mounted on the host is seen in the lab, as containers of a volume see it.
"""

from __future__ import annotations

import os
from zlib import crc32

from mydocker import store
from mydocker.cgroups.group import Group, remove_directory, walk_up
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.errors import Conflict, Error, attempt
from mydocker.kernel.tasks import is_alive, start_time
from mydocker.learn.process import Process, every
from mydocker.learn.scene import Scene
from mydocker.learn.texts import spoken
from mydocker.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.cgroups.manager import CgroupManager

    class Keeper(TypedDict):
        """lab.json."""

        pid: int
        started: int  # its start time: with the pid, this is one process and no other


KEEPER = {"pid!": "natural", "started!": "natural"}
_REMOVE_SECONDS = 5.0


class Lab:
    """One user's lab. It may be closed: then there is no keeper."""

    __slots__ = ("directory", "paths", "layout")

    def __init__(self, directory: str, paths: Paths) -> None:
        self.directory = directory
        self.paths = paths
        self.layout = Layout.detect(paths)

    @property
    def work(self) -> str:
        return f"{self.directory}/lab/work"

    @property
    def root(self) -> str:
        """ROOT of the mydocker that is called in the lab."""
        return f"{self.directory}/lab/root"

    @property
    def outside(self) -> Paths:
        """Where the lab's mydocker keeps everything, for a process that is not in the lab and must not use the host's STATE."""
        return Paths(self.root, f"{self.directory}/lab/state", config=self.paths.config)

    @property
    def cgroup(self) -> str:
        """Its path below each hierarchy. Two users have two labs, so their directory is in the name."""
        return f"/mydocker-learn-{crc32(os.fsencode(self.directory)):08x}"

    def lock(self) -> store.Lock:
        """Return the lock to hold while the lab is opened or removed."""
        store.make_private(self.directory)
        return store.Lock(f"{self.directory}/lab.lock")

    def keeper(self) -> Process | None:
        """Return the lab's first process, or None if the lab is closed. Raises Damaged."""
        try:
            known: Keeper = store.read_document(f"{self.directory}/lab.json", KEEPER)
        except FileNotFoundError:
            return None
        alive = is_alive(known["pid"], known["started"], self.paths.proc)
        return Process(known["pid"], self.paths.proc) if alive else None

    def record(self, pid: int) -> None:
        """Write down who the keeper is."""
        store.write_json(f"{self.directory}/lab.json", {"pid": pid, "started": start_time(pid, self.paths.proc) or 0}, sync=False)

    def cgroups(self) -> CgroupManager:
        """Return the manager of the lab's cgroups, as this process sees them."""
        return manager(self.layout, self.cgroup)

    def processes(self, keeper: Process) -> list[Process]:
        """Return the processes in the lab's cgroup and below it. They are asked one by one, as from within the lab its cgroup is `/`."""
        hierarchy = next(iter(self.layout.hierarchies), None)
        if hierarchy is None:
            return []
        above = keeper.group(hierarchy).path.removesuffix("/shell").rstrip("/") + "/"
        return [each for each in every(self.paths.proc) if is_below(each.group(hierarchy).path, above)]

    def is_inside(self) -> bool:
        """Say whether this process is in the lab."""
        keeper = self.keeper()
        return keeper is not None and keeper.namespace("mnt") == os.readlink("/proc/self/ns/mnt")

    def scene(self) -> Scene:
        """Return what a check looks at. Raises Conflict if the lab is closed."""
        keeper = self.keeper()
        if not keeper:
            closed = spoken("the lab is closed, so there is nothing to check", "实验室没有打开，没有什么可检查")
            raise Conflict(closed, "mydocker learn shell")
        return Scene(keeper=keeper, processes=self.processes(keeper), layout=self.layout, work=self.work)

    def remove(self) -> list[Error]:
        """Remove all that the lab has: processes, and with them its mounts and interfaces; cgroups; files. Return what went wrong.

        The caller holds the lock, and is not in the lab.
        """
        problems: list[Error] = []
        groups = self.cgroups()
        attempt(problems, groups.kill)
        for subsystem in groups.subsystems:
            attempt(problems, remove_groups, subsystem.group)
        for name in ("lab", "lab.json"):
            attempt(problems, store.remove_tree, f"{self.directory}/{name}")
        return problems


def is_below(path: str, above: str) -> bool:
    """Say whether a cgroup is below another one. In a cgroup namespace, those outside begin with `/..` (cgroup_namespaces(7))."""
    return f"{path}/".startswith(above) and not path.startswith("/..")


def remove_groups(group: Group) -> None:
    """Remove a cgroup and all below it. Processes that have just been killed hold it for a moment."""
    from time import monotonic

    for directory in walk_up(group.directory):
        remove_directory(directory, monotonic() + _REMOVE_SECONDS)
