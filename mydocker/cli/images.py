"""The verbs images, tag and rmi."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, complain, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.flags import OF_PLATFORM
from mydocker.cli.rows import FORMAT, filter_option, print_rows
from mydocker.cli.verb import OPTIONAL, SOME, argument, meaningless, refused, switch, verb
from mydocker.engine.catalog import verbs
from mydocker.engine.catalog.images import find, survey
from mydocker.engine.record import filters
from mydocker.engine.view import choosing
from mydocker.engine.view.imagelist import Row, image_rows
from mydocker.errors import NoImage
from mydocker.images.reference import Reference, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


@verb(
    *EXPLAIN,
    argument("source", "IMAGE[:TAG]"),
    argument("target", "NAME[:TAG]"),
)
def tag(session: Session, source: str, target: str) -> None:
    """Give an image one more name.

    Example: mydocker tag busybox registry.example/tools/busybox:1
    """
    verbs.tag(session.paths, source, target, runner(session))


@verb(
    switch("-f", "--force", help="Also when a stopped container uses it or it has several names."),
    OF_PLATFORM,
    meaningless("--no-prune", why="an image has no parents here that would go with it"),
    *EXPLAIN,
    argument("names", "IMAGE...", SOME),
)
def rmi(session: Session, force: bool, platform: str, names: tuple[str, ...]) -> int:
    """Take names from images, and remove images with their last name.

    Example: mydocker rmi busybox:old
    """
    from mydocker.storage import drivers

    run = runner(session)
    all_drivers = [drivers.driver(name, session.paths) for name in drivers.NAMES]

    def remove(name: str) -> None:
        try:
            if platform:
                find(session.paths, name, platform=platform)  # raises an error if it is of another one
            lines = verbs.remove(session.paths, all_drivers, name, force, run)
        except NoImage as error:
            if not force:
                raise
            # As docker does: the image is gone, so nothing has failed.
            return complain(error.message)
        if not session.dry_run:
            echo("\n".join(lines))

    return each(names, remove)


_COLUMNS = {"Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "ID": "IMAGE ID", "CreatedSince": "CREATED", "Size": "SIZE"}


@verb(
    switch("-q", "--quiet", help="Only ids."),
    switch("-a", "--all", "everything", help="Also the steps that builds have left."),
    switch("--no-trunc", help="Whole ids."),
    switch("--digests", help="Also the manifests' digests."),
    filter_option("dangling=true|false, label=KEY[=VALUE], before=IMAGE, since=IMAGE, reference=PATTERN"),
    refused("--tree", why="an image has one platform here", takes_value=False),
    FORMAT,
    argument("name", "[REPOSITORY[:TAG]]", OPTIONAL),
)
def images(
    session: Session,
    quiet: bool,
    everything: bool,
    no_trunc: bool,
    digests: bool,
    texts: tuple[str, ...],
    form: str | None,
    name: str | None,
) -> None:
    """List images, the newest first.

    Example: mydocker images --digests busybox
    """
    fits = filters.parse(texts, choosing.images(session.paths), choosing.DANGLING)
    whole, damaged = survey(session.paths)
    found = [image for image in whole if everything or not image.is_cache]
    is_called = _called(name) if name else None
    rows = [row for row in image_rows([*found, *damaged]) if (is_called is None or is_called(row)) and fits(row)]
    if quiet:
        echo("".join(f"{line}\n" for line in (row.shown_id(no_trunc) for row in rows)), end="")
        return
    columns = {field: heading for field, heading in _COLUMNS.items() if digests or field != "Digest"}
    print_rows([row.fields(no_trunc) for row in rows], columns, form, {"CreatedAt": "CREATED AT", "Digest": "DIGEST"})


def _called(name: str) -> Callable[[Row], bool]:
    """Return the test whether an image has this name, or one that fits this pattern; without a tag, any tag."""
    if set(name) & set("*?["):
        return lambda row: choosing.fits_pattern(f"{row.repository}:{row.tag}" if ":" in name else row.repository, name)
    wanted = parse(name)
    return lambda row: _matches(row.reference, wanted)


def _matches(reference: Reference | None, wanted: Reference) -> bool:
    return reference is not None and reference.repository == wanted.repository and wanted.tag in ("", reference.tag)
