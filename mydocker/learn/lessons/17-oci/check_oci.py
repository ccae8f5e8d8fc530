"""Lesson 17: two processes in containers of two runtimes, which the kernel treats alike."""

from __future__ import annotations

import json
import os
from itertools import combinations

from mydocker.learn.asking import ask
from mydocker.learn.facts import Fact, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import MARK, nobody
from mydocker.learn.texts import manual, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.learn.scene import Scene

LOOK = text(
    "Look at both processes side by side: grep -E 'Uid|Cap|NoNewPrivs|Seccomp' /proc/PID/status, and `ls -l /proc/PID/ns`.",
    "把两个进程放在一起看：grep -E 'Uid|Cap|NoNewPrivs|Seccomp' /proc/PID/status，以及 ls -l /proc/PID/ns。",
)
MANUAL = manual(
    "runc(8), runc-run(8), crun(1)",
    "the OCI runtime specification: config.md, config-linux.md, runtime.md",
    "OCI 运行时规范里的 config.md、config-linux.md 和 runtime.md",
)
NEEDS = ("runc|crun",)
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "bundle|unshare|pivot_root|execve"
_WHERE = text(
    f"there is none: `{MARK}=oci` is to be in process.env of config.json, and the container in the background: NAME run -d ...",
    f"没有这样的进程：{MARK}=oci 要写在 config.json 的 process.env 里，并让容器在后台运行：NAME run -d ...",
)
_DEEPEST = 4  # directories below /run in which runtimes keep what they know: crun has user/0/crun/ID where XDG_RUNTIME_DIR is set


def facts(scene: Scene) -> list[Fact]:
    marked = scene.marked("oci")
    if not marked:
        return [fact(False, nobody("oci").sentence, _WHERE)]
    contained = [each for each in marked if each.innermost_pid() == 1 and not scene.is_hosts(each, "mnt")]
    owners = dict(_owners(f"{scene.keeper.directory}/root/run"))
    pairs = [_judge(scene, pair, owners) for pair in combinations(sorted(contained, key=lambda each: each.pid), 2)]
    two = fact(
        bool(pairs),
        text("two containers run, each with its own pids and mounts", "有两个容器在运行，各有自己的 pid 和挂载"),
        text(
            f"of {len(marked)} processes with {MARK}=oci {len(contained)} are pid 1 of a container: "
            f"the mark is to be in process.env of config.json, and process.terminal is false for `run -d` without a console socket",
            f"带 {MARK}=oci 的进程有 {len(marked)} 个，其中 {len(contained)} 个是容器的 1 号进程："
            f"标记要写在 config.json 的 process.env 里；用 run -d 又没有 console socket 时，process.terminal 要是 false",
        ),
    )
    return [two, *max(pairs, key=_count, default=[])]


def _count(facts: list[Fact]) -> int:
    return sum(each.holds for each in facts)


def _judge(scene: Scene, pair: tuple[Process, ...], owners: dict[int, str]) -> list[Fact]:
    names = [owners.get(each.pid, "") for each in pair]
    differing = [name for name, look in _LOOKS.items() if look(scene, pair[0]) != look(scene, pair[1])]
    seen = [_LOOKS[differing[0]](scene, each) for each in pair] if differing else ["", ""]
    return [
        fact(
            len({*names}) == 2 and all(names),
            text("two runtimes started them", "它们由两个运行时启动"),
            text(
                f"in /run their runtimes are {_listed(names, 'unknown')}: start the second one with another (runc, crun, mydocker-oci)",
                f"/run 里记录的运行时是 {_listed(names, '未知')}：第二个要换一个运行时启动，例如 runc、crun、mydocker-oci",
            ),
        ),
        fact(
            not differing,
            text("the kernel treats them alike", "内核对它们一视同仁"),
            text(
                f"{', '.join(differing)} differ: {seen[0]!r} and {seen[1]!r}. Is it the same config.json?",
                f"{'、'.join(differing)} 不同：{seen[0]!r} 与 {seen[1]!r}。用的是同一个 config.json 吗？",
            ),
        ),
    ]


def _listed(names: list[str], unknown: str) -> str:
    return ", ".join(name or unknown for name in names)


def _status(field: str) -> Callable[[Scene, Process], str]:
    return lambda scene, process: " ".join(process.status(field).split())


def _own_namespaces(scene: Scene, process: Process) -> str:
    return " ".join(kind for kind in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts") if not scene.is_hosts(process, kind))


# What is compared, in the words that proc(5) and namespaces(7) have for it.
_LOOKS: dict[str, Callable[[Scene, Process], str]] = {
    "cmdline": lambda scene, process: process.read("cmdline").replace("\0", " ").strip(),
    "ns": _own_namespaces,
    **{field: _status(field) for field in ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")},
    "hostname": lambda scene, process: ask(process, "uts", lambda: os.uname().nodename),
}


def _owners(above: str) -> Iterator[tuple[int, str]]:
    """Yield (pid, runtime) of each container of which a runtime keeps something below a directory."""
    for directory, names, files in os.walk(above):
        if directory.count("/") - above.count("/") >= _DEEPEST:
            names.clear()
        for file in ("state.json", "status"):
            known = _read(f"{directory}/{file}") if file in files else {}
            for field, name in _form(file, directory):
                if isinstance(pid := known.get(field), int):
                    yield pid, name


def _form(file: str, directory: str) -> list[tuple[str, str]]:
    """Return in which field of a file which runtime has a pid. runc's name is not in its path if --root was given."""
    if file == "status":
        return [("pid", "crun")]
    return [("init_process_pid", "runc"), ("pid", "mydocker" if "/run/mydocker/" in directory else "mydocker-oci")]


def _read(path: str) -> dict[str, object]:
    """Return a JSON object, {} if it has just been removed or is none."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
