"""Show an image as docker's inspect does (Engine API, ImageInspect)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.catalog.images import Image

# The fields of an image's config that docker always shows. They are null where the image says nothing.
_CONFIG = ("User", "ExposedPorts", "Env", "Cmd", "Entrypoint", "Volumes", "WorkingDir", "Labels", "OnBuild", "StopSignal")


def document(image: Image) -> dict[str, Any]:
    """Return docker's document about an image."""
    return {
        "Id": f"sha256:{image.id}",
        "RepoTags": sorted(image.tags),
        "RepoDigests": image.repo_digests,
        "Comment": next((entry["comment"] for entry in reversed(image.document["history"]) if entry.get("comment")), ""),
        "Created": image.created,
        "Author": image.document.get("author", ""),
        "Architecture": image.document.get("architecture", ""),
        "Os": image.document.get("os", ""),
        "Size": image.size,
        "Config": {**dict.fromkeys(_CONFIG), **image.config},
        "RootFS": {"Type": "layers", "Layers": image.diff_ids},
    }
