"""The verb spec: it writes a config.json to begin with."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.errors import Conflict
from mydocker.oci.arguments import Arguments, Flags
from mydocker.oci.verbs import SPECIFICATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.oci.settings import Settings

    # It is written for people and leaves out what has a default. So it is a runtime.spec.Spec only after it was read.
    Template = dict[str, object]

SPEC = Flags("rootless", "bundle", short={"b": "bundle"})
_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
_PLAIN = ["nosuid", "noexec", "nodev"]
_MASKED = "acpi asound kcore keys latency_stats timer_list timer_stats sched_debug scsi"


def spec(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci spec`: write BUNDLE/config.json. Raises Conflict if there is one already."""
    path = os.path.join(arguments.value("bundle", "."), "config.json")
    if os.path.exists(path):
        raise Conflict(f"file {path} exists: remove it first")
    store.write_atomic(path, _indented(template(arguments.on("rootless"), Layout.detect(settings.paths).mode == "v2")), sync=False)
    return 0


def _indented(value: Template) -> bytes:
    import json  # People will read this file, and nobody waits for this verb.

    return json.dumps(value, indent=4).encode() + b"\n"


def template(rootless: bool, unified: bool) -> Template:
    """Return a config.json that runs sh on a terminal.

    rootless: whether it is for an ordinary user, whose container has a user namespace of its own.
    unified: whether this host has cgroup version 2 alone. With version 1 many programs know no cgroup namespace.
    """
    kinds = ("pid", "ipc", "uts", "mount", *(["cgroup"] if unified else []), "user" if rootless else "network")
    process = {
        "terminal": True,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: _CAPABILITIES for kind in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    }
    linux: Template = {
        "namespaces": [{"type": kind} for kind in kinds],
        "maskedPaths": [f"/proc/{name}" for name in _MASKED.split()] + ["/sys/firmware"],
        "readonlyPaths": [f"/proc/{name}" for name in ("bus", "fs", "irq", "sys", "sysrq-trigger")],
    }
    if rootless:
        linux["uidMappings"] = [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]
        linux["gidMappings"] = [{"containerID": 0, "hostID": os.getegid(), "size": 1}]
    else:
        linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    return {
        "ociVersion": SPECIFICATION,
        "process": process,
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "mydocker",
        "mounts": _mounts(rootless),
        "linux": linux,
    }


def _mounts(rootless: bool) -> list[Template]:
    sys = _mount("/sys", "none", "/sys", ["rbind", *_PLAIN, "ro"]) if rootless else _mount("/sys", "sysfs", "sysfs", [*_PLAIN, "ro"])
    group = [] if rootless else ["gid=5"]
    return [
        _mount("/proc", "proc", "proc", []),
        _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *group]),
        _mount("/dev/shm", "tmpfs", "shm", [*_PLAIN, "mode=1777", "size=65536k"]),
        _mount("/dev/mqueue", "mqueue", "mqueue", _PLAIN),
        sys,
        *([] if rootless else [_mount("/sys/fs/cgroup", "cgroup", "cgroup", [*_PLAIN, "relatime", "ro"])]),
    ]


def _mount(destination: str, fstype: str, source: str, options: list[str]) -> Template:
    return {"destination": destination, "type": fstype, "source": source, **({"options": options} if options else {})}
