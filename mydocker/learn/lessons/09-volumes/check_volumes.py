"""Lesson 9: data that is older than the container which has it."""

from __future__ import annotations

import os
import time

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at /proc/PID/mountinfo: which directory of the host (field 4) is mounted where (field 5)?",
    "看 /proc/PID/mountinfo：宿主机的哪个目录（第 4 列）挂载在哪里（第 5 列）？",
)
MANUAL = manual("mount(8) (BIND MOUNT OPERATION), mount_namespaces(7), openat2(2)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("-v", "/tmp:/data", "busybox", "true")
STEPS = "/data"
_KERNELS = ("proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2")
_STARTED = 19  # the field starttime of /proc/PID/stat, counted from the state
_CLOCK = 0.01  # seconds by which the start of a process may seem earlier than it was


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("volumes"), lambda process: _judge(scene, process), nobody("volumes"))


def _judge(scene: Scene, process: Process) -> list[Fact]:
    volumes = _volumes(scene, process)
    changed = [each for volume in volumes for each in _changes(volume)]
    return [
        fact(
            not scene.is_hosts(process, "mnt") and _root_of(process) != _root_of(scene.keeper),
            text("it has a root of its own", "它有自己的根"),
            text(
                "it sees the host's files anyway: a volume is for a process with another root",
                "它本来就能看到宿主机的文件：有自己的根，才谈得上数据卷",
            ),
        ),
        fact(
            bool(volumes),
            text("a directory of the host is mounted in there", "宿主机的一个目录挂载在里面"),
            text(
                "none is: what it writes is in its own layer, or in memory, and goes with it. mydocker run -v data:/data",
                "没有：它写的东西在自己的可写层或内存里，会随它一起消失。mydocker run -v data:/data",
            ),
        ),
        fact(
            bool(changed),
            text("there is a file in that directory", "目录里有文件"),
            text("it is empty: let a first container write to it, and end", "目录是空的：先让另一个容器写入，再结束"),
        ),
        fact(
            bool(changed) and min(changed) < _started(process) - _CLOCK,
            text("a file is older than the container: it outlived another one", "有文件比容器更早：它比另一个容器活得长"),
            text(
                "every file was written since this container began: another one has to write it first",
                "所有文件都是这个容器启动之后才写的：要由另一个容器先写",
            ),
        ),
    ]


def _volumes(scene: Scene, process: Process) -> list[str]:
    """Return the directories of the host that a process has: their file systems are among the host's, and its own tmpfs is not."""
    hosts = {device for device, _ in scene.keeper.file_systems()}
    mounts = [mount for device, mount in process.file_systems() if device in hosts and mount.fstype not in _KERNELS and mount.target != "/"]
    return [path for mount in mounts if os.path.isdir(path := f"{process.directory}/root{mount.target}")]


def _root_of(process: Process) -> tuple[int, int]:
    try:
        status = os.stat(f"{process.directory}/root/")
    except OSError:
        return 0, 0  # it has ended
    return status.st_dev, status.st_ino


def _changes(directory: str) -> list[float]:
    """Return when each file of a directory was last changed. That time nobody can set."""
    return [os.lstat(os.path.join(above, name)).st_ctime for above, _, files in os.walk(directory) for name in files]


def _started(process: Process) -> float:
    """Return when a process began, as files have it: in seconds since 1970."""
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return boot + int((process.fields() or ["0"] * 20)[_STARTED]) / os.sysconf("SC_CLK_TCK")
