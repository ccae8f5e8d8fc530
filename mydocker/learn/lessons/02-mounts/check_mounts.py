"""Lesson 2: a mount that the host does not see, while the host's mounts still arrive."""

from __future__ import annotations

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at /proc/PID/mountinfo: a mount with shared:N gives to group N, one with master:N takes from it.",
    "看 /proc/PID/mountinfo：带 shared:N 的挂载会传播到 N 组，带 master:N 的只从 N 组接收。",
)
MANUAL = manual("mount_namespaces(7), unshare(1), mount(8)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("--tmpfs", "/scratch", "busybox", "true")
STEPS = "CLONE_NEWNS|^mount / |tmpfs on /scratch|MS_SLAVE"


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("mounts"), lambda process: _judge(scene, process), nobody("mounts"))


def _judge(scene: Scene, process: Process) -> list[Fact]:
    hosts = _groups(scene.keeper, "shared")
    return [
        fact(
            not scene.is_hosts(process, "mnt"),
            text("it has a mount namespace of its own", "它有自己的挂载命名空间"),
            text("whatever it mounts is the host's: unshare --mount", "它挂载的东西都在宿主机上：用 unshare --mount"),
        ),
        fact(
            not hosts & _groups(process, "shared"),
            text("nothing that it mounts appears on the host", "它挂载的东西不会出现在宿主机上"),
            text(
                "its mounts are peers of the host's (shared), so what it mounts appears there: --propagation slave",
                "它的挂载与宿主机互为对等（shared），挂载的东西会出现在宿主机上：用 --propagation slave",
            ),
        ),
        fact(
            bool(_tmpfs(process) - _tmpfs(scene.keeper)),
            text("it has a tmpfs that the host does not have", "它有一个宿主机没有的 tmpfs"),
            text("it has no tmpfs of its own yet: mount -t tmpfs mine /mnt", "它还没有自己的 tmpfs：mount -t tmpfs mine /mnt"),
        ),
        fact(
            bool(hosts & _groups(process, "master")),
            text("what the host mounts arrives in there", "宿主机挂载的东西会传进来"),
            text(
                "it is private, which is unshare's default, so nothing arrives from the host either: slave is what receives only",
                "它是 private（unshare 的默认值），宿主机的挂载也传不进来：只接收、不外传的是 slave",
            ),
        ),
    ]


def _groups(process: Process, role: str) -> set[str]:
    """Return the numbers of the peer groups in which a process's mounts have a role: 'shared' or 'master'."""
    words = (word.partition(":") for mount in process.mounts() for word in mount.optional)
    return {number for name, _, number in words if name == role}


def _tmpfs(process: Process) -> set[str]:
    """Return the devices of the tmpfs that a process sees."""
    lines = (line.split() for line in process.read("mountinfo").splitlines())
    return {line[2] for line in lines if line[line.index("-") + 1] == "tmpfs"}
