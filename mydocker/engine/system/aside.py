"""Putting away what is damaged: ROOT/damaged/WHAT-NAME-TIME/ gets it as it is, under the name that it had. Nothing is deleted."""

from __future__ import annotations

import os
import time

from mydocker import store
from mydocker.errors import Damaged
from mydocker.images.documents import LINKS
from mydocker.images.layout import LAYOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mydocker.images.documents import Descriptor
    from mydocker.images.layout import ImageLayout
    from mydocker.paths import Paths


def place(paths: Paths, what: str, name: str) -> str:
    """Return where something is to be put that is found damaged now."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
    return f"{paths.damaged}/{'-'.join(word for word in (what, name.strip('.'), moment) if word)}.{rest:09d}"


def move(path: str, target: str) -> None:
    """Move a file or a directory into a new directory; what is not there was damaged by being away."""
    import shutil

    if not os.path.lexists(path):
        return
    store.make_private(target)
    # STATE is another file system than ROOT.
    shutil.move(path, f"{target}/{os.path.basename(path)}")
    store.to_disk(target)


def move_image(layout: ImageLayout, digest: str, target: str) -> None:
    """Move an image into an image layout of its own: its names, and whatever can be found of its blobs."""
    store.make_private(f"{target}/blobs/sha256")
    with layout.lock():
        entries = [entry for entry in layout.entries() if entry["digest"] == digest]
        store.write_json(f"{target}/oci-layout", LAYOUT)
        store.write_json(f"{target}/index.json", {"schemaVersion": 2, "manifests": entries})
        for each in sorted({found for entry in entries[:1] for found in _blobs(layout, entry)}):
            for path in layout.files(each):
                place = f"{target}/{os.path.relpath(path, layout.directory)}"
                store.make_private(os.path.dirname(place))
                _keep(path, place)
        layout.change(lambda present: [entry for entry in present if entry["digest"] != digest])
        layout.collect_known()


def _keep(blob: str, target: str) -> None:
    """Give a blob one more name. What is no file has only one, and no other image can use it."""
    if os.path.isdir(blob) and not os.path.islink(blob):
        os.rename(blob, target)
    else:
        os.link(blob, target, follow_symlinks=False)


def _blobs(layout: ImageLayout, descriptor: Descriptor) -> Iterator[str]:
    """Yield the digests of a manifest and of what it names, if it can still be read."""
    yield descriptor["digest"]
    try:
        links = store.read_document(layout.blob(descriptor["digest"]), LINKS)
    except (FileNotFoundError, Damaged):
        return
    yield from (part["digest"] for part in [*links["layers"], *([links["config"]] if links.get("config") else [])])
