"""Remove what nothing uses, of one kind: containers that have ended, images, what builds have kept, volumes, networks."""

from __future__ import annotations

from mydocker.engine.catalog import caches, verbs
from mydocker.engine.catalog.images import Image, all_images
from mydocker.engine.connection import networks, unplug
from mydocker.engine.container.remove import remove as remove_container
from mydocker.engine.record import containers, filters, state
from mydocker.engine.record.damage import DEAD
from mydocker.engine.record.sizes import written
from mydocker.engine.system import usage
from mydocker.engine.volume import volumes
from mydocker.errors import Conflict, Damaged, Error, NotFound
from mydocker.network import records as network_records
from mydocker.storage import drivers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.steps.base import Run


class Pruning:
    """What was removed of one kind.

    kind: as events call it
    run: returns the run that executes the steps of a removal
    tell: is told why an object could not be removed
    lines: what docker prints of it
    reclaimed: the bytes that are free now
    failed: whether something could not be removed
    """

    def __init__(self, paths: Paths, kind: str, run: Callable[[], Run], tell: Callable[[Error], None]) -> None:
        self.paths = paths
        self.kind = kind
        self.run = run
        self.tell = tell
        self.lines: list[str] = []
        self.reclaimed = 0
        self.failed = False

    def each(self, names: Iterable[str], remove: Callable[[str], list[str]]) -> None:
        """Remove objects one after the other, and go on after a failure. remove: returns the lines to print."""
        for name in names:
            try:
                self.lines += remove(name)
            except Error as error:
                self.tell(error)
                self.failed = True


def of_containers(pruning: Pruning, texts: tuple[str, ...]) -> None:
    """Remove the containers that do not run and fit the filters. Raises BadInput, as the others do."""
    paths = pruning.paths
    fits = filters.prune_filter(texts, lambda record: record["config"]["Labels"], lambda record: record["createTime"])
    doomed = {r["id"]: r for r in containers.every(paths) if _status(paths, r) in ("created", "exited") and fits(r)}

    def remove(container_id: str) -> list[str]:
        size = written(paths, doomed[container_id])
        remove_container(paths, container_id, doomed[container_id]["name"], False, False, pruning.run())
        pruning.reclaimed += size
        return [container_id]

    pruning.each(doomed, remove)


def _status(paths: Paths, record: Record) -> str:
    try:
        return state.status(paths, record)
    except Damaged:
        return DEAD


def of_images(pruning: Pruning, everything: bool, texts: tuple[str, ...]) -> None:
    """Remove the images that no container was made from. everything: also those with a name."""
    fits = filters.prune_filter(texts, lambda image: image.config.get("Labels"), lambda image: image.created)
    found = [image for image in all_images(pruning.paths) if not image.is_cache and (everything or not image.names) and fits(image)]
    _remove_images(pruning, found)


def of_builds(pruning: Pruning, texts: tuple[str, ...] = ()) -> None:
    """Remove what builds keep for the next build: the images of their steps, and the caches of RUN --mount that no build uses."""
    paths = pruning.paths
    fits = filters.prune_filter(texts, lambda image: image.config.get("Labels"), lambda image: image.created)
    _remove_images(pruning, [image for image in all_images(paths) if image.is_cache and fits(image)])

    def remove(path: str) -> list[str]:
        size = caches.size(path)
        step = caches.RemoveCache(path)
        pruning.run().apply(step)
        pruning.reclaimed += size if step.removed else 0
        return ["deleted: cache " + path.removeprefix(f"{paths.caches}/")] if step.removed else []

    pruning.each([] if texts else caches.every(paths), remove)  # nothing says when a cache was made, or has labels for it


def _remove_images(pruning: Pruning, found: list[Image]) -> None:
    paths = pruning.paths
    doomed = [f"sha256:{image.id}" for image in found if not verbs.using(paths, image)]
    every = [drivers.driver(name, paths) for name in drivers.NAMES]
    before = usage.Images(paths).share().size if doomed else 0

    def remove(name: str) -> list[str]:
        try:
            lines = verbs.remove(paths, every, name, True, pruning.run())
            return [line[0].lower() + line[1:] for line in lines]
        except NotFound:
            return []  # somebody else has removed it

    pruning.each(doomed, remove)
    pruning.reclaimed = before - usage.Images(paths).share().size if doomed else 0


def of_volumes(pruning: Pruning, everything: bool, texts: tuple[str, ...]) -> None:
    """Remove the volumes that no container mounts. everything: also those that somebody gave a name"""
    paths = pruning.paths
    fits = filters.prune_filter(texts, lambda record: record["labels"], None)
    found = [record for record, is_damaged in volumes.every(paths) if not is_damaged]
    doomed = [record["name"] for record in found if (everything or record["anonymous"]) and fits(record)]

    def remove(name: str) -> list[str]:
        size = volumes.size(paths, name)
        pruning.run().execute(volumes.remove_steps(paths, name))
        pruning.reclaimed += size
        return [name]

    pruning.each((name for name in doomed if not volumes.users(paths, name)), remove)


def of_networks(pruning: Pruning, texts: tuple[str, ...]) -> None:
    """Remove the networks that no running container is on. The default one is removed too: it is made again when it is needed."""
    paths = pruning.paths
    fits = filters.prune_filter(texts, lambda record: record["labels"], lambda record: record["createdAt"])

    def remove(name: str) -> list[str]:
        try:
            networks.remove(paths, made[name], pruning.run())
        except (NotFound, Conflict):
            return []  # somebody has removed it, or uses it now
        return [name]

    made = {record["name"]: record for record in network_records.every(paths) if fits(record)}
    pruning.each((name for name in made if not unplug.users(paths, name)), remove)
