"""Finding what a crash left, and removing it.

Nothing in mydocker needs a clean end: whatever has no living owner is a leftover. A container that is being created,
started or removed is owned by whoever holds its lock; one that runs, by its processes; a name, by the container whose
id it holds; a directory under STATE, a cgroup and a mount, by a container that runs.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.catalog import imagestore
from mydocker.engine.connection import netrepair
from mydocker.engine.container.claim import was_renamed
from mydocker.engine.container.orphans import discard, half_made, settle
from mydocker.engine.monitor import remove
from mydocker.engine.record import containers, state
from mydocker.errors import Damaged, Error
from mydocker.images import layout as images
from mydocker.images import staging
from mydocker.images.reference import is_id
from mydocker.storage.base import leftovers as half_unpacked
from mydocker.storage.drivers import NAMES, driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.paths import Paths

CGROUP_PARENT = "/mydocker"


class Leftover:
    """One thing without an owner: what it is, and how to remove it (returns what could not be)."""

    __slots__ = ("what", "repair")

    def __init__(self, what: str, repair: Callable[[], list[Error]]) -> None:
        self.what = what
        self.repair = repair


def leftovers(paths: Paths) -> Iterator[Leftover]:
    """Yield everything that a crash left and no living process owns.

    Lazily, so that whoever repairs each as it comes also meets what only shows when that is gone, such as a name.
    """
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
            found.append(Leftover(f"container {container_id[:12]}: {reason}", lambda i=container_id: discard(paths, i)))  # type: ignore[misc]
    return found


def _states(paths: Paths) -> list[Leftover]:
    """Runs that nobody supervises any more: their record says what is known, the rest goes."""
    return [
        Leftover(f"state of container {i[:12]}, which does not run", lambda i=i: settle(paths, i))  # type: ignore[misc]
        for i in _listed(paths.state)
        if len(i) == 64 and not state.running_pid(paths, i) and not state.has_monitor(paths, i) and not state.is_busy(paths, i)
    ]


def _cgroups(paths: Paths) -> list[Leftover]:
    layout = Layout.detect(paths)
    present = {name for hierarchy in layout.hierarchies for name in _listed(hierarchy.mount + CGROUP_PARENT)}
    orphans = [i for i in sorted(present) if len(i) == 64 and not os.path.isdir(paths.running(i)) and not state.is_busy(paths, i)]
    found = []
    for container_id in orphans:
        cgroup = manager(layout, f"{CGROUP_PARENT}/{container_id}")
        if not cgroup.pids():
            found.append(Leftover(f"cgroup {CGROUP_PARENT}/{container_id}", lambda c=cgroup: _removed(c.remove)))  # type: ignore[misc]
    return found


def _network(paths: Paths) -> Iterator[Leftover]:
    for what, repair in netrepair.leftovers(paths):
        yield Leftover(what, lambda r=repair: _removed(r))  # type: ignore[misc]


def _names(paths: Paths) -> list[Leftover]:
    found = []
    for name in _listed(paths.names):
        if name.startswith("."):
            continue  # a claim that is being made
        owner = store.claimed_by(f"{paths.names}/{name}")
        if owner is None:
            continue
        if not os.path.isdir(paths.container(owner)):
            reason = "a container that is gone"
        elif was_renamed(paths, owner, name):
            reason = f"container {owner[:12]}, which has another one"
        else:
            continue
        claim = (f"{paths.names}/{name}", owner)
        found.append(Leftover(f"name {name!r} of {reason}", lambda c=claim: _removed(lambda: store.release(*c))))  # type: ignore[misc]
    return found


def _temporaries(paths: Paths) -> list[Leftover]:
    """What writers and removers that died had not finished, see store.temporary()."""
    own = [place for i in containers.ids(paths) for place in (paths.container(i), paths.container(i) + "/bundle")]
    found = []
    for directory in (paths.root, paths.state, paths.names, paths.volumes, paths.networks, paths.cache, *own):
        for name in _listed(directory):
            writer = store.writer_of(name)
            if writer and not os.path.exists(f"{paths.proc}/{writer}"):
                path = f"{directory}/{name}"
                found.append(Leftover(f"temporary file {path}", lambda p=path: _removed(lambda: store.remove_tree(p))))  # type: ignore[misc]
    return found


def _images(paths: Paths) -> list[Leftover]:
    """What imports, commits and removals that died left among the images."""
    layout = images.Layout(paths.images)
    try:
        left = staging.leftovers(layout)
    except Damaged as error:
        return [_unrepairable(error)]
    return [Leftover(f"image data {path}", lambda: _removed(lambda: staging.leftovers(layout, remove=True))) for path in left]


def _layers(paths: Paths) -> list[Leftover]:
    """Layers whose unpacking died, and unpacked ones that no image and no container needs."""
    every = [driver(name, paths) for name in NAMES]
    partial = [path for storage in every for path in half_unpacked(storage.layers)]
    try:
        needed = imagestore.needed_layers(paths)
    except Damaged as error:
        return [_unrepairable(error)]
    unneeded = sorted({i for storage in every for i in _listed(storage.layers) if is_id(i) and i not in needed})
    removal = imagestore.RemoveLayers(paths, every, unneeded)
    return [
        *(Leftover(f"half-unpacked layer {path}", lambda p=path: _removed(lambda: store.remove_tree(p))) for path in partial),  # type: ignore[misc]
        *(Leftover(f"layer {i} that nothing needs", lambda: _removed(removal.apply)) for i in unneeded),
    ]


def _unrepairable(error: Damaged) -> Leftover:
    return Leftover(error.message, lambda: [error])


def _removed(action: Callable[[], object]) -> list[Error]:
    problems: list[Error] = []
    remove.attempt(problems, action)
    return problems


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
