"""The verbs container, image, builder, volume, network and system prune: remove what nothing uses."""

from __future__ import annotations

from mydocker.cli.asking import confirmed
from mydocker.cli.base import EXPLAIN, Session, complain_about, echo
from mydocker.cli.execution import runner
from mydocker.cli.ps import records
from mydocker.cli.rm import removal
from mydocker.cli.rows import filter_option
from mydocker.cli.verb import switch, verb
from mydocker.engine.catalog import caches, verbs
from mydocker.engine.catalog.images import Image, all_images
from mydocker.engine.connection import networks, unplug
from mydocker.engine.record import events, filters, state
from mydocker.engine.record.damage import DEAD
from mydocker.engine.record.sizes import written
from mydocker.engine.system import usage
from mydocker.engine.view import human
from mydocker.engine.volume import volumes
from mydocker.errors import BadInput, Conflict, Damaged, Error, NotFound
from mydocker.network import records as network_records
from mydocker.storage import drivers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mydocker.engine.record.containers import Record

_FORCE = switch("-f", "--force", help="Do not ask.")
_LABELS = "label=KEY[=VALUE], label!=KEY[=VALUE]"
_FILTER = filter_option(f"until=TIME, {_LABELS}", "")
_KEPT = "what builds have kept: their steps, and the caches of RUN --mount"


class Pruned:
    """What was removed of one kind.

    kind: as events call it
    lines: what docker prints of it
    reclaimed: the bytes that are free now
    failed: whether something could not be removed
    """

    def __init__(self, session: Session, kind: str) -> None:
        self.session = session
        self.kind = kind
        self.lines: list[str] = []
        self.reclaimed = 0
        self.failed = False

    def each(self, names: Iterable[str], remove: Callable[[str], list[str]]) -> None:
        """Remove objects one after the other, and go on after a failure. remove: returns the lines to print."""
        for name in names:
            try:
                self.lines += remove(name)
            except Error as error:
                complain_about(error)
                self.failed = True


def _containers(session: Session, texts: tuple[str, ...]) -> Pruned:
    fits = filters.prune_filter(texts, lambda record: record["config"]["Labels"], lambda record: record["createTime"])
    doomed = {r["id"]: r for r in records(session) if _status(session, r) in ("created", "exited") and fits(r)}
    pruned = Pruned(session, "container")

    def remove(container_id: str) -> list[str]:
        size = written(session.paths, doomed[container_id])
        runner(session).apply(removal(session, container_id, doomed[container_id]["name"], False, False))
        pruned.reclaimed += size
        return [container_id]

    pruned.each(doomed, remove)
    return pruned


def _status(session: Session, record: Record) -> str:
    try:
        return state.status(session.paths, record)
    except Damaged:
        return DEAD


def _images(session: Session, everything: bool, texts: tuple[str, ...]) -> Pruned:
    """Remove the images that no container was made from. everything: also those with a name."""
    fits = filters.prune_filter(texts, lambda image: image.config.get("Labels"), lambda image: image.created)
    found = [image for image in all_images(session.paths) if not image.is_cache and (everything or not image.names) and fits(image)]
    return _removed_images(session, "image", found)


def _kept_by_builds(session: Session, texts: tuple[str, ...] = ()) -> Pruned:
    """Remove what builds keep for the next build: the images of their steps, and the caches of RUN --mount that no build uses."""
    fits = filters.prune_filter(texts, lambda image: image.config.get("Labels"), lambda image: image.created)
    pruned = _removed_images(session, "builder", [image for image in all_images(session.paths) if image.is_cache and fits(image)])

    def remove(path: str) -> list[str]:
        size = caches.size(path)
        step = caches.RemoveCache(path)
        runner(session).apply(step)
        pruned.reclaimed += size if step.removed else 0
        return ["deleted: cache " + path.removeprefix(f"{session.paths.caches}/")] if step.removed else []

    pruned.each([] if texts else caches.every(session.paths), remove)  # nothing says when a cache was made, or has labels for it
    return pruned


def _removed_images(session: Session, kind: str, found: list[Image]) -> Pruned:
    doomed = [f"sha256:{image.id}" for image in found if not verbs.using(session.paths, image)]
    every = [drivers.driver(name, session.paths) for name in drivers.NAMES]
    pruned = Pruned(session, kind)
    before = usage.Images(session.paths).share().size if doomed else 0

    def remove(name: str) -> list[str]:
        try:
            lines = verbs.remove(session.paths, every, name, True, runner(session))
            return [line[0].lower() + line[1:] for line in lines]
        except NotFound:
            return []  # somebody else has removed it

    pruned.each(doomed, remove)
    pruned.reclaimed = before - usage.Images(session.paths).share().size if doomed else 0
    return pruned


def _volumes(session: Session, everything: bool, texts: tuple[str, ...]) -> Pruned:
    fits = filters.prune_filter(texts, lambda record: record["labels"], None)
    found = [record for record, is_damaged in volumes.every(session.paths) if not is_damaged]
    doomed = [record["name"] for record in found if (everything or record["anonymous"]) and fits(record)]
    pruned = Pruned(session, "volume")

    def remove(name: str) -> list[str]:
        size = volumes.size(session.paths, name)
        runner(session).execute(volumes.remove_steps(session.paths, name))
        pruned.reclaimed += size
        return [name]

    pruned.each((name for name in doomed if not volumes.users(session.paths, name)), remove)
    return pruned


def _networks(session: Session, texts: tuple[str, ...]) -> Pruned:
    """Remove the networks that no running container is on. The default one is removed too: it is made again when it is needed."""
    fits = filters.prune_filter(texts, lambda record: record["labels"], lambda record: record["createdAt"])
    pruned = Pruned(session, "network")

    def remove(name: str) -> list[str]:
        try:
            networks.remove(session.paths, made[name], runner(session))
        except (NotFound, Conflict):
            return []  # somebody has removed it, or uses it now
        return [name]

    made = {record["name"]: record for record in network_records.every(session.paths) if fits(record)}
    pruned.each((name for name in made if not unplug.users(session.paths, name)), remove)
    return pruned


def _may(session: Session, force: bool, what: list[str]) -> bool:
    """Ask the user whether to go on, unless --force was given or this is a dry run."""
    if force or session.dry_run:
        return True
    text = what[0] if len(what) == 1 else "\n" + "\n".join(f"  - {line}" for line in what) + "\n"
    return confirmed(f"WARNING! This removes {text}. Go on?" if len(what) == 1 else f"WARNING! This removes:{text}Go on?")


def _tell(session: Session, *parts: Pruned) -> int:
    """Print what was removed, as docker does. Return the exit status."""
    if not session.dry_run:
        for part in parts:
            events.emit(session.paths, part.kind, "prune", "", {"reclaimed": part.reclaimed})
            if part.lines:
                heading = "Deleted build cache objects:" if part.kind == "builder" else f"Deleted {part.kind.title()}s:"
                echo("\n".join([heading, *part.lines, ""]))
        if any(part.kind != "network" for part in parts):
            echo(f"Total reclaimed space: {human.size(sum(part.reclaimed for part in parts))}")
    return int(any(part.failed for part in parts))


@verb(
    _FORCE,
    _FILTER,
    *EXPLAIN,
    name="prune",
)
def container(session: Session, force: bool, texts: tuple[str, ...]) -> int:
    """Remove all containers that do not run; their anonymous volumes stay.

    Example: mydocker container prune -f
    """
    return _tell(session, _containers(session, texts)) if _may(session, force, ["all containers that do not run"]) else 0


@verb(
    switch("-a", "--all", "everything", help="Remove images with names too."),
    _FORCE,
    _FILTER,
    *EXPLAIN,
    name="prune",
)
def image(session: Session, everything: bool, force: bool, texts: tuple[str, ...]) -> int:
    """Remove the images without a name that no container was made from.

    Example: mydocker image prune -f
    """
    kind = f"all {'' if everything else 'nameless '}images that no container was made from"
    return _tell(session, _images(session, everything, texts)) if _may(session, force, [kind]) else 0


@verb(
    switch("-a", "--all", "_all", help="As docker; all steps go anyway."),
    _FORCE,
    _FILTER,
    *EXPLAIN,
    name="prune",
)
def builder(session: Session, _all: bool, force: bool, texts: tuple[str, ...]) -> int:
    """Remove what builds have kept for the next ones: their steps, and the caches of RUN --mount.

    Example: mydocker builder prune -f
    """
    return _tell(session, _kept_by_builds(session, texts)) if _may(session, force, [_KEPT]) else 0


@verb(
    switch("-a", "--all", "everything", help="Remove named volumes too."),
    _FORCE,
    filter_option(_LABELS, ""),
    *EXPLAIN,
    name="prune",
)
def volume(session: Session, everything: bool, force: bool, texts: tuple[str, ...]) -> int:
    """Remove the anonymous volumes that no container mounts.

    Example: mydocker volume prune -f
    """
    kind = f"all {'' if everything else 'anonymous '}volumes that no container mounts"
    return _tell(session, _volumes(session, everything, texts)) if _may(session, force, [kind]) else 0


@verb(
    _FORCE,
    _FILTER,
    *EXPLAIN,
    name="prune",
)
def network(session: Session, force: bool, texts: tuple[str, ...]) -> int:
    """Remove the networks that no running container is on.

    Example: mydocker network prune -f
    """
    return _tell(session, _networks(session, texts)) if _may(session, force, ["all networks that no running container is on"]) else 0


@verb(
    switch("-a", "--all", "everything", help="Remove images with names too."),
    switch("--volumes", "with_volumes", help="Remove anonymous volumes too."),
    _FORCE,
    _FILTER,
    *EXPLAIN,
    name="prune",
)
def system(session: Session, everything: bool, with_volumes: bool, force: bool, texts: tuple[str, ...]) -> int:
    """Remove containers that do not run, networks that none is on, images that none was made from, and with --volumes unused volumes.

    Example: mydocker system prune -f --volumes
    """
    what = [
        "all containers that do not run",
        "all networks that no running container is on",
        f"all {'' if everything else 'nameless '}images that no container was made from",
        _KEPT,
    ]
    if with_volumes and any(text.startswith("until=") for text in texts):
        raise BadInput("the filter until excludes --volumes: nobody knows since when a volume is used")
    if not _may(session, force, [*what, *(["all anonymous volumes that no container mounts"] if with_volumes else [])]):
        return 0
    parts = [_containers(session, texts), _networks(session, texts)]
    parts += [_volumes(session, False, texts)] if with_volumes else []
    return _tell(session, *parts, _images(session, everything, texts), _kept_by_builds(session, texts))
