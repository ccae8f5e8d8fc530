"""Bundles for OCI runtimes, and a runtime to drive: ours, runc, or crun, by the same words."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

Change = Callable[[dict[str, Any]], object]


class Runtime:
    """One OCI runtime on a machine, with a state directory, a root file system and bundles of its own in `directory`."""

    def __init__(self, machine: Any, command: str, directory: str, rootfs: str) -> None:
        self.machine = machine
        self.command = command
        self.directory = directory
        self.rootfs = rootfs

    @property
    def name(self) -> str:
        """Whose it is: mydocker-oci, runc or crun."""
        return self.command.rpartition("/")[2].rpartition(" ")[2]

    @property
    def place(self) -> str:
        """What to put before a command that is to see the mounts that the runtime sees."""
        return self.command.removesuffix("crun") if self.name == "crun" else ""

    def leave_out(self, name: str, reason: str) -> None:
        """Skip where another runtime is known to do it in another way."""
        if self.name == name:
            pytest.skip(f"{name}: {reason}")

    @property
    def prefixed(self) -> str:
        """The command with its --root."""
        return f"{self.command} --root {self.directory}/state"

    def __call__(self, *arguments: str, prefix: str = "") -> Any:
        """Run the runtime; return rc, stdout, stderr. They go through files: a container that stays would hold pipes open.

        And crun gives /dev/null itself to the container's root when that is its standard input.
        """
        empty, out, err = (f"{self.directory}/{name}" for name in ("stdin", "stdout", "stderr"))
        line = f"{prefix} {self.prefixed} {shlex.join(arguments)} < {empty} > {out} 2> {err}"
        return self.machine.sh(f": >> {empty}; {line}; status=$?; cat {out}; cat {err} >&2; exit $status")

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


@pytest.fixture(scope="session")
def busybox() -> Iterator[str]:
    """A root file system, which containers' users can reach too."""
    path = tempfile.mkdtemp(prefix="mydocker-busybox-")
    subprocess.run(f"{REPOSITORY}/mydocker/engine/system/busybox-image | tar -xC {path}", shell=True, check=True)
    Path(path).chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def crun() -> Iterator[str]:
    """The command crun, in a mount namespace without the hybrid layout's cgroup2, beside which it refuses to work."""
    line = "umount /sys/fs/cgroup/unified 2>/dev/null; echo ready; exec sleep 100000"
    keeper = subprocess.Popen(["unshare", "--mount", "--propagation", "slave", "sh", "-c", line], stdout=subprocess.PIPE)
    assert keeper.stdout
    keeper.stdout.readline()
    yield f"nsenter --target {keeper.pid} --mount crun"
    keeper.kill()
    keeper.wait()
    keeper.stdout.close()


def _runtime(mydocker: Any, command: str, busybox: str, directory: Path) -> Iterator[Runtime]:
    runtime = Runtime(mydocker, command, str(directory), busybox)
    yield runtime
    for name in runtime("list", "-q").stdout.split():
        runtime("delete", "--force", name)
    shutil.rmtree(directory)


@pytest.fixture(params=["mydocker-oci", "runc", "crun"])
def any_runtime(request: pytest.FixtureRequest, mydocker: Any, runtime_program: str, busybox: str, tmp_path: Path) -> Iterator[Runtime]:
    """Each runtime that is installed: what holds for the others too is no invention of ours."""
    command = runtime_program
    if request.param != "mydocker-oci":
        if not mydocker.host.exists(request.param):
            pytest.skip(f"{request.param} is not installed")
        command = "runc" if request.param == "runc" else request.getfixturevalue("crun")
    yield from _runtime(mydocker, command, busybox, tmp_path)


@pytest.fixture
def oci(mydocker: Any, runtime_program: str, busybox: str, tmp_path: Path) -> Iterator[Runtime]:
    """Ours alone."""
    yield from _runtime(mydocker, runtime_program, busybox, tmp_path)
