"""`inspect --tree`: a container as the kernel has it: layers, namespaces, mounts, cgroups, links. No record is believed."""

from __future__ import annotations

import os

from mydocker.cgroups.group import Group
from mydocker.cgroups.layout import Layout
from mydocker.engine.record import containers, state
from mydocker.engine.record.sizes import WRITABLE
from mydocker.engine.view.layertree import changes_below, layer_node
from mydocker.engine.view.tree import Node, indented, some
from mydocker.kernel import tasks
from mydocker.kernel.mounts import MountEntry, mountinfo
from mydocker.kernel.namespaces import NAMESPACES, Inside
from mydocker.kernel.route import Route
from mydocker.storage.drivers import driver
from mydocker.storage.whiteouts import FORMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Hierarchy
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

    Sight = dict[str, list[str]]  # the lines of each kind of thing

# The files of a cgroup that say what is limited or used, of both versions.
_FILES = (
    *("memory.limit_in_bytes", "memory.max", "memory.usage_in_bytes", "memory.current", "pids.max", "pids.current"),
    *("cpu.max", "cpu.weight", "cpu.shares", "cpu.cfs_quota_us", "cpuset.cpus", "cpuset.cpus.effective"),
    *("devices.list", "freezer.state", "cgroup.freeze"),
)
_MOST_VALUE = 60


def container_tree(paths: Paths, record: Record) -> Node:
    """Return a container as a tree. Of one that does not run there are only layers."""
    pid = state.running_pid(paths, record["id"])
    name = f"{record['name']}  {record['id'][:12]}"
    layers = _layers(paths, record)
    stopped = Node(words=f"{name}  (does not run: the kernel knows nothing of it)", below=(layers,))
    if not pid:
        return stopped
    try:
        parts = (layers, _namespaces(paths, record, pid), _mounts(paths, pid), _cgroups(paths, pid), _links(paths, record, pid))
    except OSError:
        if tasks.is_ending(pid, paths.proc):
            return stopped  # it has ended meanwhile
        raise
    return Node(words=f"{name}  pid {pid}", below=parts)


def process_view(paths: Paths, pid: int | str) -> Sight:
    """Return what the kernel has of one process, of any: the lines of its namespaces, mounts, cgroups with their files, and links.

    pid: as the host sees it, or "self"
    """
    namespaces = [f"{kind}  {_inode(f'{paths.proc}/{pid}/ns/{file}')}" for kind, (file, _) in NAMESPACES.items()]
    with Inside(f"{paths.proc}/{pid}/ns/net"):
        links = [each.words for each in _own_links()]
    return {
        "namespaces": namespaces,
        "mounts": indented(_mounts(paths, pid)),
        "cgroups": indented(_cgroups(paths, pid)),
        "links": links,
    }


def _layers(paths: Paths, record: Record) -> Node:
    storage, chains = record["storageDriver"], record["layers"]
    writable = f"{paths.container(record['id'])}/{WRITABLE[storage]}"
    lower = [driver(storage, paths).layer(each) for each in chains]
    top = changes_below(FORMS[storage], writable, lower) if storage != "vfs" and os.path.isdir(writable) else ()
    nodes = [layer_node(paths, chains[number:], storage) for number in range(len(chains))]
    return Node(words=f"layers, by {storage}", below=(Node(words=f"writable  {writable}", below=top), *nodes))


def _namespaces(paths: Paths, record: Record, pid: int) -> Node:
    others = _others(paths, record)
    found = []
    for kind, (file, _) in NAMESPACES.items():
        number = _inode(f"{paths.proc}/{pid}/ns/{file}")
        if number:
            shared = [name for name, process in others if _inode(f"{paths.proc}/{process}/ns/{file}") == number]
            found.append(Node(words=f"{kind}  {number}  {'shared with ' + some(shared) if shared else 'its own'}"))
    return Node(words="namespaces", below=tuple(found))


def _others(paths: Paths, record: Record) -> list[tuple[str, int | str]]:
    """Return (name, pid) of the host and of the other containers that run."""
    every = ((each["name"], state.running_pid(paths, each["id"])) for each in containers.every(paths) if each["id"] != record["id"])
    return [("the host", "self"), *((name, pid) for name, pid in every if pid)]


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0  # this kernel has no such namespaces


def _mounts(paths: Paths, pid: int | str) -> Node:
    entries = sorted(mountinfo(paths.proc, pid), key=lambda entry: entry.target)
    return Node(words="mounts", below=tuple(Node(words=_mount(entry)) for entry in entries))


def _mount(entry: MountEntry) -> str:
    root = f" (its {entry.root})" if entry.root not in ("/", entry.target) else ""
    propagation = " ".join(entry.optional) or "private"
    return f"{entry.target}  {entry.fstype}{root}  {'ro' if 'ro' in entry.options else 'rw'}  {propagation}"


def _cgroups(paths: Paths, pid: int | str) -> Node:
    with open(f"{paths.proc}/{pid}/cgroup") as file:
        lines = file.read().splitlines()
    nodes = []
    for hierarchy in Layout.detect(paths).hierarchies:
        group = Group(hierarchy, cgroup_of(lines, hierarchy))
        values = [(name, group.read(name)) for name in _FILES]
        below = tuple(Node(words=f"{name}  {_short(value)}") for name, value in values if value)
        nodes.append(Node(words=f"{hierarchy.title}  {group.directory}", below=below))
    return Node(words="cgroups", below=tuple(nodes))


def cgroup_of(lines: list[str], hierarchy: Hierarchy) -> str:
    """Return a process's cgroup in a hierarchy, from the hierarchy's mount point. lines: of PROC/PID/cgroup (cgroups(7))"""
    for line in lines:
        number, names, path = line.split(":", 2)
        is_its = number == "0" if hierarchy.version == 2 else {*names.split(",")} == {*hierarchy.title.split(",")}
        if is_its:
            return path.removeprefix(hierarchy.root) if hierarchy.root != "/" else path
    return "/"


def _short(value: str) -> str:
    words = ", ".join(value.split("\n"))
    return words if len(words) <= _MOST_VALUE else words[: _MOST_VALUE - 1] + "…"


def _links(paths: Paths, record: Record, pid: int) -> Node:
    if _inode(f"{paths.proc}/{pid}/ns/net") == _inode(f"{paths.proc}/self/ns/net"):
        return Node(words="links: those of the host")
    with Inside(f"{paths.proc}/{pid}/ns/net"):
        nodes = _own_links()
    return Node(words="links", below=(*nodes, *_other_ends(record)))


def _own_links() -> list[Node]:
    """Return the links of this process's network namespace with their addresses."""
    with Route() as route:
        links, addresses = list(route.links()), list(route.addresses())
    nodes = []
    for link in links:
        own = [f"{address}/{prefix}" for index, address, prefix in addresses if index == link["index"]]
        words = [link["name"], link["kind"], "up" if link["up"] else "down", *own]
        nodes.append(Node(words="  ".join(filter(None, words))))
    return nodes


def _other_ends(record: Record) -> tuple[Node, ...]:
    """Return the ends of the container's veth pairs on the host, each with the bridge that it is a port of."""
    with Route() as route:
        links = {link["index"]: link for link in route.links()}
    ends = [link for link in links.values() if link["name"].startswith(f"md{record['id'][:9]}.")]
    bridges = [links[end["master"]]["name"] if end["master"] in links else "no bridge" for end in ends]
    return tuple(Node(words=f"on the host: {end['name']}, a port of {bridge}") for end, bridge in zip(ends, bridges, strict=True))
