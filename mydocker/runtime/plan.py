"""The plans of the process that becomes the container, made from an OCI config.json (runtime-spec config.md, config-linux.md).

    limits(spec)                what init inherits from the stage, if there is one
    early(spec, how)            still in the host's namespaces: what only the host's root may do
    isolate(spec)               namespaces, new and joined (the parent makes the time, pid and user namespaces, see launch.py)
    build(spec, root)           the root file system: mounts, /dev, host name
                                here init waits until its parent has connected its network
    close(spec, root, …)        mounts that show cgroups, masks, read-only paths, hooks, pivot_root
    confine(spec, user, …)      inside: directory, user, capabilities
    program(spec, home, …)      the last step: seccomp, and the program is executed

All are pure functions. Their steps need no undo, because their effects end with the process.
"""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.kernel import mounts as k
from mydocker.kernel.capabilities import NUMBERS
from mydocker.kernel.namespaces import CLONE_NEWCGROUP, NAMESPACES
from mydocker.kernel.seccomp import notifies
from mydocker.runtime.destinations import normalised
from mydocker.runtime.hooks import hooks
from mydocker.runtime.mounts import Options, bind_flags, mount_steps, opens_all_early, read_only_steps
from mydocker.runtime.seccomp import flags_for
from mydocker.runtime.users import keeps_groups, mappings
from mydocker.steps.confinement import (
    CarrySysAdmin,
    DropBoundingSet,
    LoadSeccomp,
    SetCapabilities,
    SetKeepCapabilities,
    SetNoNewPrivileges,
    apparmor_exec,
    selinux_exec,
)
from mydocker.steps.covers import MakeReadOnly, MaskPath, RemountReadOnly
from mydocker.steps.files import EnterDirectory, WriteFile
from mydocker.steps.idmap import map_text
from mydocker.steps.mounts import Mount
from mydocker.steps.namespaces import BringUpLoopback, JoinNamespace, SetDomainname, SetHostname, SetSysctl, Unshare
from mydocker.steps.nodes import MakeDirInRoot, MakeNode, MakeSymlink
from mydocker.steps.pivot import MoveRoot, PivotRoot
from mydocker.steps.process import (
    ChangeDirectory,
    CloseOnExec,
    Exec,
    NewSession,
    NewSessionKeyring,
    ResetSignals,
    SetRlimit,
    SetUmask,
    SetUser,
)
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import ContainerMount
    from mydocker.kernel.channel import Channel
    from mydocker.messages import State
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Step

# The source is runtime-spec config-linux.md, Default Devices. The console is made from the pty, see console.py.
_DEFAULT_DEVICES = (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0))
_DEVICE_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
)
# The namespaces that unshare(2) and setns(2) give only to the children that are forked afterwards.
OF_CHILDREN = ("time", "pid")


class How(Value):
    """What a caller may ask for that config.json cannot say."""

    preserved: int = 0  # how many descriptors from 3 on stay open
    pivot: bool = True  # whether to call pivot_root; False moves the root instead, because an initramfs cannot be pivoted
    keyring: bool = True  # whether the process gets a session keyring of its own; False stays in the caller's
    gate: tuple[int, int] | None = None  # the descriptors (report, gate) of a start in two halves, see gate.py
    privileged: bool = True  # whether the caller is the host's root


USUAL = How()


def namespaces(spec: Spec) -> dict[str, str]:
    """Return {type of namespace: path of the one to join, or '' for a new one}. Raises BadInput for a type that Linux does not have."""
    found = {}
    for namespace in spec["linux"]["namespaces"]:
        if namespace["type"] not in NAMESPACES:
            raise BadInput(f"unknown namespace type {namespace['type']!r}: expected one of {', '.join(NAMESPACES)}")
        found[namespace["type"]] = namespace.get("path", "")
    return found


def enter(kind: str, path: str) -> Step:
    """Return the step that enters a namespace.

    kind: the type of the namespace.
    path: the path of the namespace to join, or '' for a new one.
    """
    return JoinNamespace(path, kind) if path else Unshare(NAMESPACES[kind][1])


def id_maps(spec: Spec, pid: int | str, privileged: bool = True) -> list[Step]:
    """Return the steps that map the users and groups of a new user namespace, or none if the container has no new one.

    pid: a process in the user namespace.
    privileged: whether the caller is the host's root. Other users map their ids by newuidmap(1) and newgidmap(1).
    """
    if namespaces(spec).get("user") != "":
        return []
    users, groups = mappings(spec["linux"])
    if not privileged:
        from mydocker.steps.newidmap import own_id_maps

        return own_id_maps(pid, users, groups)
    return [WriteFile(f"/proc/{pid}/uid_map", map_text(users)), WriteFile(f"/proc/{pid}/gid_map", map_text(groups))]


def root_of(spec: Spec, root: str) -> str:
    """Return the path by which init finds its root file system.

    The directories above the root file system may be open to the host's root only. In a user namespace init may be nobody to them. So
    there the path begins at the working directory, which EnterDirectory has made the parent of the root file system.
    """
    return f"/proc/self/cwd/{root.rpartition('/')[2]}" if "user" in namespaces(spec) and root != "/" else root


def user_namespace(spec: Spec, root: str = "/") -> list[Step]:
    """Return the steps by which the stage enters the user namespace, or none if there is none.

    If the namespace is new, the parent maps its ids afterwards.
    """
    wanted = namespaces(spec)
    if "user" not in wanted:
        return []
    return [*([EnterDirectory(root.rpartition("/")[0])] if root != "/" else []), enter("user", wanted["user"])]


def of_children(spec: Spec) -> list[Step]:
    """Return the steps into the namespaces that only later children are in: time and pid."""
    wanted = namespaces(spec)
    steps = [enter(kind, wanted[kind]) for kind in OF_CHILDREN if kind in wanted]
    offsets = spec["linux"].get("timeOffsets", {})
    if offsets and wanted.get("time") != "":
        raise BadInput("timeOffsets: expected a new time namespace")
    if offsets:
        lines = [f"{clock} {value['secs']} {value['nanosecs']}" for clock, value in offsets.items()]
        steps.insert(1, WriteFile("/proc/self/timens_offsets", "\n".join(lines)))
    return steps


def limits(spec: Spec) -> list[Step]:
    """Return the steps that nobody in a user namespace may do. They are the stage's if there is one, and otherwise init's."""
    process = spec["process"]
    score = [WriteFile("/proc/self/oom_score_adj", str(process["oomScoreAdj"]))] if "oomScoreAdj" in process else []
    return [*score, *(SetRlimit(limit["type"], limit["soft"], limit["hard"]) for limit in process["rlimits"])]


def early(spec: Spec, how: How = USUAL) -> list[Step]:
    """Return the steps that init executes first, while it is still in the host's namespaces."""
    process = spec["process"]
    steps: list[Step] = [CloseOnExec(how.preserved), NewSession()]
    if how.keyring:
        steps.append(NewSessionKeyring("_ses." + spec["hostname"][:64]))
    if process.get("apparmorProfile"):
        steps.append(apparmor_exec(process["apparmorProfile"]))
    if process.get("selinuxLabel"):
        steps.append(selinux_exec(process["selinuxLabel"]))
    if {"scheduler", "ioPriority"} & process.keys() or {"memoryPolicy", "personality"} & spec["linux"].keys():
        from mydocker.runtime import scheduling

        steps += scheduling.steps(spec)
    return steps


def isolate(spec: Spec) -> list[Step]:
    """Return the steps into the namespaces, except those that the parent has made, and except a new cgroup namespace, which comes later."""
    wanted = {kind: path for kind, path in namespaces(spec).items() if kind not in ("user", *OF_CHILDREN)}
    joins: list[Step] = [JoinNamespace(path, kind) for kind, path in wanted.items() if path]
    new = sum(NAMESPACES[kind][1] for kind, path in wanted.items() if not path and kind != "cgroup")
    loopback: list[Step] = [BringUpLoopback()] if wanted.get("network") == "" else []
    return joins + ([Unshare(new)] if new else []) + loopback


def build(spec: Spec, root: str, how: How = USUAL) -> list[Step]:
    """Return the steps that make the root file system of the container, except the mounts that wait for its cgroups."""
    steps: list[Step] = [
        # Private mounts would cut off volumes that are slaves of the host's mounts. Below shared mounts pivot_root is refused.
        Mount("", "/", flags=k.MS_SLAVE | k.MS_REC),
        Mount(root, root, flags=k.MS_BIND | k.MS_REC),
        Mount("", root, flags=k.MS_PRIVATE),
        *mount_steps(spec, root, opens_all_early(spec, how.privileged)),
        *_devices(root, spec),
    ]
    if spec["hostname"]:
        steps.append(SetHostname(spec["hostname"]))
    if spec["domainname"]:
        steps.append(SetDomainname(spec["domainname"]))
    return steps + [SetSysctl(key, value) for key, value in spec["linux"]["sysctl"].items()]


def _devices(root: str, spec: Spec) -> list[Step]:
    if any(normalised(mount["destination"]) == "/dev" and bind_flags(mount) & k.MS_BIND for mount in spec["mounts"]):
        return []  # The directory belongs to the host, or to another container.
    nodes: dict[str, Step] = {
        f"/dev/{name}": MakeNode(root, f"/dev/{name}", "c", (major, minor)) for name, major, minor in _DEFAULT_DEVICES
    }
    for device in spec["linux"]["devices"]:
        number = (device.get("major", 0), device.get("minor", 0))
        owner = (device.get("uid", 0), device.get("gid", 0))
        nodes[device["path"]] = MakeNode(root, device["path"], device["type"], number, device.get("fileMode", 0o666), owner)
    return [*nodes.values(), *(MakeSymlink(root, f"/dev/{name}", target) for name, target in _DEVICE_LINKS)]


def close(
    spec: Spec, root: str, shown: list[ContainerMount], console: list[Step], how: How = USUAL, state: State | None = None
) -> list[Step]:
    """Return the steps that finish the root. They begin when init is connected, and end with the container's root as /.

    shown: what the container sees of each hierarchy of cgroups.
    console: the steps that open the terminal.
    state: the container's state, for the hooks.
    """
    linux = spec["linux"]
    steps: list[Step] = [Unshare(CLONE_NEWCGROUP)] if namespaces(spec).get("cgroup") == "" else []
    steps += mount_steps(spec, root, opens_all_early(spec, how.privileged), shown)
    steps += console
    steps += [MakeReadOnly(root, path) for path in linux["readonlyPaths"]]
    steps += [MaskPath(root, path) for path in linux["maskedPaths"]]
    steps.append(MakeDirInRoot(root, spec["process"]["cwd"]))
    steps += read_only_steps(root, spec["mounts"], shown)
    if spec["root"]["readonly"]:
        steps.append(RemountReadOnly(root, "/"))
    steps += hooks(spec, "createContainer", state or {}, root)
    steps.append(PivotRoot(root) if how.pivot else MoveRoot(root))
    if linux.get("rootfsPropagation"):
        flags = Options([linux["rootfsPropagation"]]).propagation
        if not flags:
            raise BadInput(f"invalid rootfsPropagation {linux['rootfsPropagation']!r}: expected private, slave, shared or unbindable")
        steps.append(Mount("", "/", flags=flags))
    return steps


def confine(
    spec: Spec, uid: int, gid: int, groups: list[int], seccomp: bytes | None, channel: Channel | None = None
) -> tuple[list[Step], LoadSeccomp | None]:
    """Return the steps between the new root and the program, and the filter that is loaded right before the program, or None.

    After the steps the process has what config.json allows, and no more. steps/confinement.py says which filters are loaded before.

    groups: the supplementary groups.
    seccomp: the compiled filter, or None.
    channel: where a listener of the filter goes, or None in a plan that is only described.
    """
    process = spec["process"]
    no_new_privileges = process["noNewPrivileges"]
    labelled = (process.get("apparmorProfile") or process.get("selinuxLabel")) and not no_new_privileges
    early = seccomp and (notifies(spec["linux"]["seccomp"]) or labelled or spec.get("hooks", {}).get("startContainer"))
    carried = bool(seccomp and not early and not no_new_privileges)
    sets = {kind: [name for name in names if name in NUMBERS] for kind, names in process["capabilities"].items()}
    last = SetCapabilities.from_oci(sets, carried)
    load = LoadSeccomp(seccomp, flags_for(spec["linux"]["seccomp"]), channel, last) if seccomp else None
    at_once: list[Step] = [load] if load and early else []
    steps = [
        ChangeDirectory(process["cwd"]),
        SetUmask(process["user"].get("umask", 0o022)),
        ResetSignals(),
        *([] if no_new_privileges else at_once),
        *([CarrySysAdmin()] if carried else []),
        DropBoundingSet(sets.get("bounding", [])),
        SetKeepCapabilities(),
        SetUser(uid, gid, groups, keeps_groups(spec)),
        last,
        *([SetNoNewPrivileges(), *at_once] if no_new_privileges else []),
    ]
    return steps, None if early else load


def program(spec: Spec, home: str, load: LoadSeccomp | None, report: int = -1, gate: int = -1) -> Exec:
    """Return the last step, which executes the program.

    home: the value of HOME, unless config.json gives it one.
    load: the filter that is loaded right before, or None.
    report, gate: as kernel/trampoline.py takes them.
    """
    environment = [pair for pair in spec["process"]["env"] if pair != "HOME="]
    if not any(pair.startswith("HOME=") for pair in environment):
        environment = [*environment, f"HOME={home}"]
    return Exec(spec["process"]["args"], environment, report, gate, load)
