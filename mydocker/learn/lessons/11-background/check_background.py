"""Lesson 11: a container that has lost its monitor, and goes on."""

from __future__ import annotations

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at PPid in /proc/PID/status of the container's process, before and after: who is its parent?",
    "看容器进程的 /proc/PID/status 里的 PPid，前后各看一次：谁是它的父进程？",
)
MANUAL = manual("wait(2) (NOTES), PR_SET_CHILD_SUBREAPER(2const), kill(1), proc(5)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "CLONE_NEWPID|lock|config[.]json"
_TERMINAL = 4  # the field tty_nr of /proc/PID/stat, counted from the state


def facts(scene: Scene) -> list[Fact]:
    inside = {each.pid for each in scene.processes}
    return best(scene.marked("background"), lambda process: _judge(scene, process, inside), nobody("background"))


def _judge(scene: Scene, process: Process, inside: set[int]) -> list[Fact]:
    parent = Process(process.parent(), process.proc)
    return [
        fact(
            not scene.is_hosts(process, "pid") and process.innermost_pid() == 1,
            text("it is the first process of a container", "它是容器的第一个进程"),
            text("it is not: mydocker run -d -e LESSON=background ...", "它不是：mydocker run -d -e LESSON=background ..."),
        ),
        fact(
            (process.fields() or ["0"] * 5)[_TERMINAL] == "0",
            text("it has no terminal that could hang up", "它没有终端，不会因终端关闭而收到 SIGHUP"),
            text("it has a terminal, whose other end is the monitor's: leave out -t", "它有终端，终端的另一端在 monitor 手里：不要加 -t"),
        ),
        fact(
            parent.pid not in inside,
            text("whoever started it is gone, and it was adopted", "启动它的进程已经不在了，它被收养了"),
            text(
                f"its parent still lives: process {parent.pid} ({parent.read('comm').strip()}): kill that one, and not the client",
                f"它的父进程还活着：进程 {parent.pid}（{parent.read('comm').strip()}）。要杀的是它，而不是客户端",
            ),
        ),
    ]
