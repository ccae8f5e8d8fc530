"""Lesson 16: a start that was cut off where most is left of it, and then nothing that is left.

The two cannot be true at once. So a check that has seen the first writes that down (lab/plug.json), and a later one looks for the second.
"""

from __future__ import annotations

import json
import os
from errno import ENOENT

from mydocker import store
from mydocker.kernel.files import Allowing
from mydocker.learn.facts import Fact, all_hold, fact
from mydocker.learn.scene import MARK
from mydocker.learn.texts import manual, text
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mydocker.learn.process import Process
    from mydocker.learn.scene import Scene

LOOK = text(
    "Look at the steps in their order (mydocker --dry-run run busybox true), and at `mydocker system check` after you cut after one.",
    "按顺序看各个步骤（mydocker --dry-run run busybox true），在某一步之后拔掉电源，再看 mydocker system check 怎么说。",
)
MANUAL = manual("kill(1), unshare(1) (--kill-child), pid_namespaces(7), flock(1), rename(2), fsync(2)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "flock its lock|claim the|^write the record|cgroup mode|/run/mydocker"
_SEEN = {"id!": "text"}
# What a cut in the middle of a start can leave: (key, English, Chinese).
_KINDS = {
    "record": ("record", "记录"),
    "name": ("name", "名字"),
    "state": ("directory in /run", "/run 里的目录"),
    "cgroup": ("cgroup", "cgroup"),
    "address": ("address", "地址"),
}


class Cut(Value):
    """A start with the mark, as it is now."""

    id: str
    status: str
    owner: Process | None  # who holds its lock
    left: dict[str, str]  # kind → path, of what there is


def facts(scene: Scene) -> list[Fact]:
    seen = _seen(scene)
    if seen:
        return [*_cut_off(None), _repaired(_left(scene, seen))]
    cuts = [_looked_at(scene, container) for container in _marked(scene)]
    found = max(([*_cut_off(each)] for each in cuts), key=_count, default=[_nothing()])
    if all_hold(found) and len(found) == len(_cut_off(None)):
        cut = next(each for each in cuts if all_hold(_cut_off(each)))
        _remember(scene, cut.id)
        return [*found, _repaired(cut.left)]
    return found


def _count(facts: list[Fact]) -> int:
    return sum(each.holds for each in facts)


def _nothing() -> Fact:
    return fact(
        False,
        text(f"a start with {MARK}=plug was cut off", f"一次带 {MARK}=plug 的启动被打断了"),
        text(
            "nothing is left of any. If you have repaired it already: do it again, and check before you repair, too",
            "一点残留也没有。如果已经修复过了，请再来一次，并在修复之前也检查一次",
        ),
    )


def _cut_off(cut: Cut | None) -> list[Fact]:
    """Return what must be true of a start that was cut off. None: it was, an earlier check has seen it"""
    status = cut.status if cut else "creating"
    pid = cut.owner.pid if cut and cut.owner else 0
    missing = [kind for kind in _KINDS if cut and kind not in cut.left]
    return [
        fact(
            status == "creating",
            text(f"a start with {MARK}=plug was cut off", f"一次带 {MARK}=plug 的启动被打断了"),
            text(
                f"it got through: its record says {status}. With the client alone the power has not failed: the monitor must go, too",
                f"它启动成功了：记录里的状态是 {status}。只杀客户端不算断电，monitor 也要一起杀掉",
            ),
        ),
        fact(
            not pid,
            text("nobody owns what is left of it", "残留的东西没有主人"),
            text(
                f"process {pid} lives and holds its lock: this start only waits. kill -9, all of its processes at once",
                f"进程 {pid} 还活着，锁在它手里：这次启动只是在等待。要用 kill -9 把它的进程一次全部杀掉",
            ),
        ),
        fact(
            not missing,
            text("so much is left as can be: name, record, cgroup, address", "残留得最多：名字、记录、cgroup、地址都在"),
            text(
                f"there was no {' and no '.join(_KINDS[kind][0] for kind in missing)} yet: cut after a later step",
                f"那时还没有{'、'.join(_KINDS[kind][1] for kind in missing)}：要在更靠后的步骤之后打断",
            ),
        ),
    ]


def _repaired(left: dict[str, str]) -> Fact:
    first = next((path.replace(os.path.basename(path), os.path.basename(path)[:12]) for path in left.values()), "")
    return fact(
        not left,
        text("and after the repair nothing is", "修复之后什么也没剩下"),
        text(
            f"{first} is still there: mydocker system check --repair, and check again",
            f"{first} 还在：运行 mydocker system check --repair，然后再检查一次",
        ),
    )


def _above(scene: Scene) -> str:
    return os.path.dirname(scene.work)


def _seen(scene: Scene) -> str:
    """Return the id of a start that an earlier check saw cut off, or ''."""
    with Allowing(ENOENT):
        return str(store.read_document(f"{_above(scene)}/plug.json", _SEEN)["id"])
    return ""


def _remember(scene: Scene, container: str) -> None:
    store.write_json(f"{_above(scene)}/plug.json", {"id": container}, sync=False)


def _marked(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield (id, status) of each container of the lab whose record has the mark."""
    above = f"{_above(scene)}/root/containers"
    for name in os.listdir(above) if os.path.isdir(above) else []:
        with Allowing(ENOENT), open(f"{above}/{name}/config.json", encoding="utf-8") as file:
            record = json.load(file)
            if f"{MARK}=plug" in record["config"]["Env"]:
                yield name, record["status"]


def _looked_at(scene: Scene, container: tuple[str, str]) -> Cut:
    name, status = container
    return Cut(id=name, status=status, owner=_owner(scene, name), left=_left(scene, name))


def _owner(scene: Scene, container: str) -> Process | None:
    """Return a process of the lab that has a container's lock open, or None."""
    with Allowing(ENOENT):
        lock = os.stat(f"{_above(scene)}/root/containers/{container}/lock")
        return next((each for each in scene.processes if _has_open(each, lock)), None)
    return None


def _has_open(process: Process, file: os.stat_result) -> bool:
    directory = f"{process.directory}/fd"
    with Allowing(ENOENT):
        for name in os.listdir(directory):
            with Allowing(ENOENT):
                if os.path.samestat(os.stat(f"{directory}/{name}"), file):
                    return True
    return False


def _left(scene: Scene, container: str) -> dict[str, str]:
    """Return {kind: path} of all that is there of a container."""
    root, state = f"{_above(scene)}/root", "/run/mydocker"
    inside = f"{scene.keeper.directory}/root{state}"
    places = {
        "record": [f"containers/{container}"] if os.path.isdir(f"{root}/containers/{container}") else [],
        "name": _claims(f"{root}/names", "names", container),
        "state": [f"{state}/{container}"] if os.path.isdir(f"{inside}/{container}") else [],
        "cgroup": _groups(scene, container),
        "address": _claims(f"{inside}/networks/bridge", f"{state}/networks/bridge", container),
    }
    return {kind: found[0] for kind, found in places.items() if found}


def _claims(directory: str, shown: str, container: str) -> list[str]:
    """Return the claims in a directory whose owner is a container."""
    found = []
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        with Allowing(ENOENT), open(f"{directory}/{name}", encoding="utf-8") as file:
            if file.read().strip() == container:
                found.append(f"{shown}/{name}")
    return found


def _groups(scene: Scene, container: str) -> list[str]:
    """Return a container's cgroups. They are below the lab's, whose processes begin in its child `shell`."""
    groups = (scene.keeper.group(hierarchy) for hierarchy in scene.layout.hierarchies)
    places = (f"{group.directory.removesuffix('/shell')}/mydocker/{container}" for group in groups)
    return [f"cgroup /mydocker/{container}" for place in places if os.path.isdir(place)][:1]
