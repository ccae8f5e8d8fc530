"""Bundles for OCI runtimes, and a runtime to drive: ours, runc, or crun, by the same words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

Change = Callable[[dict[str, Any]], object]


class Runtime:
    """One OCI runtime on a machine, with a state directory, a root file system and bundles of its own in `directory`."""

    def __init__(self, machine: Any, command: str, directory: str, rootfs: str) -> None:
        self.machine = machine
        self.command = command
        self.directory = directory
        self.rootfs = rootfs

    @property
    def prefixed(self) -> str:
        """The command with its --root."""
        return f"{self.command} --root {self.directory}/state"

    def __call__(self, *arguments: str, prefix: str = "") -> Any:
        """Run the runtime; return rc, stdout, stderr. They go through files: a container that stays would hold pipes open."""
        out, err = (f"{self.directory}/{name}" for name in ("stdout", "stderr"))
        line = f"{prefix} {self.prefixed} {shlex.join(arguments)} < /dev/null > {out} 2> {err}"
        return self.machine.sh(f"{line}; status=$?; cat {out}; cat {err} >&2; exit $status")

    def state(self, name: str) -> dict[str, Any]:
        """Return what `state` prints."""
        told: dict[str, Any] = json.loads(self("state", name).stdout)
        return told

    def bundle(self, *args: str, change: Change = lambda spec: None) -> str:
        """Make a bundle whose program is `args`; `change` gets its config.json to change. Returns its directory."""
        number = len(list(Path(self.directory).glob("bundle*")))
        path = Path(self.directory) / f"bundle{number}"
        path.mkdir()
        spec = config(list(args), self.rootfs, f"/mydocker/mdoci-{path.parent.name}-{number}")
        change(spec)
        (path / "config.json").write_text(json.dumps(spec))
        return str(path)

    def run(self, *args: str, change: Change = lambda spec: None) -> Any:
        """Run a program in a container of its own to its end."""
        return self("run", "--bundle", self.bundle(*args, change=change), "once")


def config(args: list[str], rootfs: str, cgroup: str) -> dict[str, Any]:
    """Return a config.json as the engines write them, with a root of busybox."""
    capabilities = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_NET_BIND_SERVICE"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": args,
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
            "noNewPrivileges": True,
        },
        "root": {"path": rootfs, "readonly": True},
        "hostname": "inside",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {
                "destination": "/dev/pts",
                "type": "devpts",
                "source": "devpts",
                "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
            },
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
        ],
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": ["/proc/kcore", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys", "/proc/bus"],
        },
    }
