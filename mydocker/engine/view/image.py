"""Show an image as docker's inspect does (Engine API, ImageInspect)."""

from __future__ import annotations

import os

from mydocker.engine.catalog.images import find
from mydocker.engine.view.omitting import Omitting
from mydocker.errors import NoImage
from mydocker.storage import drivers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.catalog.images import Image
    from mydocker.paths import Paths

# The fields of an image's config that docker always shows, with what stands there where the image says nothing.
_CONFIG: dict[str, Any] = {
    **dict.fromkeys(("Hostname", "Domainname", "User", "WorkingDir", "Image"), ""),
    **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"), False),
    **dict.fromkeys(("Env", "Cmd", "Entrypoint", "Volumes", "Labels", "OnBuild")),
}
_NEVER = "0001-01-01T00:00:00Z"


def document(paths: Paths, image: Image) -> Omitting:
    """Return docker's document about an image."""
    platform = image.document
    labels = dict(sorted((image.config.get("Labels") or {}).items())) or None  # as Go writes a map
    document = {
        "Id": f"sha256:{image.id}",
        "RepoTags": sorted(image.tags),
        "RepoDigests": image.repo_digests,
        "Parent": _parent(paths, image),
        "Comment": next((entry["comment"] for entry in reversed(platform["history"]) if entry.get("comment")), ""),
        "Created": image.created,
        "DockerVersion": "",
        "Author": platform.get("author", ""),
        "Architecture": platform.get("architecture", ""),
        "Variant": platform.get("variant", ""),
        "Os": platform.get("os", ""),
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": _graph(paths, image),
        "Config": Omitting({**_CONFIG, **image.config, "Labels": labels}, "ExposedPorts", "StopSignal", "Healthcheck", "Shell"),
        "RootFS": Omitting({"Type": "layers", "Layers": image.diff_ids}, "Layers"),
        "Metadata": {"LastTagTime": image.tagged or _NEVER},
    }
    return Omitting(document, "Variant")


def _parent(paths: Paths, image: Image) -> str:
    """Return the id of the image that this one was made of, as long as it is there."""
    try:
        return f"sha256:{find(paths, f'sha256:{image.parent}').id}" if image.parent else ""
    except NoImage:
        return ""


def _graph(paths: Paths, image: Image) -> dict[str, Any]:
    """Return where the image's layers are unpacked: by the driver that has the topmost one, or else the one that would."""
    for name in drivers.NAMES:
        layers = [f"{paths.layers}/{name}/{chain_id}" for chain_id in image.chain_ids]
        if layers and os.path.isdir(layers[0]):
            lower = {"LowerDir": ":".join(layers[1:])} if layers[1:] else {}
            return {"Name": name, "Data": {**lower, "UpperDir": layers[0]}}
    return {"Name": drivers.choose(paths).name, "Data": None}
