"""build: make an image from a Dockerfile's stages."""

from __future__ import annotations

from mydocker.engine.build.checks import check
from mydocker.engine.build.result import Built, store_image
from mydocker.engine.build.running import PROXIES
from mydocker.engine.build.work import Work
from mydocker.errors import NoCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.stages import Stage, Stages
    from mydocker.images.reference import Reference


def build(how: Building, stages: Stages, target: str, references: Sequence[Reference], is_kept: bool = True) -> Built | None:
    """Build a stage and the stages that it needs. Return what came of it, or None in a dry run. Raises the first failure.

    target: the stage's name or number, '' for the last one
    references: the names that the image gets
    is_kept: whether an image is made of the stage
    """
    wanted = stages.target(target)
    needed = stages.needed(wanted)
    check(how, needed)
    if how.wanted_caches and how.use_cache:
        from mydocker.engine.build.readcaches import reading  # imported here, because most builds have no such cache

        how.run.execute(reading(how))
    try:
        return _build(how, stages, needed, references, is_kept)
    except NoCache as error:
        how.tell.line(f"[Warning] {error.message}")
        how.caches = None
        return _build(how, stages, needed, references, is_kept)


def _build(how: Building, stages: Stages, needed: list[Stage], references: Sequence[Reference], is_kept: bool) -> Built | None:
    """Build stages, the last of which is wanted, and the image."""
    labels = sorted(how.labels.items()) if is_kept else []
    work = Work(how, stages, sum(1 + len(stage.instructions) for stage in needed) + len(labels))
    try:
        work.build(needed)
    finally:
        work.leave()
    if not work.begun:
        return None
    for key in sorted(set(how.arguments) - work.consumed - PROXIES):
        how.tell.line(f"[Warning] build-arg {key} was not consumed")
    work.label(needed[-1], labels)
    progress = work.begun[needed[-1].number]
    image_id = store_image(how, progress, references) if is_kept else ""
    others = [other for other in work.begun.values() if other is not progress]
    return Built(id=image_id, names=references, progress=progress, others=others)
