"""Lesson 1: a process with a host name and a message queue of its own."""

from __future__ import annotations

import os

from mydocker.learn.asking import ask
from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at /proc/PID/ns/uts and /proc/PID/ns/ipc; at `hostname` and `ipcs -q` inside and outside.",
    "看 /proc/PID/ns/uts 和 /proc/PID/ns/ipc，再比较里面和外面的 hostname 与 ipcs -q。",
)
MANUAL = manual("uts_namespaces(7), ipc_namespaces(7), hostname(1), ipcmk(1)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("--hostname", "web", "busybox", "true")
STEPS = "CLONE_NEWUTS|hostname"


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("names"), lambda process: _judge(scene, process), nobody("names"))


def _judge(scene: Scene, process: Process) -> list[Fact]:
    name, hosts = (ask(each, "uts", lambda: os.uname().nodename) for each in (process, scene.keeper))
    queues = ask(process, "ipc", _queues)
    return [
        fact(
            not scene.is_hosts(process, "uts"),
            text("it has a UTS namespace of its own", "它有自己的 UTS 命名空间"),
            text("its host name is the host's own: unshare --uts", "它和宿主机用同一个主机名：用 unshare --uts"),
        ),
        fact(
            name not in ("", hosts),
            text("its host name is another than the host's", "它的主机名与宿主机不同"),
            text(
                f"it is still called {hosts!r}: a new UTS namespace begins as a copy, so set a name in there",
                f"它仍然叫 {hosts!r}：新的 UTS 命名空间是复制来的，要在里面改名",
            ),
        ),
        fact(
            not scene.is_hosts(process, "ipc"),
            text("it has an IPC namespace of its own", "它有自己的 IPC 命名空间"),
            text("it shares its message queues with the host: unshare --ipc", "它和宿主机共用消息队列：用 unshare --ipc"),
        ),
        fact(
            bool(queues),
            text("there is a message queue in it", "里面有一个消息队列"),
            text(
                "no queue is in there: one that was made before unshare is the host's. Make it inside, with ipcmk -Q",
                "里面没有消息队列。在 unshare 之前建的属于宿主机：要在里面用 ipcmk -Q 建",
            ),
        ),
    ]


def _queues() -> str:
    """Return the lines of the message queues of this IPC namespace (proc(5))."""
    with open("/proc/sysvipc/msg") as file:
        return "".join(file.readlines()[1:])
