"""Lesson 4: a process whose root is the root of its mount namespace, so that nothing lies above it."""

from __future__ import annotations

import os

from mydocker.learn.asking import ask
from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at /proc/PID/root and /proc/PID/mountinfo: what is above the process's root, and is the host's root mounted anywhere?",
    "看 /proc/PID/root 和 /proc/PID/mountinfo：进程的根目录之上还有什么？宿主机的根是否还挂载在某处？",
)
MANUAL = manual("pivot_root(2), pivot_root(8), chroot(2), mount_namespaces(7)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "CLONE_NEWNS|^mount (overlay|aufs|/) |rootfs$|pivot_root|umount"


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("root"), lambda process: _judge(scene, process), nobody("root"))


def _judge(scene: Scene, process: Process) -> list[Fact]:
    return [
        fact(
            not scene.is_hosts(process, "mnt"),
            text("it has a mount namespace of its own", "它有自己的挂载命名空间"),
            text(
                "it is in the host's mount namespace, where nobody may change the root: unshare --mount",
                "它在宿主机的挂载命名空间里，那里的根不能换：用 unshare --mount",
            ),
        ),
        fact(
            _file(f"{process.directory}/root/") not in (None, _file(f"{scene.keeper.directory}/root/")),
            text("its root is another directory than the host's", "它的根目录不是宿主机的根目录"),
            text(
                "its root is the host's: make a directory the root, by pivot_root", "它的根还是宿主机的：用 pivot_root 把另一个目录变成根"
            ),
        ),
        fact(
            _root_of_namespace(process) == _file(f"{process.directory}/root/"),
            text("breaking out fails: nothing lies above its root", "逃不出去：它的根之上什么也没有"),
            text(
                "the breakout works: its root is only a directory (chroot), and the host's root lies above it. Use pivot_root",
                "可以逃出去：它的根只是一个目录（chroot），宿主机的根还在上面。请用 pivot_root",
            ),
        ),
        fact(
            not _old_root(scene, process),
            text("the host's root is mounted nowhere in there", "里面任何地方都没有挂载宿主机的根"),
            text(
                f"the old root is still mounted at {_old_root(scene, process)}: umount -l takes it away",
                f"旧的根还挂载在 {_old_root(scene, process)}：用 umount -l 卸载它",
            ),
        ),
    ]


def _file(path: str) -> tuple[int, int] | None:
    """Return which file a path leads to, None if it leads nowhere."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _root_of_namespace(process: Process) -> tuple[int, int] | None:
    """Return which file the root of a process's mount namespace is: to enter it leads there, as a breakout does (setns(2))."""
    device, _, inode = ask(process, "mnt", lambda: str(_file("/")).strip("()")).partition(", ")
    return (int(device), int(inode)) if inode else None


def _old_root(scene: Scene, process: Process) -> str:
    """Return where in a process's mounts the host's root is, '' if nowhere."""
    host = next((place for place in _places(scene.keeper) if place[2] == "/"), None)
    return next((target for device, root, target in _places(process) if host and (device, root) == host[:2]), "")


def _places(process: Process) -> list[tuple[str, str, str]]:
    """Return (device, directory of the device, mount point) of each mount that a process sees."""
    lines = (line.split() for line in process.read("mountinfo").splitlines())
    return [(line[2], line[3], line[4]) for line in lines]
