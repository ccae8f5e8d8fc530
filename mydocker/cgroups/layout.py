"""Finding the cgroup hierarchies of this machine: where each is mounted, and which controllers it has.

Nothing is assumed about names under /sys/fs/cgroup. mountinfo says where a hierarchy is mounted. /proc/self/cgroup says which of
the mount's options are controllers, and where this process is. Sources: cgroups(7), cgroup_namespaces(7), proc(5).
"""

from __future__ import annotations

from errno import ENOENT

from mydocker.kernel.files import content
from mydocker.kernel.mounts import MountEntry, mountinfo
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths


# What to add to a message about these controllers, because /proc/cgroups does not say that a kernel has them in version 2 only.
# There are such kernels from Linux 6.11 (memory) and 6.12 (cpuset) on.
_V2_ONLY = {
    name: f" (a kernel without {option} has it in cgroup version 2 only)"
    for name, option in (("memory", "CONFIG_MEMCG_V1"), ("cpuset", "CONFIG_CPUSETS_V1"))
}


class Hierarchy(Value):
    """One hierarchy that is mounted."""

    version: int  # 1 or 2
    mount: str  # its mount point
    controllers: tuple[str, ...] = ()  # their names, as the kernel lists them
    name: str = ""  # of a version 1 hierarchy without controllers, such as 'systemd'; else ''
    root: str = "/"  # the cgroup that the mount point shows: '/', except inside a container
    own: str = "/"  # this process's cgroup, from the mount point
    readonly: bool = False  # whether it is mounted so that nothing can be made in it

    @property
    def title(self) -> str:
        """The hierarchy's name: version 1's as mount(8) takes it ('cpu,cpuacct', 'name=systemd'), and 'unified' for version 2."""
        if self.version == 2:
            return "unified"
        return ",".join(self.controllers) or f"name={self.name}"


class ContainerMount(Value):
    """What a container sees of one hierarchy in its /sys/fs/cgroup."""

    directory: str  # the name under /sys/fs/cgroup, or '' for /sys/fs/cgroup itself (version 2)
    source: str  # the host's directory that is bound there, if the container has no cgroup namespace of its own
    fstype: str  # the file system that is mounted there, if the container has a cgroup namespace of its own
    data: str  # the options of that mount
    links: tuple[str, ...]  # names of symlinks to `directory`


class Layout:
    """The hierarchies of a machine, and its mode: 'v1', 'v2', 'hybrid' (both are mounted) or 'none'."""

    __slots__ = ("hierarchies", "proc", "_compiled_in")

    def __init__(self, hierarchies: list[Hierarchy], proc: str = "/proc") -> None:
        self.hierarchies = hierarchies
        self.proc = proc
        # The lines of PROC/cgroups, or None before they are first asked for. They are kept, as a list of containers asks for each of them.
        self._compiled_in: list[str] | None = None

    @classmethod
    def detect(cls, paths: Paths) -> Layout:
        """Return this machine's layout, read from PROC/self/mountinfo, PROC/self/cgroup and version 2's cgroup.controllers."""
        positions = read_positions(paths.proc)
        found: dict[str, Hierarchy] = {}
        for entry in visible(mountinfo(paths.proc), paths.cgroup):
            hierarchy = read_hierarchy(entry, positions)
            found.setdefault(hierarchy.title, hierarchy)
        return cls(list(found.values()), paths.proc)

    @property
    def mode(self) -> str:
        versions = {hierarchy.version for hierarchy in self.hierarchies}
        return {frozenset(): "none", frozenset((1,)): "v1", frozenset((2,)): "v2"}.get(frozenset(versions), "hybrid")

    @property
    def unified(self) -> Hierarchy | None:
        """The version 2 hierarchy, or None. A hybrid machine has one too."""
        return next((hierarchy for hierarchy in self.hierarchies if hierarchy.version == 2), None)

    def find(self, controller: str) -> Hierarchy | None:
        """Return the hierarchy that has a controller, or None."""
        return next((hierarchy for hierarchy in self.hierarchies if controller in hierarchy.controllers), None)

    def absence(self, controller: str) -> str:
        """Return the words that say why a controller is missing.

        It is switched off, not in this kernel, not mounted, or (in version 2) not passed down to this cgroup.
        """
        if self.mode == "v2" and self.unified:
            return f"is not in {self.unified.mount}/cgroup.controllers"
        if self._compiled_in is None:
            self._compiled_in = read_lines(f"{self.proc}/cgroups")
        for line in self._compiled_in:
            words = line.split()
            if words[0] == controller and words[3] != "1":
                return "is switched off on the kernel's command line"
            if words[0] == controller:
                return f"is not mounted{_V2_ONLY.get(controller, '')}"
        return "is not in this kernel"

    def container_mounts(self, path: str) -> list[ContainerMount]:
        """Return what a container gets in its /sys/fs/cgroup.

        path: the container's cgroup.

        It gets what docker gives it: version 2 if that is the only one, else each version 1 hierarchy. On a hybrid machine it
        also gets the unified one, if that has controllers, because a kernel may have memory and cpuset in version 2 only.

        A container without a cgroup namespace of its own sees the whole of version 2, because its /proc/self/cgroup then counts
        from there. Of other hierarchies it sees its own part.
        """
        if self.mode == "v2":
            return [
                ContainerMount(directory="", source=hierarchy.mount, fstype="cgroup2", data="", links=()) for hierarchy in self.hierarchies
            ]
        return [container_mount(each, path) for each in self.hierarchies if each.version == 1 or each.controllers]


def container_mount(hierarchy: Hierarchy, path: str) -> ContainerMount:
    """Return what a container sees of one of several hierarchies.

    It is a directory such as 'cpu,cpuacct', with links 'cpu' and 'cpuacct', or the directory 'unified'.
    """
    if hierarchy.version == 2:
        return ContainerMount(directory="unified", source=hierarchy.mount + path, fstype="cgroup2", data="", links=())
    names = hierarchy.controllers or (hierarchy.name,)
    data = hierarchy.title if hierarchy.controllers else f"none,name={hierarchy.name}"
    links = names if len(names) > 1 else ()
    return ContainerMount(directory=",".join(names), source=hierarchy.mount + path, fstype="cgroup", data=data, links=links)


def visible(entries: list[MountEntry], preferred: str) -> list[MountEntry]:
    """Return the mounts of cgroup file systems that no later mount covers. Those under the directory `preferred` come first."""
    by_target = {entry.target: entry for entry in entries}
    cgroups = [entry for entry in by_target.values() if entry.fstype in ("cgroup", "cgroup2")]
    return sorted(cgroups, key=lambda entry: not inside(entry.target, preferred))


def inside(path: str, directory: str) -> bool:
    """Say whether a path is a directory or lies in it."""
    return (path + "/").startswith(directory.rstrip("/") + "/")


def read_positions(proc: str, process: int | str = "self") -> dict[str, str]:
    """Return a process's cgroups by hierarchy, such as {'cpu,cpuacct': '/a', 'name=systemd': '/b', '': '/c'}. '' is version 2."""
    lines = (line.split(":", 2) for line in read_lines(f"{proc}/{process}/cgroup"))
    return {title: path for _, title, path in lines}


def read_hierarchy(entry: MountEntry, positions: dict[str, str]) -> Hierarchy:
    """Return the hierarchy that a mount shows. `positions` is what read_positions() returned."""
    readonly = "ro" in entry.options or "ro" in entry.super_options
    if entry.fstype == "cgroup2":
        controllers = tuple(" ".join(read_lines(f"{entry.target}/cgroup.controllers")).split())
        own = relative(positions.get("", "/"), entry.root)
        return Hierarchy(version=2, mount=entry.target, controllers=controllers, name="", root=entry.root, own=own, readonly=readonly)
    title = next((title for title in positions if title and set(title.split(",")) <= set(entry.super_options)), "")
    own = relative(positions.get(title, "/"), entry.root)
    name = title.removeprefix("name=") if title.startswith("name=") else ""
    controllers = () if name or not title else tuple(title.split(","))
    return Hierarchy(
        version=1,
        mount=entry.target,
        controllers=controllers,
        name=name or ("" if controllers else "unknown"),
        root=entry.root,
        own=own,
        readonly=readonly,
    )


def relative(cgroup: str, root: str) -> str:
    """Return a cgroup's path below a mount that shows the cgroup `root`, or '/' if the mount does not show it."""
    if inside(cgroup, root):
        return "/" + cgroup.removeprefix(root.rstrip("/")).lstrip("/")
    return "/"


def read_lines(path: str) -> list[str]:
    """Return the lines of a small kernel file without comments. There are none if the file does not exist."""
    return [line for line in content(path, ENOENT).splitlines() if not line.startswith("#")]
