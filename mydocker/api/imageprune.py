"""Endpoints that remove images and kept steps of builds that nothing uses."""

from __future__ import annotations

from mydocker.api.call import Answer, Call
from mydocker.api.pruning import images_deleted, pruned
from mydocker.engine.system import pruning

_NO = ("false", "0")


def images(call: Call) -> Answer:
    """POST /images/prune"""
    texts = call.filters()
    dangling = [text for text in texts if text.startswith("dangling=")]
    everything = any(text.partition("=")[2] in _NO for text in dangling)
    rest = tuple(text for text in texts if text not in dangling)
    found = pruned(call, "image", lambda pruning_: pruning.of_images(pruning_, everything, rest))
    return Answer({"ImagesDeleted": images_deleted(found.lines), "SpaceReclaimed": found.reclaimed})


def builds(call: Call) -> Answer:
    """POST /build/prune"""
    texts = tuple(text for text in call.filters() if text.startswith(("until=", "label=", "label!=")))
    found = pruned(call, "builder", lambda pruning_: pruning.of_builds(pruning_, texts))
    return Answer({"CachesDeleted": [line.partition(": ")[2] for line in found.lines] or None, "SpaceReclaimed": found.reclaimed})
