"""Lesson 8: root that may chown, may not mknod, and gets no new namespace."""

from __future__ import annotations

from mydocker.kernel.capabilities import NUMBERS
from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at Uid, CapEff, CapBnd and Seccomp in /proc/PID/status. capsh --decode=HEX names the capabilities.",
    "看 /proc/PID/status 里的 Uid、CapEff、CapBnd 和 Seccomp。capsh --decode=十六进制数 可以列出权能的名字。",
)
MANUAL = manual("capabilities(7), seccomp(2), setpriv(1), unshare(2)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "^(capset|prctl|seccomp|mask) |read-only$"
_FILTERED = "2"  # SECCOMP_MODE_FILTER


def facts(scene: Scene) -> list[Fact]:
    return best(scene.marked("power"), _judge, nobody("power"))


def _judge(process: Process) -> list[Fact]:
    return [
        fact(
            process.status("Uid").split()[:1] == ["0"],
            text("its user is root", "它的用户是 root"),
            text("it is an ordinary user, who may not chown anyway: stay user 0", "它是普通用户，本来就不能 chown：请保持用户 0"),
        ),
        fact(
            _has(process, "CAP_CHOWN", "CapEff"),
            text("chown works: it has CAP_CHOWN", "chown 可以用：它有 CAP_CHOWN"),
            text("CAP_CHOWN is not in CapEff: drop fewer capabilities", "CapEff 里没有 CAP_CHOWN：去掉的权能太多了"),
        ),
        fact(
            not _has(process, "CAP_MKNOD", "CapBnd"),
            text("mknod does not: CAP_MKNOD is not even in its bounding set", "mknod 不行：连 CapBnd 里都没有 CAP_MKNOD"),
            text(
                "CAP_MKNOD is in CapBnd, so mknod works: it is among the 14 that containers have. --cap-drop MKNOD",
                "CapBnd 里有 CAP_MKNOD，mknod 可以用。它在容器默认的 14 个权能之中：--cap-drop MKNOD",
            ),
        ),
        fact(
            not _has(process, "CAP_SYS_ADMIN", "CapBnd"),
            text("unshare is refused: CAP_SYS_ADMIN is not in its bounding set", "unshare 被拒绝：CapBnd 里没有 CAP_SYS_ADMIN"),
            text(
                "CAP_SYS_ADMIN is in CapBnd: with it, unshare, mount and setns all work",
                "CapBnd 里有 CAP_SYS_ADMIN：有了它，unshare、mount、setns 都可以用",
            ),
        ),
        fact(
            process.status("Seccomp") == _FILTERED,
            text(
                "a seccomp filter is loaded, as unshare --user needs no capability", "加载了 seccomp 过滤器，因为 unshare --user 不需要权能"
            ),
            text(
                "no seccomp filter is loaded, and a user namespace needs no capability: unshare --user works, and gives all of them back",
                "没有加载 seccomp 过滤器，而建用户命名空间不需要权能：unshare --user 仍可以用，并能在里面得到全部权能",
            ),
        ),
    ]


def _has(process: Process, name: str, which: str) -> bool:
    return bool(process.capabilities(which) & 1 << NUMBERS[name])
