"""Lesson 3: a first process that has a /proc of its own, and waits for those whose parents have gone."""

from __future__ import annotations

import os

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process, every
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import Text, manual, text

LOOK = text(
    "Look at /proc/PID/ns/pid, /proc/PID/ns/pid_for_children and the last number of NSpid in /proc/PID/status.",
    "看 /proc/PID/ns/pid、/proc/PID/ns/pid_for_children，以及 /proc/PID/status 里 NSpid 的最后一个数。",
)
MANUAL = manual("pid_namespaces(7), unshare(1), wait(2)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "CLONE_NEWPID|^mount proc"
_SETTLED = 1.0  # seconds after which the exercise's orphan has ended: what does not wait could be right only before
_WAITED = 8  # the field cminflt: page faults of children that were waited for (proc(5), counted from the state)


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("pid"), lambda process: _judge(scene, process), nobody("pid"))


def _judge(scene: Scene, process: Process) -> list[Fact]:
    zombies = [each.pid for each in every(process.proc) if each.state() == "Z" and each.namespace("pid") == process.namespace("pid")]
    is_first = not scene.is_hosts(process, "pid") and process.innermost_pid() == 1
    return [
        fact(
            is_first, text("it is pid 1 of a pid namespace of its own", "它是自己的 PID 命名空间里的 1 号进程"), _not_first(scene, process)
        ),
        fact(
            _proc_of(process) == process.namespace("pid") != "",
            text("its /proc shows that namespace", "它的 /proc 显示的是这个命名空间"),
            text(
                "its /proc is still the host's, so ps shows the host's processes: mount a new one in there, of type proc",
                "它的 /proc 还是宿主机的，所以 ps 看到的是宿主机的进程：要在里面重新挂载一个 proc",
            ),
        ),
        fact(
            int((process.fields() or ["0"] * 9)[_WAITED]) > 0,
            text("it has waited for a process that ended", "它已经回收过结束了的进程"),
            text(
                "nothing has ended in there yet: leave it an orphan, such as (sleep 0.1 &)",
                "里面还没有进程结束过：给它留一个孤儿进程，例如 (sleep 0.1 &)",
            ),
        ),
        fact(
            not zombies and process.age() >= _SETTLED,
            text("no zombie is left in that namespace", "这个命名空间里没有僵尸进程"),
            _left(zombies),
        ),
    ]


def _left(zombies: list[int]) -> Text:
    """Return what is wrong with those that have ended."""
    told = ", ".join(map(str, zombies))
    if not zombies:
        return text(
            "it has only just begun, and the orphan may still run: check again in a second",
            "它刚刚启动，孤儿进程可能还在运行：过一秒再检查",
        )
    return text(
        f"process {told} is a zombie: only pid 1 can wait for an orphan, and yours does not call wait",
        f"进程 {told} 是僵尸：孤儿进程只能由 1 号进程回收，而你的 1 号进程不调用 wait",
    )


def _not_first(scene: Scene, process: Process) -> Text:
    """Return why a process is not the first one of a namespace."""
    if process.namespace("pid_for_children") != process.namespace("pid"):  # it leads nowhere before the first child is there
        return text(
            "unshare(2) moves only the children into the new pid namespace, never the caller: let unshare fork",
            "unshare(2) 只让之后的子进程进入新的 PID 命名空间，调用者自己不动：让 unshare 先 fork",
        )
    return text("it is in the host's pid namespace, or not the first in its own", "它还在宿主机的 PID 命名空间里，或者不是第一个进程")


def _proc_of(process: Process) -> str:
    """Return the pid namespace that a process's /proc shows."""
    try:
        return os.readlink(f"{process.directory}/root/proc/1/ns/pid")
    except OSError:
        return ""  # it has no /proc, or it has ended
