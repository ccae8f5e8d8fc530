"""The shape of a bundle's config.json, with all fields that mydocker reads (runtime-spec config.md, config-linux.md).

The fields with a default are those that mydocker's own config.json always has. The others may be missing. The shape of linux.resources is
in cgroups/resources.py, and that of linux.seccomp in kernel/seccomp_object.py, in the packages that read them.
"""

from __future__ import annotations

from mydocker.cgroups.resources import RESOURCES
from mydocker.kernel.seccomp_object import SECCOMP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.cgroups.resources import Resources as Resources
    from mydocker.kernel.seccomp_object import Seccomp as Seccomp
    from mydocker.shape import Shape

    class User(TypedDict):
        """The object process.user. Its ids are numbers inside the container."""

        uid: int
        gid: int
        additionalGids: NotRequired[list[int]]
        umask: NotRequired[int]

    class ConsoleSize(TypedDict):
        """The object process.consoleSize, in characters."""

        height: int
        width: int

    class Rlimit(TypedDict):
        """One limit, for setrlimit(2)."""

        type: str
        soft: int
        hard: int

    class Scheduler(TypedDict):
        """The object process.scheduler, for sched_setattr(2)."""

        policy: str
        nice: int
        priority: int
        flags: list[str]
        runtime: int
        deadline: int
        period: int

    # This type is made by a call because one of its fields is called `class`.
    IoPriority = TypedDict("IoPriority", {"class": str, "priority": int})

    class Affinity(TypedDict, total=False):
        """The object process.execCPUAffinity: lists of CPUs, such as '0-3,7'."""

        initial: str
        final: str

    class Process(TypedDict):
        """A process of the container: the first one, or one more that exec starts."""

        terminal: bool
        consoleSize: NotRequired[ConsoleSize]
        user: User
        args: list[str]
        env: list[str]
        cwd: str
        capabilities: dict[str, list[str]]
        rlimits: list[Rlimit]
        noNewPrivileges: bool
        apparmorProfile: NotRequired[str]
        selinuxLabel: NotRequired[str]
        oomScoreAdj: NotRequired[int]
        scheduler: NotRequired[Scheduler]
        ioPriority: NotRequired[IoPriority]
        execCPUAffinity: NotRequired[Affinity]

    class IdMapping(TypedDict):
        """One line of uid_map or gid_map (user_namespaces(7))."""

        containerID: int
        hostID: int
        size: int

    class Mount(TypedDict):
        """One mount. Its options are those of mount(8)."""

        destination: str
        type: str
        source: str
        options: list[str]
        uidMappings: NotRequired[list[IdMapping]]
        gidMappings: NotRequired[list[IdMapping]]

    class Namespace(TypedDict):
        """A namespace to make or, with a path, to join."""

        type: str
        path: NotRequired[str]

    class TimeOffset(TypedDict):
        """How far one clock of a time namespace is set forward (time_namespaces(7))."""

        secs: int
        nanosecs: int

    class Device(TypedDict):
        """A device node, for mknod(2)."""

        path: str
        type: str
        major: NotRequired[int]
        minor: NotRequired[int]
        fileMode: NotRequired[int]
        uid: NotRequired[int]
        gid: NotRequired[int]

    class NetDevice(TypedDict, total=False):
        """A network device of the host that moves into the container."""

        name: str

    class MemoryPolicy(TypedDict):
        """The object linux.memoryPolicy, for set_mempolicy(2)."""

        mode: str
        nodes: str
        flags: list[str]

    class Personality(TypedDict):
        """The object linux.personality, for personality(2)."""

        domain: str
        flags: list[str]

    class Linux(TypedDict):
        """The object linux: what only containers on Linux have."""

        namespaces: list[Namespace]
        uidMappings: NotRequired[list[IdMapping]]
        gidMappings: NotRequired[list[IdMapping]]
        timeOffsets: NotRequired[dict[str, TimeOffset]]
        devices: list[Device]
        netDevices: NotRequired[dict[str, NetDevice]]
        cgroupsPath: str
        resources: Resources
        sysctl: dict[str, str]
        seccomp: NotRequired[Seccomp]
        rootfsPropagation: NotRequired[str]
        maskedPaths: list[str]
        readonlyPaths: list[str]
        mountLabel: NotRequired[str]
        memoryPolicy: NotRequired[MemoryPolicy]
        personality: NotRequired[Personality]
        intelRdt: NotRequired[object]

    class Root(TypedDict):
        """The root file system."""

        path: str
        readonly: bool

    class Hook(TypedDict):
        """A program that is run at one moment of the container's life, see hooks.py."""

        path: str
        args: list[str]
        env: NotRequired[list[str]]
        timeout: NotRequired[int]

    class Spec(TypedDict):
        """The whole config.json."""

        ociVersion: NotRequired[str]
        process: Process
        root: Root
        hostname: str
        domainname: str
        mounts: list[Mount]
        hooks: NotRequired[dict[str, list[Hook]]]
        annotations: dict[str, str]
        linux: Linux


USER: Shape = {"uid": ("natural", 0), "gid": ("natural", 0), "additionalGids": ["natural"], "umask": "natural"}
CONSOLE_SIZE: Shape = {"height!": "natural", "width!": "natural"}
RLIMIT: Shape = {"type!": "text", "soft!": "natural", "hard!": "natural"}
SCHEDULER: Shape = {
    "policy!": "text",
    "nice": ("number", 0),
    "priority": ("number", 0),
    "flags": (["text"], []),
    "runtime": ("natural", 0),  # nanoseconds, as the next two
    "deadline": ("natural", 0),
    "period": ("natural", 0),
}
IO_PRIORITY: Shape = {"class!": "text", "priority": ("number", 0)}
AFFINITY: Shape = {"initial": "text", "final": "text"}
PROCESS: Shape = {
    "terminal": ("truth", False),
    "consoleSize": CONSOLE_SIZE,
    "user": (USER, {}),
    "args": (["text"], []),
    "env": (["text"], []),
    "cwd": ("text", ""),
    "capabilities": ({"*": ["text"]}, {}),  # names by set: bounding, effective, permitted, inheritable, ambient
    "rlimits": ([RLIMIT], []),
    "noNewPrivileges": ("truth", False),
    "apparmorProfile": "text",
    "selinuxLabel": "text",
    "oomScoreAdj": "number",
    "scheduler": SCHEDULER,
    "ioPriority": IO_PRIORITY,
    "execCPUAffinity": AFFINITY,
}
ID_MAPPING: Shape = {"containerID!": "natural", "hostID!": "natural", "size!": "natural"}
MOUNT: Shape = {
    "destination!": "text",
    "type": ("text", ""),
    "source": ("text", ""),
    "options": (["text"], []),
    "uidMappings": [ID_MAPPING],
    "gidMappings": [ID_MAPPING],
}
NAMESPACE: Shape = {"type!": "text", "path": "text"}
TIME_OFFSET: Shape = {"secs": ("number", 0), "nanosecs": ("natural", 0)}
DEVICE: Shape = {
    "path!": "text",
    "type!": "text",
    "major": "number",
    "minor": "number",
    "fileMode": "natural",
    "uid": "natural",
    "gid": "natural",
}
NET_DEVICE: Shape = {"name": "text"}
MEMORY_POLICY: Shape = {"mode!": "text", "nodes": ("text", ""), "flags": (["text"], [])}
PERSONALITY: Shape = {"domain!": "text", "flags": (["text"], [])}
LINUX: Shape = {
    "namespaces": ([NAMESPACE], []),
    "uidMappings": [ID_MAPPING],
    "gidMappings": [ID_MAPPING],
    "timeOffsets": {"*": TIME_OFFSET},  # by clock
    "devices": ([DEVICE], []),
    "netDevices": {"*": NET_DEVICE},  # by the host's name
    "cgroupsPath": ("text", ""),
    "resources": (RESOURCES, {}),
    "sysctl": ({"*": "text"}, {}),
    "seccomp": SECCOMP,
    "rootfsPropagation": "text",
    "maskedPaths": (["text"], []),
    "readonlyPaths": (["text"], []),
    "mountLabel": "text",
    "memoryPolicy": MEMORY_POLICY,
    "personality": PERSONALITY,
    "intelRdt": "any",
}
ROOT: Shape = {"path": ("text", ""), "readonly": ("truth", False)}
HOOK: Shape = {"path!": "text", "args": (["text"], []), "env": ["text"], "timeout": "number"}  # seconds
SPEC: Shape = {
    "ociVersion": "text",
    "process": (PROCESS, {}),
    "root": (ROOT, {}),
    "hostname": ("text", ""),
    "domainname": ("text", ""),
    "mounts": ([MOUNT], []),
    "hooks": {"*": [HOOK]},  # by moment
    "annotations": ({"*": "text"}, {}),
    "linux": (LINUX, {}),
}
