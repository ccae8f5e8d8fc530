"""The verb features: it tells what this runtime implements (runtime-spec features.md) and what of that this host cannot do."""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.cgroups.layout import Layout
from mydocker.errors import Unsupported
from mydocker.kernel import libseccomp
from mydocker.kernel.capabilities import NUMBERS
from mydocker.kernel.namespaces import NAMESPACES
from mydocker.kernel.scheduling import MEMORY_FLAGS, MEMORY_MODES
from mydocker.kernel.seccomp_rules import ACTIONS, ARCHITECTURES, OPERATORS
from mydocker.oci import systemd
from mydocker.oci.arguments import Flags
from mydocker.oci.verbs import SPECIFICATION
from mydocker.paths import Paths
from mydocker.runtime.hooks import STATUS
from mydocker.runtime.mounts import OPTION_WORDS
from mydocker.runtime.seccomp import FLAGS
from mydocker.steps.confinement import apparmor_enabled, selinux_enabled
from mydocker.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.oci.arguments import Arguments
    from mydocker.oci.settings import Settings

    class Enabled(TypedDict):
        """An object that says whether a feature is implemented."""

        enabled: bool

    class SeccompFeatures(Enabled):
        """What linux.seccomp may name."""

        actions: list[str]
        operators: list[str]
        archs: list[str]
        knownFlags: list[str]
        supportedFlags: list[str]

    class MemoryPolicyFeatures(TypedDict):
        """What linux.memoryPolicy may name."""

        modes: list[str]
        flags: list[str]

    class LinuxFeatures(TypedDict):
        """What `linux` may have."""

        namespaces: list[str]
        capabilities: list[str]
        cgroup: dict[str, bool]
        seccomp: SeccompFeatures
        apparmor: Enabled
        selinux: Enabled
        memoryPolicy: MemoryPolicyFeatures
        intelRdt: Enabled
        mountExtensions: dict[str, Enabled]
        netDevices: Enabled

    class Features(TypedDict):
        """The features document."""

        ociVersionMin: str
        ociVersionMax: str
        hooks: list[str]
        mountOptions: list[str]
        linux: LinuxFeatures
        annotations: dict[str, str]
        potentiallyUnsafeConfigAnnotations: list[str]


NONE = Flags()
_CONTROLLERS = ("memory", "cpu", "cpuset", "pids", "blkio", "hugetlb", "rdma", "devices", "net_cls", "net_prio")


def features(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci features`: print the features document as JSON."""
    print(leanjson.compact(document(settings.paths)))
    return 0


def document(paths: Paths) -> Features:
    """Return the features document. Its annotation mydocker.unavailable names what this kernel or host lacks."""
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": SPECIFICATION,
        "hooks": list(STATUS),
        "mountOptions": OPTION_WORDS,
        "linux": {
            "namespaces": list(NAMESPACES),
            "capabilities": list(NUMBERS),
            "cgroup": {"v1": True, "v2": True, "systemd": True, "systemdUser": False, "rdma": True},
            "seccomp": {
                "enabled": True,
                "actions": sorted(ACTIONS),
                "operators": list(OPERATORS),
                "archs": sorted(ARCHITECTURES),
                "knownFlags": list(FLAGS),
                "supportedFlags": list(FLAGS),
            },
            "apparmor": {"enabled": True},
            "selinux": {"enabled": True},
            "memoryPolicy": {"modes": list(MEMORY_MODES), "flags": list(MEMORY_FLAGS)},
            "intelRdt": {"enabled": False},
            "mountExtensions": {"idmap": {"enabled": True}},
            "netDevices": {"enabled": True},
        },
        "annotations": {"mydocker.version": VERSION, "mydocker.unavailable": ",".join(unavailable(paths)), **_libseccomp()},
        "potentiallyUnsafeConfigAnnotations": [],
    }


def _libseccomp() -> dict[str, str]:
    """Return the annotation that tells libseccomp's version, or nothing if the library is missing. The name is runc's."""
    try:
        return {"io.github.seccomp.libseccomp.version": libseccomp.version()}
    except Unsupported:
        return {}


def unavailable(paths: Paths) -> list[str]:
    """Return the names, as config.json has them, of what this runtime implements but this host cannot do."""
    layout = Layout.detect(paths)
    lacking = [f"namespace.{kind}" for kind, (file, _) in NAMESPACES.items() if not os.path.exists(f"{paths.proc}/self/ns/{file}")]
    lacking += [f"cgroup.{name}" for name in _CONTROLLERS if not _has(layout, name)]
    present = {
        "seccomp": os.path.exists(f"{paths.proc}/sys/kernel/seccomp/actions_avail"),
        "apparmorProfile": apparmor_enabled(paths.sys),
        "selinuxLabel": selinux_enabled(paths.sys),
        "systemd-cgroup": systemd.is_running(paths.run),
    }
    return lacking + [name for name, there in present.items() if not there]


def _has(layout: Layout, controller: str) -> bool:
    """Return whether the limits of a controller can be set here. controller: its name in version 1. Its version 2 form counts too."""
    if layout.unified and controller == "devices":
        return True  # A BPF program does this in version 2.
    names = {"blkio": ("blkio", "io")}.get(controller, (controller,))
    return any(layout.find(name) for name in names)
