"""The list of images: a row for each name, as `images` and the API's filters have it."""

from __future__ import annotations

from mydocker.engine.catalog.images import DamagedImage, Image
from mydocker.engine.view import human
from mydocker.images.reference import Reference, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Row:
    """One line of `images`: an image with one of its names, or without a name."""

    def __init__(self, image: Image | DamagedImage, reference: Reference | None) -> None:
        self.image = image
        self.reference = reference
        self.repository = reference.familiar if reference else "<none>"
        self.tag = reference.tag if reference and reference.tag else "<none>"

    def shown_id(self, whole: bool) -> str:
        return f"sha256:{self.image.id}" if whole else self.image.id[:12]

    def fields(self, whole: bool) -> dict[str, str]:
        """Return {docker's name of a field: its text}."""
        return {
            "Repository": self.repository,
            "Tag": self.tag,
            "Digest": self.image.entry["digest"],
            "ID": self.shown_id(whole),
            "CreatedSince": human.since(self.created) if isinstance(self.image, Image) else "Damaged",
            "CreatedAt": human.clock(self.created),
            "Size": self.size,
            "VirtualSize": self.size,
            # docker counts these only for `system df -v`.
            "Containers": "N/A",
            "SharedSize": "N/A",
            "UniqueSize": "N/A",
        }

    @property
    def size(self) -> str:
        return human.size(self.image.size if isinstance(self.image, Image) else 0)

    @property
    def created(self) -> str:
        return self.image.created if isinstance(self.image, Image) else ""

    @property
    def labels(self) -> dict[str, str]:
        return self.image.config.get("Labels", {}) if isinstance(self.image, Image) else {}


def image_rows(found: Sequence[Image | DamagedImage]) -> list[Row]:
    """Return a row per name, newest image first and damaged ones last."""
    rows = [Row(image, reference) for image in found for reference in _references(image)]
    return sorted(rows, key=lambda row: row.created, reverse=True)


def _references(image: Image | DamagedImage) -> list[Reference | None]:
    return [parse(name) for name in image.names] or [None]
