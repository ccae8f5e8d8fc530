"""The verb system df: show how much of the disk everything takes."""

from __future__ import annotations

from mydocker.cli.base import Session, echo
from mydocker.cli.ps import listed
from mydocker.cli.rows import FORMAT, print_rows
from mydocker.cli.table import table
from mydocker.cli.verb import switch, verb
from mydocker.engine.catalog.images import Image
from mydocker.engine.system import usage
from mydocker.engine.view import human
from mydocker.engine.view.imagelist import image_rows
from mydocker.engine.volume import volumes
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cli.rows import Row

_COLUMNS = {"Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE", "Reclaimable": "RECLAIMABLE"}
_IMAGES = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS")
_CONTAINERS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "LocalVolumes": "LOCAL VOLUMES",
    "Size": "SIZE",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Names": "NAMES",
}


@verb(
    switch("-v", "--verbose", help="Show each image, container and volume."),
    FORMAT,
)
def df(session: Session, verbose: bool, form: str | None) -> None:
    """Show what images, containers and volumes take of the disk; what is shared counts once.

    Example: mydocker system df -v
    """
    if verbose and form:
        raise BadInput("-v and --format exclude each other")
    images = usage.Images(session.paths)
    if verbose:
        _print_verbose(session, images)
        return
    shares = [images.share(), usage.of_containers(session.paths), usage.of_volumes(session.paths), images.share_of_builds()]
    print_rows([_row(share) for share in shares], _COLUMNS, form, {})


def _row(share: usage.Share) -> Row:
    part = f" ({100 * share.reclaimable // share.size}%)" if share.size else ""
    counts = {"TotalCount": str(share.total), "Active": str(share.active)}
    return {"Type": share.kind, **counts, "Size": human.size(share.size), "Reclaimable": human.size(share.reclaimable) + part}


def _print_verbose(session: Session, images: usage.Images) -> None:
    echo("Images space usage:\n")
    lines = []
    for row in image_rows(images.images):
        assert isinstance(row.image, Image)  # usage knows no damaged ones
        size, unique = images.size(row.image), images.unique(row.image)
        sizes = [human.size(figure) for figure in (size, size - unique, unique)]
        lines.append(
            (row.repository, row.tag, row.shown_id(False), human.since(row.image.created), *sizes, str(len(images.users[row.image.id])))
        )
    echo(table([_IMAGES, *lines]))
    echo("\nContainers space usage:\n")
    print_rows(listed(session, size=True), _CONTAINERS, None, {})
    echo("\nLocal Volumes space usage:\n")
    names = volumes.names(session.paths)
    rows = [(name, str(len(volumes.users(session.paths, name))), human.size(volumes.size(session.paths, name))) for name in names]
    echo(table([("VOLUME NAME", "LINKS", "SIZE"), *rows]))
