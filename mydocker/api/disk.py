"""system/df: what takes the disk."""

from __future__ import annotations

from mydocker.api import shapes
from mydocker.api.call import Answer, Call
from mydocker.api.images import summary
from mydocker.engine.system import usage
from mydocker.engine.view import listing
from mydocker.engine.volume import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TYPES = ("container", "image", "volume", "build-cache")


def df(call: Call) -> Answer:
    """GET /system/df"""
    wanted = call.texts("type") if call.version >= (1, 42) else []
    images = usage.Images(call.paths)
    found: dict[str, Any] = {"LayersSize": images.share().size}
    every = listing.newest_first(call.paths)
    builders = {
        "image": lambda: {"Images": [_image(call, images, image) for image in images.images]},
        "container": lambda: {"Containers": [shapes.summary(call.paths, each, True, call.version) for each in every]},
        "volume": lambda: {"Volumes": [_volume(call, name) for name in volumes.names(call.paths)]},
        "build-cache": lambda: {"BuildCache": _builds(images)},
    }
    for kind in wanted or _TYPES:
        if kind in builders:
            found |= builders[kind]()
    return Answer({**found, "BuilderSize": images.share_of_builds().size})


def _image(call: Call, images: usage.Images, image: Any) -> dict[str, Any]:
    shown = summary(image, call.version, None, {each.id for each in (*images.images, *images.steps)})
    shared = image.size - min(image.size, images.unique(image))
    return {**shown, "Containers": len(images.users[image.id]), "SharedSize": shared}


def _volume(call: Call, name: str) -> dict[str, Any]:
    count = len(volumes.users(call.paths, name))
    return {**volumes.document(call.paths, name), "UsageData": {"RefCount": count, "Size": volumes.size(call.paths, name)}}


def _builds(images: usage.Images) -> list[dict[str, Any]]:
    return [
        {
            "ID": image.id,
            "Type": "regular",
            "Description": "a step of a build",
            "InUse": False,
            "Shared": False,
            "Size": image.size,
            "CreatedAt": image.created,
            "LastUsedAt": None,
            "UsageCount": 0,
        }
        for image in images.steps
    ]
