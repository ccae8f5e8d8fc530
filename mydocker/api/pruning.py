"""What the prune endpoints share: all is removed that can be, and what cannot is left, as docker does."""

from __future__ import annotations

from mydocker.engine.record import events
from mydocker.engine.system.pruning import Pruning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.api.call import Call


def pruned(call: Call, kind: str, remove: Callable[[Pruning], None]) -> Pruning:
    """Remove what nothing uses of one kind, and return what that was."""
    pruning = Pruning(call.paths, kind, call.run, lambda error: None)
    remove(pruning)
    events.emit(call.paths, kind, "prune", "", {"reclaimed": pruning.reclaimed})
    return pruning


def images_deleted(lines: list[str]) -> list[dict[str, str]] | None:
    """Return docker's list of what was removed with images, from the lines of the command line."""
    pairs = [line.split(": ", 1) for line in lines]
    return [{word.capitalize(): rest} for word, rest in pairs if not rest.startswith("cache ")] or None
