"""The verbs import, images, tag and rmi."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from io import BufferedReader
from typing import cast

import click

from mydocker.cli import human
from mydocker.cli.base import Session, Verb, complain, each, explain_option
from mydocker.cli.execution import runner
from mydocker.cli.rows import filter_option, format_option, print_rows
from mydocker.engine.catalog import verbs
from mydocker.engine.catalog.images import DamagedImage, Image, find, survey
from mydocker.engine.record import filters
from mydocker.errors import NoImage
from mydocker.images.reference import Reference, parse, parse_name

change_option = click.option("-c", "--change", "changes", multiple=True, metavar="INSTRUCTION", help="Apply a Dockerfile instruction.")


@click.command("import", cls=Verb)
@change_option
@click.option("-m", "--message", default="", metavar="TEXT", help="Comment in the image's history.")
@click.option("--platform", default="", metavar="OS/ARCH[/VARIANT]", help="Platform of the content [this machine's].")
@explain_option
@click.argument("source", metavar="FILE|DIRECTORY|-")
@click.argument("name", metavar="[REPOSITORY[:TAG]]", required=False)
@click.pass_obj
def import_(session: Session, changes: tuple[str, ...], message: str, platform: str, source: str, name: str | None) -> None:
    """Make an image from a root file system: a tar archive (plain, gzip, bzip2, xz, zstd) or a directory.

    Example: mydocker import -c 'CMD ["sh"]' rootfs.tar.gz busybox
    """
    reference = parse_name(name) if name else None
    options = verbs.ImportOptions(changes=changes, message=message, platform=platform)
    stdin = cast("BufferedReader", sys.stdin.buffer)
    print_id(verbs.import_image(session.paths, source, stdin, reference, options, runner(session)))


def print_id(image_id: str) -> None:
    """Print a new image's id, unless it is '', as after a dry run."""
    if image_id:
        click.echo(f"sha256:{image_id}")


@click.command(cls=Verb)
@explain_option
@click.argument("source", metavar="IMAGE[:TAG]")
@click.argument("target", metavar="NAME[:TAG]")
@click.pass_obj
def tag(session: Session, source: str, target: str) -> None:
    """Give an image one more name.

    Example: mydocker tag busybox registry.example/tools/busybox:1
    """
    verbs.tag(session.paths, source, target, runner(session))


@click.command(cls=Verb)
@click.option("-f", "--force", is_flag=True, help="Also when a stopped container uses it or it has several names.")
@explain_option
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True)
@click.pass_obj
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
            click.echo("\n".join(lines))

    return each(names, remove)


class Row:
    """One line of `images`: an image with one of its names, or without a name."""

    def __init__(self, image: Image | DamagedImage, reference: Reference | None) -> None:
        self.image = image
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


@click.command(cls=Verb)
@click.option("-q", "--quiet", is_flag=True, help="Only ids.")
@click.option("-a", "--all", "everything", is_flag=True, help="Also the steps that builds have left.")
@click.option("--no-trunc", is_flag=True, help="Whole ids.")
@click.option("--digests", is_flag=True, help="Also the manifests' digests.")
@filter_option("dangling=true|false, label=KEY[=VALUE], before=IMAGE, since=IMAGE, reference=PATTERN")
@format_option
@click.argument("name", metavar="[REPOSITORY[:TAG]]", required=False)
@click.pass_obj
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
    rows = [row for row in image_rows([*found, *damaged], parse(name) if name else None) if fits(row)]
    if quiet:
        click.echo("".join(f"{line}\n" for line in (row.shown_id(no_trunc) for row in rows)), nl=False)
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


def _fits(text: str, pattern: str) -> bool:
    """Say whether a name fits a shell pattern. Its * and ? do not stand for a slash."""
    parts, wanted = text.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def image_rows(found: Sequence[Image | DamagedImage], wanted: Reference | None) -> list[Row]:
    """Return a row per name, newest image first and damaged ones last, of the repository and tag that are wanted."""
    rows = [Row(image, reference) for image in found for reference in _references(image) if wanted is None or _matches(reference, wanted)]
    return sorted(rows, key=lambda row: row.created, reverse=True)


def _references(image: Image | DamagedImage) -> list[Reference | None]:
    return [parse(name) for name in image.names] or [None]


def _matches(reference: Reference | None, wanted: Reference) -> bool:
    return reference is not None and reference.repository == wanted.repository and wanted.tag in ("", reference.tag)
