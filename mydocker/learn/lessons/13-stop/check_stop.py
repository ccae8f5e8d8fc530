"""Lesson 13: a first process that ends within a second of SIGTERM, and with 0. The check sends the signal."""

from __future__ import annotations

from mydocker.learn.ending import exit_status_after
from mydocker.learn.facts import Fact, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import Text, manual, text

LOOK = text(
    "Look at SigCgt in /proc/PID/status: bit 14 is set if the process has a handler for SIGTERM. And what is it waiting for?",
    "看 /proc/PID/status 里的 SigCgt：第 14 位是 1，说明进程处理 SIGTERM。再想想它正在等什么？",
)
MANUAL = manual("kill(2) (NOTES), signal(7), pid_namespaces(7), wait(2)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("--init", "busybox", "true")
STEPS = "CLONE_NEWPID|-init|^execve"
_SIGTERM = 15
_SECONDS = 1.0


def facts(scene: Scene) -> list[Fact]:
    marked = scene.marked("stop")
    if not marked:
        return [nobody("stop")]
    first = next((each for each in marked if not scene.is_hosts(each, "pid") and each.innermost_pid() == 1), None)
    is_first = fact(
        first is not None,
        text("it is the first process of a container", "它是容器的第一个进程"),
        text(
            "it is no pid 1 of a namespace of its own: mydocker run, or unshare --pid --fork",
            "它不是自己的 PID 命名空间里的 1 号进程：用 mydocker run，或 unshare --pid --fork",
        ),
    )
    return [is_first, *_stopped(first)] if first else [is_first]


def _stopped(process: Process) -> list[Fact]:
    """Send SIGTERM, and return what came of it."""
    caught = bool(int(process.status("SigCgt") or "0", 16) & 1 << (_SIGTERM - 1))
    try:
        status = exit_status_after(process, _SIGTERM, _SECONDS)
    except ProcessLookupError:
        return [nobody("stop")]
    return [
        fact(
            status is not None,
            text("it ends within a second of SIGTERM", "收到 SIGTERM 后一秒之内结束"),
            _waits() if caught else _ignores(),
        ),
        fact(
            status == 0,
            text("its exit status is 0", "退出状态是 0"),
            text(
                f"it ended with {_as_shells_say(status)}: 128 and more is a signal's number. Have it clean up and exit 0",
                f"它的退出状态是 {_as_shells_say(status)}：128 以上表示被信号杀死。让它收尾之后 exit 0",
            ),
        ),
    ]


def _as_shells_say(status: int | None) -> int:
    """Return an exit status as $? has it."""
    return 128 - status if status and status < 0 else status or 0


def _ignores() -> Text:
    return text(
        "the kernel gives pid 1 no signal that it has no handler for, so SIGTERM was dropped: trap it, or put --init in its place",
        "没有注册处理函数的信号，内核不会交给 1 号进程，SIGTERM 被丢弃了：用 trap 处理它，或者加 --init",
    )


def _waits() -> Text:
    return text(
        "it has a handler, but a shell runs that only when the command in the foreground has ended: command & wait",
        "它有处理函数，但 shell 要等前台命令结束才执行：把命令放到后台，再用 wait 等待",
    )
