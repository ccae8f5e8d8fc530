"""Lesson 6: a limit that was hit, and a processor that is shared one to two."""

from __future__ import annotations

from time import sleep

from mydocker.cgroups.group import Group, walk_up
from mydocker.cgroups.stats import oom_kills
from mydocker.learn.facts import Fact, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look below $MEMORY for the limit and the count of OOM kills, below $CPU for the weight, at Cpus_allowed_list in /proc/PID/status.",
    "在 $MEMORY 下看上限和 OOM 次数，在 $CPU 下看权重，再看 /proc/PID/status 里的 Cpus_allowed_list。",
)
MANUAL = manual(
    "cgroups(7), taskset(1)",
    "the kernel's cgroup-v1/memory.rst or cgroup-v2.rst",
    "内核文档 cgroup-v1/memory.rst 或 cgroup-v2.rst",
)
NEEDS: tuple[str, ...] = ("memory", "cpu")
ALSO: tuple[str, ...] = ()
RUN = ("-m", "100m", "--cpu-shares", "512", "busybox", "true")
STEPS = "(memory|cpu)[.][a-z_.]+$|(memory|cpu)/mydocker.*(cgroup.procs|tasks)$|fs/cgroup/mydocker.*(cgroup.procs$|born)"
_LIMIT = 100 << 20
_MEASURED = 0.5
_LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")
_WEIGHT_FILES = ("cpu.weight", "cpu.shares")


def facts(scene: Scene) -> list[Fact]:
    memory = _memory(scene) if scene.layout.find("memory") else []
    cpu = _cpu(scene) if scene.layout.find("cpu") else []
    return memory + cpu


def _memory(scene: Scene) -> list[Fact]:
    limited = [group for group in _groups(scene, "memory") if _first(group, _LIMIT_FILES) == str(_LIMIT)]
    killed = sum(oom_kills(group) or 0 for group in limited)
    return [
        fact(
            bool(limited),
            text("a cgroup has a limit of 100 MiB", "有一个 cgroup 的内存上限是 100 MiB"),
            text(
                f"no cgroup below $MEMORY says {_LIMIT} in its file {_present(scene, 'memory', _LIMIT_FILES)}: write 100M",
                f"$MEMORY 下没有哪个 cgroup 的 {_present(scene, 'memory', _LIMIT_FILES)} 是 {_LIMIT}：写入 100M",
            ),
        ),
        fact(
            killed > 0,
            text("the kernel has counted an OOM kill there", "内核在那里记下了 OOM 杀死进程的次数"),
            text(
                "nothing was killed there: a process in it must want more, such as `tail /dev/zero`, and may not get it from swap",
                "那里还没有进程被杀：要有进程在里面申请更多内存，例如 tail /dev/zero，并且不能用交换空间",
            ),
        ),
    ]


def _cpu(scene: Scene) -> list[Fact]:
    loops = sorted((each for each in scene.marked("limits") if each.state() == "R"), key=lambda each: each.pid)[:2]
    two = fact(
        len(loops) == 2,
        text("two processes with LESSON=limits are busy", "两个带 LESSON=limits 的进程正忙着运算"),
        text(
            "start two loops: env LESSON=limits sh -c 'while :; do :; done' &",
            "启动两个死循环：env LESSON=limits sh -c 'while :; do :; done' &",
        ),
    )
    return [two, *_shared(scene, loops)] if len(loops) == 2 else [two]


def _shared(scene: Scene, loops: list[Process]) -> list[Fact]:
    allowed = {each.status("Cpus_allowed_list") for each in loops}
    weights = sorted(int(_first(each.limits(scene.layout, "cpu"), _WEIGHT_FILES) or 0) for each in loops)
    used = _used(loops)
    file = _present(scene, "cpu", _WEIGHT_FILES)
    percent = round(100 * used[0] / (sum(used) or 1))
    return [
        fact(
            len(allowed) == 1 and allowed.pop().isdigit(),
            text("both may use one processor, the same", "两个进程只能用同一个处理器"),
            text("each has a processor to itself, so nothing is shared: taskset -c 0", "它们各用一个处理器，谈不上分享：用 taskset -c 0"),
        ),
        fact(
            0 < 2 * weights[0] == weights[1],
            text("their cgroups have the weights 1 to 2", "它们的 cgroup 权重是 1 比 2"),
            text(
                f"the weights are {weights[0]} and {weights[1]}: each loop needs a cgroup of its own, with its {file}",
                f"权重是 {weights[0]} 和 {weights[1]}：每个循环要有自己的 cgroup，并设置其中的 {file}",
            ),
        ),
        fact(
            27 <= percent <= 40,
            text(f"one gets a third of the time: {percent} % were measured", f"其中一个得到三分之一的时间：实测 {percent} %"),
            text(f"the slower one gets {percent} % of what both get, not a third", f"较慢的一个得到 {percent} %，不是三分之一"),
        ),
    ]


def _used(loops: list[Process]) -> list[int]:
    """Return how long each was on a processor meanwhile, in ascending order (the first field of schedstat, nanoseconds)."""
    before = [_on_processor(each) for each in loops]
    sleep(_MEASURED)
    return sorted(_on_processor(each) - past for each, past in zip(loops, before, strict=True))


def _on_processor(process: Process) -> int:
    return int((process.read("schedstat").split() or ["0"])[0])


def _groups(scene: Scene, controller: str) -> list[Group]:
    """Return the cgroups below the lab's own, without that one."""
    hierarchy = scene.layout.find(controller)
    assert hierarchy
    top = scene.keeper.group(hierarchy).directory.removesuffix("/shell")
    return [Group(hierarchy, path.removeprefix(hierarchy.mount)) for path in walk_up(top) if path != top]


def _first(group: Group | None, files: tuple[str, ...]) -> str:
    """Return what the first file that a cgroup has says."""
    return next((content for file in files if group and (content := group.read(file))), "")


def _present(scene: Scene, controller: str, files: tuple[str, ...]) -> str:
    """Return which of two files this machine has: that of version 2, or that of version 1."""
    hierarchy = scene.layout.find(controller)
    return files[0] if hierarchy and hierarchy.version == 2 else files[1]
