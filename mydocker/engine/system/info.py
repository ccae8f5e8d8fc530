"""Tell what this host can do. Abilities are tried, or read from the kernel. They are never guessed from its version."""

from __future__ import annotations

import os
import sys

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.catalog import images
from mydocker.engine.container.orphans import half_made
from mydocker.engine.record import containers, state
from mydocker.engine.record.damage import DEAD
from mydocker.errors import Damaged, Error, NotFound
from mydocker.kernel import programs
from mydocker.network import firewall
from mydocker.paths import Paths
from mydocker.steps.confinement import apparmor_enabled
from mydocker.storage import drivers
from mydocker.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    # What `info` shows. docker's names come before ours. Some of ours are several words, so this cannot be a class.
    Info = TypedDict(
        "Info",
        {
            "Containers": int,
            "ContainersRunning": int,
            "ContainersPaused": int,
            "ContainersStopped": int,
            "Images": int,
            "Version": str,
            "OSType": str,
            "Architecture": str,
            "KernelVersion": str,
            "NCPU": int,
            "MemTotal": int,
            "Name": str,
            "Python": str,
            "Root": str,
            "State": str,
            "Storage drivers": dict[str, str],
            "Firewall": str,
            "Cgroups": dict[str, str],
            "Kernel": dict[str, str],
        },
    )


def info(paths: Paths) -> Info:
    """Return what mydocker holds and what the host can do, in the order in which both are shown."""
    statuses = _statuses(paths)
    layout = Layout.detect(paths)
    return {
        "Containers": len(statuses),
        "ContainersRunning": statuses.count("running"),
        "ContainersPaused": statuses.count("paused"),
        "ContainersStopped": len(statuses) - statuses.count("running") - statuses.count("paused"),
        "Images": len(images.all_images(paths)),
        "Version": VERSION,
        "OSType": "linux",
        "Architecture": os.uname().machine,
        "KernelVersion": os.uname().release,
        "NCPU": os.cpu_count() or 1,
        "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "Name": os.uname().nodename,
        "Python": f"{sys.version.split()[0]} ({sys.executable})",
        "Root": paths.root,
        "State": paths.state,
        "Storage drivers": {name: _driver(name, paths) for name in sorted(drivers.NAMES, key=lambda name: name != _wanted())},
        "Firewall": _firewall(),
        "Cgroups": {"Version": layout.mode, "Controllers": " ".join(sorted(name for h in layout.hierarchies for name in h.controllers))},
        "Kernel": _kernel(paths, layout),
    }


def _statuses(paths: Paths) -> list[str]:
    return [_status(paths, i) for i in containers.ids(paths) if not half_made(paths, i)]


def _status(paths: Paths, container_id: str) -> str:
    try:
        return state.status(paths, containers.load(paths, container_id))
    except (NotFound, Damaged):
        return DEAD


def _wanted() -> str:
    """Return the storage driver that the environment asks for, which is shown first."""
    return os.environ.get("MYDOCKER_STORAGE_DRIVER", "")


def _firewall() -> str:
    reason = firewall.why_not_nft()
    if not reason:
        return "nft"
    return f"{'iptables' if programs.find('iptables-restore') else 'none'}, as {reason}"


def _driver(name: str, paths: Paths) -> str:
    try:
        reason = drivers.driver(name, paths).unsupported(paths)
    except Error as error:
        reason = error.message
    except OSError as error:  # it could not be tried: ROOT is read-only
        reason = f"{error.filename}: {error.strerror}"
    return f"no: {reason}" if reason else "yes"


def _kernel(paths: Paths, layout: Layout) -> dict[str, str]:
    return {
        "User namespaces": _exists(paths.proc + "/self/ns/user"),
        "Cgroup namespaces": _exists(paths.proc + "/self/ns/cgroup"),
        "Seccomp": _line(paths.proc + "/sys/kernel/seccomp/actions_avail") or "no",
        "AppArmor": "yes" if apparmor_enabled(paths.sys) else "no",
        "Swap accounting": "yes" if manager(layout, state.CGROUP_PARENT).has_swap_limit() else "no",
        "File systems": " ".join(name for name in ("overlay", "aufs", "fuse") if name in _file_systems(paths)),
    }


def _exists(path: str) -> str:
    return "yes" if os.path.exists(path) else "no"


def _line(path: str) -> str:
    try:
        with open(path) as file:
            return file.readline().strip()
    except FileNotFoundError:
        return ""


def _file_systems(paths: Paths) -> list[str]:
    with open(paths.proc + "/filesystems") as file:
        return [line.split()[-1] for line in file]
