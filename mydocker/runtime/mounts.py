"""The steps for the `mounts` of an OCI config.json (runtime-spec config.md, Mounts). The options are those of mount(8)."""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.kernel import mounts as k
from mydocker.runtime.destinations import check_destination, normalised
from mydocker.runtime.users import mappings
from mydocker.steps.covers import RemountReadOnly
from mydocker.steps.mounts import OPTION_NAMES, PROPAGATION_NAMES
from mydocker.steps.nodes import MakeSymlink
from mydocker.steps.rootfs import AttachTree, CopiedTmpfs, MountInRoot, OpenTree, SetAttributes, other_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import ContainerMount
    from mydocker.runtime.spec import Mount, Spec
    from mydocker.steps.base import Step

# Option → the flags that it sets. Below are the opposites, which clear these flags.
_SET = {
    **{name: flag for flag, name in OPTION_NAMES.items()},
    "lazytime": k.MS_LAZYTIME,
    "iversion": k.MS_I_VERSION,
    "mand": k.MS_MANDLOCK,
    "silent": k.MS_SILENT,
    "remount": k.MS_REMOUNT,
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
    "nolazytime": k.MS_LAZYTIME,
    "noiversion": k.MS_I_VERSION,
    "nomand": k.MS_MANDLOCK,
    "loud": k.MS_SILENT,
    "defaults": 0,
}
_PROPAGATION = {name: flag for flag, name in PROPAGATION_NAMES.items()}
# Flag → the attribute of mount_setattr(2) that the option's recursive form has, which reaches the mounts below too.
_ATTRIBUTES = {
    k.MS_RDONLY: k.MOUNT_ATTR_RDONLY,
    k.MS_NOSUID: k.MOUNT_ATTR_NOSUID,
    k.MS_NODEV: k.MOUNT_ATTR_NODEV,
    k.MS_NOEXEC: k.MOUNT_ATTR_NOEXEC,
    k.MS_NODIRATIME: k.MOUNT_ATTR_NODIRATIME,
    k.MS_NOSYMFOLLOW: k.MOUNT_ATTR_NOSYMFOLLOW,
    k.MS_RELATIME: k.MOUNT_ATTR_RELATIME,
    k.MS_NOATIME: k.MOUNT_ATTR_NOATIME,
    k.MS_STRICTATIME: k.MOUNT_ATTR_STRICTATIME,
}
# A recursive option → (whether it sets the attribute, the attribute).
_RECURSIVE = {
    "r" + name: (table is _SET, _ATTRIBUTES[flag]) for table in (_SET, _CLEAR) for name, flag in table.items() if flag in _ATTRIBUTES
}
_IDMAP = ("idmap", "ridmap")
OPTION_WORDS = sorted({*_SET, *_CLEAR, *_PROPAGATION, *("r" + name for name in _PROPAGATION), *_RECURSIVE, *_IDMAP, "tmpcopyup"})

# The first descriptor for mounts that are opened early and stay open across the fork of init.
FIRST_TREE = 200


class Options:
    """The options of one mount, parsed."""

    __slots__ = ("flags", "propagation", "attributes", "idmap", "copies_up", "data")

    def __init__(self, words: list[str]) -> None:
        # Of mount(2). The propagation is MS_PRIVATE or another of these, perhaps with MS_REC.
        self.flags = self.propagation = 0
        self.attributes = (0, 0)  # the recursive attributes: (those to set, those to clear)
        self.idmap = ""  # 'idmap', 'ridmap' or ''
        self.copies_up = "tmpcopyup" in words  # whether a tmpfs begins with a copy of what it covers
        data = []  # the options that only the file system knows
        for word in words:
            if word in _SET:
                self.flags |= _SET[word]
            elif word in _CLEAR:
                self.flags &= ~_CLEAR[word]
            elif word in _PROPAGATION:
                self.propagation = _PROPAGATION[word]
            elif word[:1] == "r" and word[1:] in _PROPAGATION:
                self.propagation = _PROPAGATION[word[1:]] | k.MS_REC
            elif word in _RECURSIVE:
                self._add_recursive(*_RECURSIVE[word])
            elif word in _IDMAP:
                self.idmap = word
            elif word != "tmpcopyup":
                data.append(word)
        self.data = ",".join(data)

    def _add_recursive(self, is_set: bool, attribute: int) -> None:
        to_set, to_clear = self.attributes
        # The access time is a field of several bits. mount_setattr(2) wants the whole field cleared, whatever is set.
        field = k.MOUNT_ATTR__ATIME if attribute & k.MOUNT_ATTR__ATIME or not attribute else attribute
        self.attributes = (to_set & ~field | (attribute if is_set else 0), to_clear | field)


def early_trees(spec: Spec, privileged: bool = True) -> list[Step]:
    """Return the steps that open the sources of some binds early, before the mounts of the namespace become slaves.

    privileged: whether the caller is the host's root. See opens_all_early().
    """
    early = opens_all_early(spec, privileged)
    found = [mount for mount in spec["mounts"] if _is_opened_early(mount, early)]
    return [_open_tree(spec, mount, FIRST_TREE + number) for number, mount in enumerate(found)]


def _open_tree(spec: Spec, mount: Mount, descriptor: int) -> Step:
    recursive = bool(bind_flags(mount) & k.MS_REC)
    if not _is_mapped(mount):
        return OpenTree(mount["source"], descriptor, recursive)
    from mydocker.steps.idmap import OpenMappedTree

    users, groups = mappings(mount if mount.get("uidMappings") else spec["linux"])
    if not users or not groups:
        raise BadInput(f"mount on {mount['destination']!r}: expected uidMappings and gidMappings, its own or the container's")
    return OpenMappedTree(mount["source"], descriptor, recursive, Options(mount["options"]).idmap == "ridmap", users, groups)


def _is_mapped(mount: Mount) -> bool:
    return bool(Options(mount["options"]).idmap or mount.get("uidMappings") or mount.get("gidMappings"))


def bind_flags(mount: Mount) -> int:
    """Return the flags of a mount. A mount of the type 'bind' without an option that says so gets MS_BIND and MS_REC."""
    flags = Options(mount["options"]).flags
    return flags | k.MS_BIND | k.MS_REC if mount["type"] == "bind" and not flags & k.MS_BIND else flags


def opens_all_early(spec: Spec, privileged: bool) -> bool:
    """Return whether every bind is opened early, by the host's root.

    With a user namespace that is needed: to the directories above a source, the root of the namespace may be nobody.

    privileged: whether the caller is the host's root. Another user may not do this, and reaches its own files without it.
    """
    return privileged and any(namespace["type"] == "user" for namespace in spec["linux"]["namespaces"])


def _is_opened_early(mount: Mount, all_early: bool) -> bool:
    """Return whether a mount is a bind that is opened early.

    Without all_early these are binds that are shared with the host, that come from another process's mount namespace, or that are idmapped.
    """
    if not bind_flags(mount) & k.MS_BIND:
        return False
    is_shared = Options(mount["options"]).propagation & k.MS_SHARED
    return all_early or bool(is_shared) or bool(other_namespace(mount["source"])[0]) or _is_mapped(mount)


def mount_steps(spec: Spec, root: str, all_early: bool, shown: list[ContainerMount] | None = None) -> list[Step]:
    """Return the steps for the mounts, in their order.

    Mounts of the type cgroup show the cgroups that the process is in. So they can be made only when it has entered them, and with them what
    lies above or below them. All others are made before, while the parent makes the cgroups.

    root: the path of the root file system.
    all_early: whether every bind was opened early, see opens_all_early().
    shown: what the container sees of each hierarchy, for the steps that need the cgroups; None for the others.

    Raises BadInput for a destination or an option that is not allowed.
    """
    steps: list[Step] = []
    tree = FIRST_TREE
    waiting = _waiting(spec["mounts"])
    own = any(namespace["type"] == "cgroup" for namespace in spec["linux"]["namespaces"])
    for mount in spec["mounts"]:
        check_destination(mount, bool(bind_flags(mount) & k.MS_BIND))
        options, target = Options(mount["options"]), mount["destination"]
        made: list[Step] = []
        if mount["type"] == "cgroup":
            made = _cgroup_mount(root, mount, shown, own) if shown else []
        elif _is_opened_early(mount, all_early):
            # A clone of a shared mount stays its peer, and that of another mount becomes shared.
            made.append(AttachTree(root, tree, target, options.flags & ~(k.MS_BIND | k.MS_REC), options.propagation))
            tree += 1
        else:
            made.append(_mount(root, mount, options, spec["linux"].get("mountLabel", "")))
        if options.attributes != (0, 0):
            made.append(SetAttributes(root, target, *options.attributes))
        steps += made if (normalised(target) in waiting) == (shown is not None) else []
    return steps


def _waiting(mounts: list[Mount]) -> list[str]:
    """Return the destinations of the mounts that wait for the cgroups, see mount_steps()."""
    found: list[str] = []
    for mount in mounts:
        path = normalised(mount["destination"])
        if mount["type"] == "cgroup" or any(_is_below(path, other) or _is_below(other, path) for other in found):
            found.append(path)
    return found


def _is_below(path: str, other: str) -> bool:
    return f"{path}/".startswith(f"{other.rstrip('/')}/")


def read_only_steps(root: str, mounts: list[Mount], shown: list[ContainerMount]) -> list[Step]:
    """Return the steps that make those mounts read-only in which mount points, devices or links had to be made before."""
    kinds = ("tmpfs", "cgroup") if shown and shown[0].directory else ("tmpfs",)
    last = {normalised(mount["destination"]): mount for mount in mounts}
    filled = {path: Options(mount["options"]) for path, mount in last.items() if mount["type"] in kinds}
    return [RemountReadOnly(root, path) for path, options in filled.items() if options.flags & k.MS_RDONLY]


def _mount(root: str, mount: Mount, options: Options, label: str) -> Step:
    target, flags, fstype, data = mount["destination"], bind_flags(mount), mount["type"], options.data
    if flags & k.MS_BIND:
        fstype = ""
    elif _is_mapped(mount):
        raise BadInput(f"mount on {target!r}: only a bind mount can be idmapped")
    elif label and fstype not in _UNLABELLED:
        data = ",".join([*([data] if data else []), f'context="{label}"'])
    flags &= ~k.MS_RDONLY if fstype == "tmpfs" else -1  # see read_only_steps()
    make = CopiedTmpfs if options.copies_up and fstype == "tmpfs" else MountInRoot
    return make(root, mount["source"], target, fstype, flags, data, options.propagation)


# File systems of the kernel, whose labels come from the policy.
_UNLABELLED = ("proc", "sysfs", "mqueue")


def _cgroup_mount(root: str, mount: Mount, shown: list[ContainerMount], namespace: bool) -> list[Step]:
    """Return the steps for a mount of the type cgroup: one cgroup2 or, with version 1, a tmpfs with a directory for each hierarchy.

    namespace: whether the container has a cgroup namespace. Without one, the source of each hierarchy is bound instead.
    """
    flags, target = Options(mount["options"]).flags, mount["destination"]
    if not shown[0].directory:
        return [_hierarchy(root, shown[0], target, flags, namespace)]
    steps: list[Step] = [MountInRoot(root, "cgroup", target, "tmpfs", flags & ~k.MS_RDONLY, "mode=755")]
    for hierarchy in shown:
        steps.append(_hierarchy(root, hierarchy, f"{target}/{hierarchy.directory}", flags, namespace))
        steps += [MakeSymlink(root, f"{target}/{link}", hierarchy.directory) for link in hierarchy.links]
    return steps


def _hierarchy(root: str, hierarchy: ContainerMount, target: str, flags: int, namespace: bool) -> Step:
    if namespace:
        return MountInRoot(root, "cgroup", target, hierarchy.fstype, flags, hierarchy.data)
    return MountInRoot(root, hierarchy.source, target, flags=flags | k.MS_BIND)
