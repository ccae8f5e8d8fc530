"""The verbs save and load: write images to a file, and read them from one."""

from __future__ import annotations

import os
import sys

from mydocker.cli.base import EXPLAIN, Session, echo
from mydocker.cli.execution import runner
from mydocker.cli.flags import OF_PLATFORM
from mydocker.cli.progress import Layers
from mydocker.cli.verb import SOME, argument, option, switch, verb
from mydocker.engine.catalog.images import find
from mydocker.engine.record import events
from mydocker.engine.request.values import size as parse_size
from mydocker.engine.transfer import archives
from mydocker.engine.transfer.outfile import write_whole
from mydocker.errors import BadInput
from mydocker.images.config import host_platform, platform_fields
from mydocker.storage.drivers import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedReader
    from typing import BinaryIO

PLATFORM = option(
    "--platform", metavar="OS/ARCH[/VARIANT]", default="", help="Of an image for several platforms, that one [this machine's]."
)
NO_BLOBS = switch("--no-blobs", help="Keep layers unpacked only; save and push compress them again [MYDOCKER_NO_BLOBS].")
MAX_SIZE = option("--max-size", metavar="SIZE", help="Refuse a layer whose files have more bytes [no limit].")


@verb(
    option("-o", "--output", metavar="FILE", help="Write to a file instead of standard output."),
    OF_PLATFORM,
    *EXPLAIN,
    argument("names", "IMAGE...", SOME),
)
def save(session: Session, output: str | None, platform: str, names: tuple[str, ...]) -> None:
    """Write images to a tar that docker, podman, skopeo and mydocker load: docker's format and OCI's in one.

    Example: mydocker save busybox alpine:3 | zstd > images.tar.zst
    """
    if output is None and sys.stdout.isatty():
        raise BadInput("cowardly refusing to save to a terminal", "use -o FILE, or redirect")
    for name in names if platform else ():
        find(session.paths, name, platform=platform)
    chosen = archives.selected(session.paths, names)
    run = runner(session)

    def write(stream: BinaryIO) -> None:
        run.apply(archives.WriteArchive(session.paths, chosen, output or "standard output", lambda: stream))

    if output is None or session.dry_run:
        write(sys.stdout.buffer)
    else:
        write_whole(output, write)
    for image in chosen if run.done else []:
        events.emit(session.paths, "image", "save", f"sha256:{image.id}", {"name": image.names[0]} if image.names else {})


@verb(
    option("-i", "--input", "source", metavar="FILE", default="-", help="Read from a file instead of standard input."),
    switch("-q", "--quiet", help="No progress."),
    PLATFORM,
    MAX_SIZE,
    NO_BLOBS,
    *EXPLAIN,
)
def load(session: Session, source: str, quiet: bool, platform: str, max_size: str | None, no_blobs: bool) -> None:
    """Bring in the images of an archive: docker's or OCI's, plain or compressed (gzip, bzip2, xz, zstd).

    Example: mydocker load -i images.tar.zst
    """
    if source == "-" and sys.stdin.isatty() and not session.dry_run:
        raise BadInput("requested load from standard input, but that is a terminal", "use -i FILE, or redirect")
    options = archives.Loading(
        platform=platform_fields(platform or host_platform()),
        max_size=None if max_size is None else parse_size(max_size),
        keeps_blobs=not no_blobs,
        observer=lambda found: ignored if quiet or not sys.stderr.isatty() else Layers(found.manifest.layers, sys.stderr, _LOADING),
    )
    with _opened(source) as stream:
        name = "standard input" if source == "-" else source
        loaded = archives.load(session.paths, choose(session.paths), name, stream, options, runner(session))
    for image_id, names in loaded:
        lines = [f"Loaded image: {name}" for name in names] or [f"Loaded image ID: sha256:{image_id}"]
        echo("\n".join(lines))


_LOADING = {"begins": "Loading layer", "exists": "Loading layer", "done": "Load complete"}


def ignored(position: int, event: str, count: int) -> None:
    """Ignore progress, as an arrivals.Observer."""


def _opened(source: str) -> BufferedReader:
    if source == "-":
        return os.fdopen(os.dup(0), "rb")
    try:
        return open(source, "rb")
    except OSError as error:
        raise BadInput(f"cannot read {source!r}: {error.strerror}") from error
