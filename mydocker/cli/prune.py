"""The verbs container, image, builder, volume, network and system prune: remove what nothing uses."""

from __future__ import annotations

from mydocker.cli.asking import confirmed
from mydocker.cli.base import EXPLAIN, Session, complain_about, echo
from mydocker.cli.execution import runner
from mydocker.cli.rows import filter_option
from mydocker.cli.verb import meaningless, option, switch, verb
from mydocker.engine.record import events
from mydocker.engine.request.values import size
from mydocker.engine.system import pruning
from mydocker.engine.system.pruning import Pruning
from mydocker.engine.view import human
from mydocker.errors import BadInput

_FORCE = switch("-f", "--force", help="Do not ask.")
_LABELS = "label=KEY[=VALUE], label!=KEY[=VALUE]"
_FILTER = filter_option(f"until=TIME, {_LABELS}", "")
_KEPT = "what builds have kept: their steps, and the caches of RUN --mount"


def _begun(session: Session, kind: str) -> Pruning:
    return Pruning(session.paths, kind, lambda: runner(session), complain_about)


def _containers(session: Session, texts: tuple[str, ...]) -> Pruning:
    pruning.of_containers(pruned := _begun(session, "container"), texts)
    return pruned


def _images(session: Session, everything: bool, texts: tuple[str, ...]) -> Pruning:
    pruning.of_images(pruned := _begun(session, "image"), everything, texts)
    return pruned


def _kept_by_builds(session: Session, texts: tuple[str, ...] = (), keep: int = 0) -> Pruning:
    pruning.of_builds(pruned := _begun(session, "builder"), texts, keep)
    return pruned


def _volumes(session: Session, everything: bool, texts: tuple[str, ...]) -> Pruning:
    pruning.of_volumes(pruned := _begun(session, "volume"), everything, texts)
    return pruned


def _networks(session: Session, texts: tuple[str, ...]) -> Pruning:
    pruning.of_networks(pruned := _begun(session, "network"), texts)
    return pruned


def _may(session: Session, force: bool, what: list[str]) -> bool:
    """Ask the user whether to go on, unless --force was given or this is a dry run."""
    if force or session.dry_run:
        return True
    text = what[0] if len(what) == 1 else "\n" + "\n".join(f"  - {line}" for line in what) + "\n"
    return confirmed(f"WARNING! This removes {text}. Go on?" if len(what) == 1 else f"WARNING! This removes:{text}Go on?")


def _tell(session: Session, *parts: Pruning) -> int:
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
    meaningless("-a", "--all", why="all steps go in any case"),
    option("--keep-storage", "keep", metavar="SIZE", default="0", help="Keep the newest that have no more bytes together [0]."),
    _FORCE,
    _FILTER,
    *EXPLAIN,
    name="prune",
)
def builder(session: Session, force: bool, keep: str, texts: tuple[str, ...]) -> int:
    """Remove what builds have kept for the next ones: their steps, and the caches of RUN --mount.

    Example: mydocker builder prune -f
    """
    return _tell(session, _kept_by_builds(session, texts, size(keep))) if _may(session, force, [_KEPT]) else 0


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
