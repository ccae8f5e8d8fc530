"""Lesson 18: twenty facts about the first process of a container that the learner's own program has made."""

from __future__ import annotations

import os

from mydocker.cgroups.group import Group
from mydocker.kernel.capabilities import NUMBERS
from mydocker.kernel.route import Route
from mydocker.learn.asking import ask
from mydocker.learn.facts import Fact, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import Text, manual, text

LOOK = text(
    "Look at the lesson that the first fact without ✓ names, and at its hole in container.py.",
    "看第一个没有 ✓ 的事实所指的那一课，以及 container.py 里对应的空。",
)
MANUAL = manual("unshare(2), mount(2), pivot_root(2), prctl(2), pipe(2), wait(2), cgroups(7)")
NEEDS = ("overlay", "memory", "pids")
ALSO: tuple[str, ...] = ()
RUN = ("-m", "64m", "--pids-limit", "100", "busybox", "true")
STEPS = "^(unshare|mount (overlay|aufs|/|proc) |pivot_root|sethostname|capset|prctl|execve)|/(memory|pids)[.]|lo up"
_MEMORY, _PROCESSES = 64 << 20, 100
_KINDS = (("pid", 3), ("mnt", 2), ("uts", 1), ("ipc", 1), ("net", 14), ("cgroup", 6))


def facts(scene: Scene) -> list[Fact]:
    first = next((each for each in scene.marked("write-one") if not scene.is_hosts(each, "pid") and each.innermost_pid() == 1), None)
    if first is None:
        return [_first_of_all(scene)]
    return [*_names(scene, first), *_root(scene, first), *_limits(scene, first), *_power(first), *_process(first)]


def _first_of_all(scene: Scene) -> Fact:
    if not scene.marked("write-one"):
        return nobody("write-one")
    return _told(
        False, 3, text("your program's child is pid 1", "你的程序的子进程是 1 号进程"), text("unshare, then fork", "先 unshare，再 fork")
    )


def _told(holds: bool, lesson: int, sentence: Text, hint: Text) -> Fact:
    """Return a fact whose hint names the lesson that it is from."""
    return fact(holds, sentence, text(f"lesson {lesson}: {hint.en}", f"第 {lesson} 课：{hint.zh}"))


def _names(scene: Scene, process: Process) -> list[Fact]:
    own = [
        _told(
            not scene.is_hosts(process, kind),
            lesson,
            text(f"it has a {kind} namespace of its own", f"它有自己的 {kind} 命名空间"),
            text(
                f"its {kind} namespace is the host's: a flag of unshare is missing", f"它的 {kind} 命名空间是宿主机的：unshare 少了一个标志"
            ),
        )
        for kind, lesson in _KINDS
    ]
    names = [ask(each, "uts", lambda: os.uname().nodename) for each in (process, scene.keeper)]
    return [
        *own,
        _told(
            names[0] not in ("", names[1]),
            1,
            text("it has a host name of its own", "它有自己的主机名"),
            text("sethostname", "调用 sethostname"),
        ),
        _told(
            ask(process, "net", _loopback) == "up",
            14,
            text("its loopback is up", "它的回环网卡已启用"),
            text("ip link set lo up, in its network namespace", "在它的网络命名空间里 ip link set lo up"),
        ),
    ]


def _loopback() -> str:
    with Route() as route:
        return "up" if any(link["name"] == "lo" and link["up"] for link in route.links()) else "down"


def _root(scene: Scene, process: Process) -> list[Fact]:
    root, above = _file(f"{process.directory}/root/"), ask(process, "mnt", lambda: _file("/"))
    mounted = process.mount_at("/")
    places = {(line[2], line[3]) for line in map(str.split, process.read("mountinfo").splitlines())}
    host = next(((line[2], line[3]) for line in map(str.split, scene.keeper.read("mountinfo").splitlines()) if line[4] == "/"), None)
    return [
        _told(
            root not in ("", _file(f"{scene.keeper.directory}/root/")),
            4,
            text("its root is not the host's", "它的根不是宿主机的根"),
            text("pivot_root comes before the program", "执行程序之前要 pivot_root"),
        ),
        _told(
            host not in places,
            4,
            text("the old root is not mounted any more", "旧的根已经卸载"),
            text("umount2 with MNT_DETACH takes it away", "用 umount2 和 MNT_DETACH 卸载它"),
        ),
        _told(
            root == above,
            4,
            text("nothing lies above its root", "它的根之上什么也没有"),
            text("this is chroot: use pivot_root", "这是 chroot：请用 pivot_root"),
        ),
        _told(
            mounted is not None and mounted.fstype in ("overlay", "aufs"),
            5,
            text("its root is layers", "它的根由多层组成"),
            text("mount an overlay of the layer and a writable directory", "用只读层和可写目录挂载 overlay"),
        ),
        _told(
            not _shared(scene.keeper) & _shared(process),
            2,
            text("what it mounts does not appear on the host", "它挂载的东西不会出现在宿主机上"),
            text("make / a slave, recursively, before you mount", "挂载之前先把 / 递归地设为 slave"),
        ),
        _told(
            _link(f"{process.directory}/root/proc/1/ns/pid") == process.namespace("pid"),
            3,
            text("its /proc is its own", "它的 /proc 是自己的"),
            text("mount proc at /proc inside", "在里面把 proc 挂载到 /proc"),
        ),
        _told(
            _device(f"{process.directory}/root/dev/null") == os.makedev(1, 3),
            8,
            text("it has a /dev/null", "它有 /dev/null"),
            text("mknod /dev/null c 1 3, while you still may", "趁还有权限，先 mknod /dev/null c 1 3"),
        ),
    ]


def _shared(process: Process) -> set[str]:
    return {word for mount in process.mounts() for word in mount.optional if word.startswith("shared:")}


def _limits(scene: Scene, process: Process) -> list[Fact]:
    wanted = (("memory", ("memory.max", "memory.limit_in_bytes"), _MEMORY), ("pids", ("pids.max",), _PROCESSES))
    found = {name: _limit(process.limits(scene.layout, name), files) for name, files, _ in wanted}
    return [
        _told(
            found[name] == str(value),
            6,
            text(f"its limit for {name} is {value}", f"它的 {name} 上限是 {value}"),
            text(
                f"its cgroup says {found[name] or 'nothing'}: write {files[0]} before you move it in",
                f"它的 cgroup 里是 {found[name] or '空'}：先写 {files[0]}，再移入",
            ),
        )
        for name, files, value in wanted
    ]


def _limit(group: Group | None, files: tuple[str, ...]) -> str:
    return next((content for file in files if group and (content := group.read(file))), "")


def _power(process: Process) -> list[Fact]:
    return [
        _told(
            not process.capabilities("CapBnd") & 1 << NUMBERS["CAP_SYS_ADMIN"],
            8,
            text("CAP_SYS_ADMIN is not in its bounding set", "CapBnd 里没有 CAP_SYS_ADMIN"),
            text("PR_CAPBSET_DROP for each that a container does not need", "容器不需要的权能，逐个 PR_CAPBSET_DROP"),
        ),
        _told(
            process.status("NoNewPrivs") == "1",
            8,
            text("no program in there can gain power", "里面的程序不能再得到新的权限"),
            text("PR_SET_NO_NEW_PRIVS", "设置 PR_SET_NO_NEW_PRIVS"),
        ),
    ]


def _process(process: Process) -> list[Fact]:
    descriptors = set(os.listdir(f"{process.directory}/fd")) if process.state() else set()
    return [
        _told(
            descriptors <= {"0", "1", "2"},
            4,
            text("it has no descriptor of the host's open", "它没有打开宿主机的其他文件描述符"),
            text(
                f"it has {', '.join(sorted(descriptors - set('012')))}: a directory among them leads out",
                f"它还打开着 {'、'.join(sorted(descriptors - set('012')))}：其中若有目录，就能逃出去",
            ),
        ),
    ]


def _file(path: str) -> str:
    """Return which file a path leads to, '' if it leads nowhere."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}"


def _device(path: str) -> int:
    try:
        return os.stat(path).st_rdev
    except OSError:
        return -1  # there is none


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return "none"  # no /proc, or not its own
