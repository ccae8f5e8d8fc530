"""Steps that change the names and the images in index.json."""

from __future__ import annotations

from mydocker.errors import Conflict
from mydocker.images import index
from mydocker.images.times import now
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.images.documents import Descriptor
    from mydocker.images.layout import ImageLayout
    from mydocker.images.reference import Reference


class NameImage(Step):
    """Give an image a name. If another image has that name, it loses it. Raises Conflict if the image was removed meanwhile."""

    layout: ImageLayout
    entry: Descriptor
    reference: Reference

    def apply(self) -> None:
        with self.layout.lock():
            self.layout.change(self._changed)

    def _changed(self, entries: list[Descriptor]) -> list[Descriptor]:
        if not any(e["digest"] == self.entry["digest"] for e in entries):
            raise Conflict(f"image {self.entry['digest']} was removed meanwhile")
        return index.add(entries, self.entry, self.reference, now())

    def describe(self) -> str:
        return f"name image {self.entry['digest']} {self.reference} in {quote(self.layout.directory + '/index.json')}"


class UnnameImage(Step):
    """Take a name from an image, if it still has it. The image stays."""

    layout: ImageLayout
    digest: str
    reference: Reference

    def apply(self) -> None:
        with self.layout.lock():
            self.layout.change(self._changed)

    def _changed(self, entries: list[Descriptor]) -> list[Descriptor]:
        name = self.reference.canonical
        has_it = any(e["digest"] == self.digest and index.name_of(e) == name for e in entries)
        return index.remove_name(entries, name) if has_it else entries

    def describe(self) -> str:
        return f"take name {self.reference} from image {self.digest} in {quote(self.layout.directory + '/index.json')}"


class DeleteImage(Step):
    """Remove an image without a name, and the blobs that no other image needs. If it was given a name meanwhile, it stays."""

    layout: ImageLayout
    digest: str  # of its manifest

    def apply(self) -> None:
        with self.layout.lock():
            self.layout.change(lambda entries: index.remove_unnamed(entries, self.digest))
            self.layout.collect_known()

    def describe(self) -> str:
        return f"delete image {self.digest} and its blobs from {quote(self.layout.directory)}"
