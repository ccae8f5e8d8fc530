"""What FROM, and the `from` of COPY and of RUN --mount, name: an earlier stage, an image or a context."""

from __future__ import annotations

from mydocker.engine.build.progress import from_image, from_nothing, from_stage
from mydocker.engine.build.sources import Source
from mydocker.engine.catalog import images
from mydocker.errors import BadInput, Error, StepFailed
from mydocker.images import change
from mydocker.images.config import PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.progress import Progress
    from mydocker.engine.build.sources import Context
    from mydocker.engine.build.stages import Stage, Stages


def begin(how: Building, stages: Stages, stage: Stage, begun: dict[int, Progress]) -> Progress:
    """Return the progress of a stage that begins with what FROM names: nothing, an earlier stage, or an image, which may have to be pulled.

    begun: {a stage's number: how far it has come}
    """
    base = how.contexts.get(stage.base.lower(), stage.base)
    earlier = stages.find(stage.base, stage.number) if base == stage.base else None
    if not isinstance(base, str):
        raise BadInput(f"the context {stage.base!r} is a directory: expected an image or a stage")
    if earlier:
        progress = from_stage(begun[earlier.number])
    elif base == "scratch":
        progress = from_nothing(how.paths, stage.platform or how.platform)
        progress.document["config"] = {"WorkingDir": "/"}
    else:
        how.pull(base, stage.platform or how.platform)
        progress = from_image(images.find(how.paths, base))
    if "PATH" not in change.environment(progress.settings):
        progress.document["config"] = {**progress.settings, "Env": [*progress.settings.get("Env", []), f"PATH={PATH}"]}
    return progress


def source_of(how: Building, stages: Stages, stage: Stage, begun: dict[int, Progress], name: str) -> Source | Context:
    """Return the files that a `from` names. An image may have to be pulled. Raises StepFailed if there is none."""
    image = how.contexts.get(name.lower(), name)
    if not isinstance(image, str):
        return image
    earlier = stages.find(name, stage.number) if image == name else None
    if earlier:
        progress = begun[earlier.number]
    else:
        try:
            how.pull(image, "")
        except Error as error:
            raise StepFailed(f"no earlier stage is called {name!r}, and no image: {error.message}", hint=error.hint) from error
        progress = from_image(images.find(how.paths, image))
    return Source(key=progress.key, open=lambda: how.opened(progress))
