"""Lesson 12: a process that shares a container's network, and not its pids."""

from __future__ import annotations

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Compare /proc/PID/ns/net and /proc/PID/ns/pid of the container's process and of yours.",
    "比较容器进程和你的进程的 /proc/PID/ns/net 与 /proc/PID/ns/pid。",
)
MANUAL = manual("setns(2), nsenter(1), namespaces(7)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "^unshare|^setns|CLONE_INTO_CGROUP|/(cgroup.procs|tasks)$"


def facts(scene: Scene) -> list[Fact]:
    mine = scene.marked("exec")
    containers = [each for each in scene.processes if _is_container(scene, each) and each.pid not in {process.pid for process in mine}]
    runs = fact(
        bool(containers),
        text("a container runs in the lab", "实验室里有一个容器在运行"),
        text(
            "start one, without LESSON=exec: mydocker run -d --name box busybox sleep 1000",
            "先启动一个（不要带 LESSON=exec）：mydocker run -d --name box busybox sleep 1000",
        ),
    )
    if not containers:
        return [runs]
    return [runs, *best(mine, lambda process: _judge(scene, process, containers), nobody("exec"))]


def _is_container(scene: Scene, process: Process) -> bool:
    return process.innermost_pid() == 1 and not any(scene.is_hosts(process, kind) for kind in ("pid", "net", "mnt"))


def _judge(scene: Scene, process: Process, containers: list[Process]) -> list[Fact]:
    shared = [each for each in containers if each.namespace("net") == process.namespace("net") != ""]
    pids = {each.namespace("pid") for each in shared or containers}
    return [
        fact(
            bool(shared),
            text("it is in the container's network namespace", "它在容器的网络命名空间里"),
            text(
                f"it is in {process.namespace('net')}, and no container is: setns(2) enters one, and nsenter --net calls it",
                f"它在 {process.namespace('net')} 里，那里没有容器：setns(2) 可以进入，nsenter --net 就是调用它",
            ),
        ),
        fact(
            process.namespace("pid") not in pids,
            text("it is not in the container's pid namespace", "它不在容器的 PID 命名空间里"),
            text(
                "it sees the container's pids too, as `exec` has it: enter the network namespace and leave out the others",
                "它也进入了容器的 PID 命名空间，就像 exec 那样：只进入网络命名空间，其余的不要进入",
            ),
        ),
        fact(
            process.namespace("pid_for_children") not in pids,
            text("nor will its children be", "它的子进程也不会在里面"),
            text(
                "setns to a pid namespace is for the next children, so yours would be in the container's: leave out --pid",
                "对 PID 命名空间调用 setns，影响的是之后的子进程，它们会进入容器：不要加 --pid",
            ),
        ),
    ]
