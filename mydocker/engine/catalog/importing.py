"""The verb import: an image of one layer, from a root file system."""

from __future__ import annotations

import os

from mydocker.engine.catalog.verbs import tell
from mydocker.errors import BadInput
from mydocker.images import archive, change, config
from mydocker.images.draft import Draft, StoreLayer
from mydocker.images.layout import ImageLayout
from mydocker.images.times import now
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from io import BufferedReader

    from mydocker.images.archive import LayerWriter
    from mydocker.images.draft import Fill
    from mydocker.images.reference import Reference
    from mydocker.paths import Paths
    from mydocker.steps.base import Run


class ImportOptions(Value):
    """What the user asked of import."""

    changes: Sequence[str] = ()  # Dockerfile instructions
    message: str = ""  # the comment in the image's history
    platform: str = ""  # such as 'linux/amd64', '' for the host's
    longest_name: int = 255  # how many bytes of a file's name the storage driver can show


def import_image(paths: Paths, source: str, stdin: BufferedReader, reference: Reference | None, options: ImportOptions, run: Run) -> str:
    """Make an image of one layer from a tar archive, a directory or, for '-', standard input. Raises BadInput.

    Returns the image's id, or '' if `run` did not apply the steps.
    """
    created = now()
    settings = change.apply({}, options.changes)
    document = config.new_document(options.platform or config.host_platform(), config.image_settings(settings), created)
    entry = config.history_entry(created, comment=options.message or f"Imported from {source}")
    with Draft(ImageLayout(paths.images), document, [], []) as draft:
        layer = StoreLayer(draft, f"from {source}", _filler(source, stdin, options.longest_name), entry)
        run.execute([layer, *draft.store_steps(reference)])
        tell(paths, run, "import", draft.image_id, str(reference or ""))
        return draft.image_id


def _filler(source: str, stdin: BufferedReader, longest: int) -> Fill:
    def check(path: str) -> None:
        check_name(path, longest)

    if source == "-":
        return lambda layer: archive.store(stdin, "standard input", layer, check)
    if os.path.isdir(source):
        return lambda layer: _store_directory(source, layer, check)
    if not os.path.exists(source):
        raise BadInput(f"cannot import {source!r}: no such file or directory")
    return lambda layer: _store_file(source, layer, check)


def _store_directory(source: str, layer: LayerWriter, check: Callable[[str], None]) -> None:
    from mydocker.storage.pack import pack_tree

    for where, directories, names in os.walk(source):
        for name in (*directories, *names):
            check(f"{where}/{name}")
    pack_tree(source, layer.as_binary())


def _store_file(source: str, layer: LayerWriter, check: Callable[[str], None]) -> None:
    with open(source, "rb") as file:
        archive.store(file, source, layer, check)


def check_name(path: str, longest: int = 255) -> None:
    """Raise BadInput for a path that no layer can hold. longest: how many bytes a name may have"""
    for name in path.split("/"):
        if name.startswith(".wh."):
            raise BadInput(f"{path}: a name that begins with .wh. means in a layer that another file is deleted")
        if len(os.fsencode(name)) > longest:
            raise BadInput(f"{path}: expected names of at most {longest} bytes, one has {len(os.fsencode(name))}")
