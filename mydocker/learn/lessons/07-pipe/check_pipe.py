"""Lesson 7: a first process whose arguments came through whole, however long and whatever they hold."""

from __future__ import annotations

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at /proc/PID/cmdline: the arguments of a process, each followed by a zero byte. tr '\\0' '|' shows where each ends.",
    "看 /proc/PID/cmdline：进程的各个参数，每个后面跟一个零字节。用 tr '\\0' '|' 可以看出各在哪里结束。",
)
MANUAL = manual("pipe(2), execve(2) (Limits on size of arguments and environment), proc(5)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "echo", "it's two words")
STEPS = "CLONE_NEWPID|CLONE_INTO_CGROUP|/(cgroup.procs|tasks)$|execve"
_BYTES = 100_000
_AWKWARD = ("'", '"', " ", "\n")


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("pipe"), lambda process: _judge(scene, process), nobody("pipe"))


def _judge(scene: Scene, process: Process) -> list[Fact]:
    arguments = process.read("cmdline").split("\0")[:-1]
    longest = max(arguments, key=len, default="")
    missing = [repr(each) for each in _AWKWARD if each not in longest]
    lacking = ", ".join(missing) or "nothing"
    return [
        fact(
            not scene.is_hosts(process, "pid") and process.innermost_pid() == 1,
            text("it is the first process of a container", "它是容器的第一个进程"),
            text("it is not: mydocker run, or unshare --pid --fork", "它不是：用 mydocker run，或 unshare --pid --fork"),
        ),
        fact(
            sum(map(len, arguments)) >= _BYTES,
            text(f"its arguments have {_BYTES} bytes or more", f"它的参数有 {_BYTES} 字节以上"),
            text(
                f"they have {sum(map(len, arguments))}: was something cut off, or not sent at all?",
                f"一共只有 {sum(map(len, arguments))} 字节：是被截断了，还是根本没有传？",
            ),
        ),
        fact(
            len(longest) >= _BYTES and not missing,
            text("one of them has quotes, blanks and newlines, and is whole", "其中一个参数含有引号、空格和换行，并且完整"),
            text(
                f"the longest has {len(longest)} bytes and lacks {lacking}: joined by blanks, words cannot be told apart again",
                f"最长的参数有 {len(longest)} 字节，缺少 {lacking}：用空格拼起来之后，就再也分不开了",
            ),
        ),
    ]
