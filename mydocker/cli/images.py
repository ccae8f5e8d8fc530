"""The verbs images, tag and rmi."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, complain, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.rows import FORMAT, filter_option, print_rows
from mydocker.cli.verb import OPTIONAL, SOME, argument, switch, verb
from mydocker.engine.catalog import verbs
from mydocker.engine.catalog.images import DamagedImage, Image, find, survey
from mydocker.engine.record import filters
from mydocker.engine.view import human
from mydocker.errors import NoImage
from mydocker.images.reference import Reference, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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
    *EXPLAIN,
    argument("names", "IMAGE...", SOME),
)
def rmi(session: Session, force: bool, names: tuple[str, ...]) -> int:
    """Take names from images, and remove images with their last name.

    Example: mydocker rmi busybox:old
    """
    from mydocker.storage import drivers

    run = runner(session)
    all_drivers = [drivers.driver(name, session.paths) for name in drivers.NAMES]

    def remove(name: str) -> None:
        try:
            lines = verbs.remove(session.paths, all_drivers, name, force, run)
        except NoImage as error:
            if not force:
                raise
            # As docker does: the image is gone, so nothing has failed.
            return complain(error.message)
        if not session.dry_run:
            echo("\n".join(lines))

    return each(names, remove)


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
            "CreatedAt": self.created,
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


_COLUMNS = {"Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "ID": "IMAGE ID", "CreatedSince": "CREATED", "Size": "SIZE"}


@verb(
    switch("-q", "--quiet", help="Only ids."),
    switch("-a", "--all", "everything", help="Also the steps that builds have left."),
    switch("--no-trunc", help="Whole ids."),
    switch("--digests", help="Also the manifests' digests."),
    filter_option("dangling=true|false, label=KEY[=VALUE], before=IMAGE, since=IMAGE, reference=PATTERN"),
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
    fits = filters.parse(texts, _tests(session), {"dangling": filters.one_of("dangling", "true", "false")})
    whole, damaged = survey(session.paths)
    found = [image for image in whole if everything or not image.is_cache]
    is_called = _called(name) if name else None
    rows = [row for row in image_rows([*found, *damaged]) if (is_called is None or is_called(row)) and fits(row)]
    if quiet:
        echo("".join(f"{line}\n" for line in (row.shown_id(no_trunc) for row in rows)), end="")
        return
    columns = {field: heading for field, heading in _COLUMNS.items() if digests or field != "Digest"}
    print_rows([row.fields(no_trunc) for row in rows], columns, form, {"CreatedAt": "CREATED AT", "Digest": "DIGEST"})


def _tests(session: Session) -> filters.Tests:
    def created(name: str) -> str:
        return find(session.paths, name).created

    return {
        "dangling": lambda row, text: (not row.image.names) == (text == "true"),
        "before": lambda row, name: row.created < created(name),
        "since": lambda row, name: row.created > created(name),
        "reference": lambda row, pattern: any(_fits(text, pattern) for text in (row.repository, f"{row.repository}:{row.tag}")),
        **filters.label_tests(lambda row: row.labels),
    }


def _called(name: str) -> Callable[[Row], bool]:
    """Return the test whether an image has this name, or one that fits this pattern; without a tag, any tag."""
    if set(name) & set("*?["):
        return lambda row: _fits(f"{row.repository}:{row.tag}" if ":" in name else row.repository, name)
    wanted = parse(name)
    return lambda row: _matches(row.reference, wanted)


def _fits(text: str, pattern: str) -> bool:
    """Say whether a name fits a shell pattern. Its * and ? do not stand for a slash."""
    from fnmatch import fnmatchcase  # imported here, because it takes the module re

    parts, wanted = text.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def image_rows(found: Sequence[Image | DamagedImage]) -> list[Row]:
    """Return a row per name, newest image first and damaged ones last."""
    rows = [Row(image, reference) for image in found for reference in _references(image)]
    return sorted(rows, key=lambda row: row.created, reverse=True)


def _references(image: Image | DamagedImage) -> list[Reference | None]:
    return [parse(name) for name in image.names] or [None]


def _matches(reference: Reference | None, wanted: Reference) -> bool:
    return reference is not None and reference.repository == wanted.repository and wanted.tag in ("", reference.tag)
