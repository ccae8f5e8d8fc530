"""The `mounts` of an OCI config.json → steps (runtime-spec config.md, Mounts; options as mount(8) names them)."""

from __future__ import annotations

from mydocker.kernel import mounts as k
from mydocker.runtime.destinations import check_destination
from mydocker.steps.nodes import MakeSymlink
from mydocker.steps.rootfs import AttachTree, MountInRoot, OpenTree, RemountReadOnly, other_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.cgroups.layout import ContainerMount
    from mydocker.steps.base import Step

# option: flags to set. The negative of each clears them.
_SET = {
    "ro": k.MS_RDONLY,
    "nosuid": k.MS_NOSUID,
    "nodev": k.MS_NODEV,
    "noexec": k.MS_NOEXEC,
    "sync": k.MS_SYNCHRONOUS,
    "dirsync": k.MS_DIRSYNC,
    "nosymfollow": k.MS_NOSYMFOLLOW,
    "noatime": k.MS_NOATIME,
    "nodiratime": k.MS_NODIRATIME,
    "relatime": k.MS_RELATIME,
    "strictatime": k.MS_STRICTATIME,
    "mand": k.MS_MANDLOCK,
    "silent": k.MS_SILENT,
    "bind": k.MS_BIND,
    "rbind": k.MS_BIND | k.MS_REC,
}
_CLEAR = {
    "rw": k.MS_RDONLY,
    "suid": k.MS_NOSUID,
    "dev": k.MS_NODEV,
    "exec": k.MS_NOEXEC,
    "async": k.MS_SYNCHRONOUS,
    "symfollow": k.MS_NOSYMFOLLOW,
    "atime": k.MS_NOATIME,
    "diratime": k.MS_NODIRATIME,
    "norelatime": k.MS_RELATIME,
    "nostrictatime": k.MS_STRICTATIME,
    "nomand": k.MS_MANDLOCK,
    "loud": k.MS_SILENT,
    "defaults": 0,
}
_PROPAGATION = {"private": k.MS_PRIVATE, "slave": k.MS_SLAVE, "shared": k.MS_SHARED, "unbindable": k.MS_UNBINDABLE}

# Descriptors of mounts that are opened early, kept open across the fork of init, start here.
FIRST_TREE = 200


class Options:
    """Mount options, parsed: flags of mount(2), propagation flags, and the data that only the file system knows."""

    __slots__ = ("flags", "propagation", "data")

    def __init__(self, words: list[str]) -> None:
        self.flags = self.propagation = 0
        data = []
        for word in words:
            if word in _SET:
                self.flags |= _SET[word]
            elif word in _CLEAR:
                self.flags &= ~_CLEAR[word]
            elif word in _PROPAGATION:
                self.propagation = _PROPAGATION[word]
            elif word[:1] == "r" and word[1:] in _PROPAGATION:
                self.propagation = _PROPAGATION[word[1:]] | k.MS_REC
            else:
                data.append(word)
        self.data = ",".join(data)


def shared_trees(mounts: list[dict[str, Any]]) -> list[Step]:
    """Return the steps that keep the sources of some binds open, before the namespace's mounts become slaves."""
    early = [mount for mount in mounts if _is_opened_early(mount)]
    return [OpenTree(mount["source"], FIRST_TREE + number) for number, mount in enumerate(early)]


def _is_opened_early(mount: dict[str, Any]) -> bool:
    """Say whether a bind is shared with the host, or of another process's mount namespace."""
    options = Options(mount.get("options", []))
    return bool(options.flags & k.MS_BIND) and bool(options.propagation & k.MS_SHARED or other_namespace(mount["source"])[0])


def mount_steps(root: str, mounts: list[dict[str, Any]]) -> list[Step]:
    """Return the steps for every mount but the cgroup ones, in the specification's order."""
    steps: list[Step] = []
    tree = FIRST_TREE
    for mount in mounts:
        check_destination(mount)
        if mount.get("type") == "cgroup":
            continue
        if _is_opened_early(mount):
            flags = Options(mount.get("options", [])).flags & ~(k.MS_BIND | k.MS_REC)
            steps.append(AttachTree(root, tree, mount["destination"], flags))
            tree += 1
        else:
            steps.append(_mount(root, mount))
    return steps


def _mount(root: str, mount: dict[str, Any]) -> Step:
    options = Options(mount.get("options", []))
    fstype = mount.get("type", "")
    if fstype == "bind" and not options.flags & k.MS_BIND:
        options.flags |= k.MS_BIND | k.MS_REC
    if options.flags & k.MS_BIND:
        fstype = ""
    return MountInRoot(root, mount.get("source", ""), mount["destination"], fstype, options.flags, options.data, options.propagation)


def cgroup_steps(root: str, mounts: list[dict[str, Any]], shown: list[ContainerMount], namespace: bool) -> list[Step]:
    """Return the steps for mounts of type cgroup: one cgroup2, or as docker a tmpfs with a directory per v1 hierarchy.

    They come after the process is in its cgroups and its cgroup namespace, which are what such a mount shows; without
    a namespace of its own (`namespace` False) the container's cgroups are bound instead.
    """
    steps: list[Step] = []
    for mount in mounts:
        if mount.get("type") == "cgroup" and shown:
            steps += _cgroup_mount(root, mount, shown, namespace)
    return steps


def _cgroup_mount(root: str, mount: dict[str, Any], shown: list[ContainerMount], namespace: bool) -> list[Step]:
    flags, target = Options(mount.get("options", [])).flags, mount["destination"]
    if not shown[0].directory:
        return [_hierarchy(root, shown[0], target, flags, namespace)]
    base = flags & ~k.MS_RDONLY
    steps: list[Step] = [MountInRoot(root, "cgroup", target, "tmpfs", base, "mode=755")]
    for hierarchy in shown:
        steps.append(_hierarchy(root, hierarchy, f"{target}/{hierarchy.directory}", flags, namespace))
        steps += [MakeSymlink(root, f"{target}/{link}", hierarchy.directory) for link in hierarchy.links]
    return steps + ([RemountReadOnly(root, target)] if flags & k.MS_RDONLY else [])


def _hierarchy(root: str, hierarchy: ContainerMount, target: str, flags: int, namespace: bool) -> Step:
    if namespace:
        return MountInRoot(root, "cgroup", target, hierarchy.fstype, flags, hierarchy.data)
    return MountInRoot(root, hierarchy.source, target, flags=flags | k.MS_BIND)
