"""Lesson 0: an ordinary process that shares the network and the memory limit of a container, and nothing else."""

from __future__ import annotations

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at /proc/PID/ns/net and /proc/PID/cgroup of the container's process: `mydocker inspect` says which pid that is.",
    "看容器进程的 /proc/PID/ns/net 和 /proc/PID/cgroup；它的 PID 可以从 mydocker inspect 得到。",
)
MANUAL = manual("namespaces(7), cgroups(7), nsenter(1), proc(5)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ("memory",)
RUN = ("busybox", "true")
STEPS = "^unshare|CLONE_INTO_CGROUP|/(cgroup.procs|tasks)$"


def facts(scene: Scene) -> list[Fact]:
    container = next((each for each in scene.processes if _is_container(scene, each)), None)
    runs = fact(
        container is not None,
        text("a container runs in the lab", "实验室里有一个容器在运行"),
        text("start one: mydocker run -d --name box busybox sleep 1000", "先启动一个：mydocker run -d --name box busybox sleep 1000"),
    )
    if not container:
        return [runs]
    return [runs, *best(scene.marked("process"), lambda process: _judge(scene, process, container), nobody("process"))]


def _is_container(scene: Scene, process: Process) -> bool:
    return process.innermost_pid() == 1 and not any(scene.is_hosts(process, kind) for kind in ("pid", "net", "mnt"))


def _judge(scene: Scene, process: Process, container: Process) -> list[Fact]:
    is_ordinary = all(process.namespace(kind) == scene.keeper.namespace(kind) for kind in ("pid", "mnt"))
    shared = [
        fact(
            is_ordinary,
            text(
                "your process is an ordinary one: it has the host's pid and mount namespaces",
                "你的进程是普通进程：PID 和挂载命名空间都是宿主机的",
            ),
            text(
                "this one is in the container. Start one outside, and let it enter the network namespace only",
                "这个进程已经在容器里面了。请在外面启动一个，只让它进入网络命名空间",
            ),
        ),
        fact(
            process.namespace("net") == container.namespace("net") != "",
            text(f"it is in the container's {container.namespace('net')}", f"它在容器的网络命名空间 {container.namespace('net')} 里"),
            text(
                f"it is in {process.namespace('net')}. `nsenter --net --target PID` enters that of process PID",
                f"它在 {process.namespace('net')} 里。nsenter --net --target PID 可以进入进程 PID 的网络命名空间",
            ),
        ),
    ]
    return [*shared, *_limits(scene, process, container)]


def _limits(scene: Scene, process: Process, container: Process) -> list[Fact]:
    own, wanted = process.limits(scene.layout, "memory"), container.limits(scene.layout, "memory")
    if not own or not wanted:
        return []
    return [
        fact(
            own.path == wanted.path,
            text(f"it is in the container's memory cgroup {_short(wanted.path)}", f"它在容器的内存 cgroup {_short(wanted.path)} 里"),
            text(
                f"it is in {_short(own.path)}: write its pid to cgroup.procs of the container's directory below $MEMORY",
                f"它在 {_short(own.path)} 里：把它的 PID 写进 $MEMORY 下容器目录的 cgroup.procs",
            ),
        )
    ]


def _short(path: str) -> str:
    """Return a path whose last name, an id of 64 digits, is cut as ps cuts it."""
    above, _, name = path.rpartition("/")
    return f"{above}/{name[:12]}"
