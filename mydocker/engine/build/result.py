"""The image that a stage becomes at the end of a build."""

from __future__ import annotations

from mydocker.engine.build.progress import Progress, cached, key
from mydocker.engine.catalog import images
from mydocker.images import config, index
from mydocker.images.layout import ImageLayout
from mydocker.images.naming import NameImage
from mydocker.images.times import now
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mydocker.engine.build.orders import Building
    from mydocker.images.draft import Draft
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths


class Built(Value):
    """What came of a build."""

    id: str  # of the image, '' if only its files were wanted
    names: Sequence[Reference]  # of the image
    progress: Progress  # the stage that was wanted
    others: Sequence[Progress]  # those that it needed


def store_image(how: Building, progress: Progress, references: Sequence[Reference]) -> str:
    """Make an image of a stage, and return its id."""
    annotations = [f"{name}={value}" for name, value in sorted(how.annotations.items())]
    progress.key = key(progress.key, "image", *annotations, *(["inline"] if how.is_inline else []))
    # If nothing changed, this is the image of the earlier build, and not a new one that only differs in its times.
    built = cached(how.paths, progress.key, progress.document["rootfs"]["diff_ids"]) if how.use_cache else None
    if not built and how.caches and (brought := how.caches.image(progress, references[0] if references else None)):
        built = images.find(how.paths, f"sha256:{brought}")
    if not built:
        how.bring(progress)
        with _draft(how.paths, progress) as draft:
            draft.manifest_annotations = how.annotations
            parent = {index.PARENT: progress.image} if progress.layers else {}
            about = {**progress.annotations(index.BUILT), **parent}
            marks = {index.STEPS: ",".join(progress.steps), index.BUILT: progress.key} if how.is_inline else {}
            how.run.execute(draft.store_steps(references[0] if references else None, about, marks))
            built = images.find(how.paths, f"sha256:{draft.image_id}")
    how.run.execute(NameImage(ImageLayout(how.paths.images), built.entry, reference) for reference in references)
    return built.id


def _draft(paths: Paths, progress: Progress) -> Draft:
    """Return the draft of the image that a stage has become."""
    from mydocker.images.draft import Draft  # imported here, because what is cached is not made

    document = progress.document.copy()
    document["created"] = now()
    document["config"] = config.image_settings(progress.settings)
    return Draft(ImageLayout(paths.images), document, progress.layers, progress.sizes)
