"""Finding what a crash left, and removing it. What is only damaged is no leftover: damage.py finds that, and puts it away.

Nothing in mydocker needs a clean end: whatever has no living owner is a leftover. A container that is being created,
started or removed is owned by whoever holds its lock; one that runs, by its processes; a name, by the container whose
id it holds; a directory under STATE, a cgroup and a mount, by a container that runs.
"""

from __future__ import annotations

import os
from functools import partial

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.catalog import verbs
from mydocker.engine.connection import repair as connections
from mydocker.engine.container.claim import was_renamed
from mydocker.engine.container.orphans import discard, half_made, settle
from mydocker.engine.record import containers, locks, state
from mydocker.engine.system import damage
from mydocker.engine.system.leftover import Leftover, trying
from mydocker.errors import Damaged, Error, attempt
from mydocker.images import staging
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import is_id
from mydocker.kernel import tasks
from mydocker.storage.drivers import NAMES, driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mydocker.cgroups.manager import CgroupManager
    from mydocker.paths import Paths


def leftovers(paths: Paths) -> Iterator[Leftover]:
    """Yield everything that is damaged, and everything that a crash left and no living process owns.

    Lazily, so that whoever repairs each as it comes also meets what only shows when that is gone, such as a name.
    """
    yield from damage.found(paths)
    yield from _containers(paths)
    yield from _states(paths)
    yield from _cgroups(paths)
    yield from _network(paths)
    yield from _names(paths)
    yield from _temporaries(paths)
    yield from _images(paths)
    yield from _layers(paths)


def _containers(paths: Paths) -> list[Leftover]:
    found = []
    for container_id in containers.ids(paths):
        reason = half_made(paths, container_id)
        if reason:
            found.append(Leftover(what=f"container {container_id[:12]}: {reason}", repair=partial(discard, paths, container_id)))
    return found


def _states(paths: Paths) -> list[Leftover]:
    """Runs that nobody supervises any more: their record says what is known, the rest goes."""
    return [
        Leftover(what=f"state of container {i[:12]}, which does not run", repair=partial(settle, paths, i))
        for i in _listed(paths.state)
        if len(i) == 64 and not state.is_busy(paths, i) and not state.may_run(paths, i) and not state.has_monitor(paths, i)
    ]


def _cgroups(paths: Paths) -> list[Leftover]:
    """Cgroups of our containers that do not run. Every ROOT shares /mydocker: what no container of ours has there is another's."""
    layout = Layout.detect(paths)
    found = []
    for container_id in containers.ids(paths):
        cgroup = manager(layout, state.cgroup(paths, container_id))
        if _is_without_run(paths, container_id, cgroup):
            found.append(Leftover(what=f"cgroup {cgroup.path}", repair=partial(_remove_cgroup, paths, container_id, cgroup)))
    return found


def _is_without_run(paths: Paths, container_id: str, cgroup: CgroupManager) -> bool:
    """Say whether a cgroup is there, empty, and nobody runs or starts its container: whoever does has made STATE/ID before it."""
    is_owned = state.is_busy(paths, container_id) or os.path.isdir(paths.running(container_id))
    return not is_owned and cgroup.exists() and not cgroup.pids()


def _remove_cgroup(paths: Paths, container_id: str, cgroup: CgroupManager) -> list[Error]:
    """Remove a cgroup, unless its container is started meanwhile."""
    problems: list[Error] = []
    with locks.ContainerLock(paths, container_id):
        if not os.path.isdir(paths.running(container_id)):
            attempt(problems, cgroup.remove)
    return problems


def _network(paths: Paths) -> Iterator[Leftover]:
    for what, mend in connections.leftovers(paths):
        yield Leftover(what=what, repair=trying(mend))
    for what, mend in connections.missing(paths):
        yield Leftover(what=what, repair=trying(mend), done="written anew:")


def _names(paths: Paths) -> list[Leftover]:
    found = []
    for name in _listed(paths.names):
        if name.startswith("."):
            continue  # a claim that is being made
        owner = store.claimed_by(f"{paths.names}/{name}")
        if owner is None or not is_id(owner):
            continue
        if not os.path.isdir(paths.container(owner)):
            reason = "a container that is gone"
        elif was_renamed(paths, owner, name):
            reason = f"container {owner[:12]}, which has another one"
        else:
            continue
        found.append(Leftover(what=f"name {name!r} of {reason}", repair=trying(store.release, f"{paths.names}/{name}", owner)))
    return found


def _temporaries(paths: Paths) -> list[Leftover]:
    """What writers and removers that died had not finished, see store.temporary()."""
    own = [place for i in containers.ids(paths) for place in (paths.container(i), paths.container(i) + "/bundle")]
    found = []
    own += [f"{paths.caches}/{key}" for key in _listed(paths.caches)]
    for directory in (paths.root, paths.state, paths.names, paths.containers, paths.volumes, paths.networks, paths.cache, *own):
        for name in _listed(directory):
            writer = store.writer_of(name)
            if writer and tasks.start_time(writer, paths.proc) is None:  # a zombie writes nothing more
                path = f"{directory}/{name}"
                found.append(Leftover(what=f"temporary file {path}", repair=trying(store.remove_tree, path)))
    return found


def _images(paths: Paths) -> list[Leftover]:
    """What imports, commits and removals that died left among the images."""
    layout = ImageLayout(paths.images)
    try:
        left = staging.leftovers(layout)
    except Damaged:
        return []  # its lock, which has been told of
    return [Leftover(what=f"image data {path}", repair=trying(staging.leftovers, layout, True)) for path in left]


def _layers(paths: Paths) -> list[Leftover]:
    """Layers whose unpacking died, and unpacked ones that no image and no container needs."""
    every = [driver(name, paths) for name in NAMES]
    unpacking = [path for storage in every for path in half_unpacked(storage.layers, paths.proc)]
    unneeded = verbs.unneeded_layers(paths, sorted({i for storage in every for i in _listed(storage.layers) if is_id(i)}))
    removal = verbs.RemoveLayers(paths, every, unneeded)
    return [
        *(Leftover(what=f"half-unpacked layer {path}", repair=trying(store.remove_tree, path)) for path in unpacking),
        *(Leftover(what=f"layer {i} that nothing needs", repair=trying(removal.apply)) for i in unneeded),
    ]


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []


def half_unpacked(layers: str, proc: str = "/proc") -> list[str]:
    """Return the paths of half-unpacked layers (CHAINID.PID.partial) whose process is gone."""
    found = []
    for name in os.listdir(layers) if os.path.isdir(layers) else []:
        parts = name.split(".")
        if parts[-1] == "partial" and tasks.start_time(int(parts[-2]), proc) is None:
            found.append(f"{layers}/{name}")
    return found
