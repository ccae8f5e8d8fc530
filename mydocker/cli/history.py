"""The verb history: show how an image was made, layer by layer."""

from __future__ import annotations

from mydocker.cli.base import Session, echo
from mydocker.cli.rows import FORMAT, print_rows
from mydocker.cli.verb import argument, switch, verb
from mydocker.engine.catalog.images import Image, find
from mydocker.engine.view import human

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.images.config import History

_COLUMNS = {"ID": "IMAGE", "CreatedSince": "CREATED", "CreatedBy": "CREATED BY", "Size": "SIZE", "Comment": "COMMENT"}
_WIDTH = 45


@verb(
    switch("-q", "--quiet", help="Only ids."),
    switch("--no-trunc", help="Whole ids and commands."),
    switch("-H", "--human/--no-human", "for_people", default=True, help="Sizes and times for people [true]."),
    FORMAT,
    switch("--tree", help="Draw the layers: what each adds, changes and hides."),
    argument("name", "IMAGE"),
)
def history(session: Session, quiet: bool, no_trunc: bool, for_people: bool, form: str | None, tree: bool, name: str) -> None:
    """Show an image's history, the newest first.

    Example: mydocker history --no-trunc busybox
    """
    image = find(session.paths, name)
    if tree:
        _draw(session, image)
        return
    rows = _rows(image, no_trunc, for_people)
    if quiet:
        echo("\n".join(str(row["ID"]) for row in rows))
    else:
        print_rows(rows, _COLUMNS, form, {"CreatedAt": "CREATED AT"})


def _draw(session: Session, image: Image) -> None:
    from mydocker.engine.view.layertree import image_tree  # the table does not need it
    from mydocker.engine.view.tree import lines_of

    echo(lines_of(image_tree(session.paths, image)))


def _rows(image: Image, whole: bool, for_people: bool) -> list[dict[str, str]]:
    """Return a row for each entry of the history. An image without any entry gets a row for each layer."""
    entries: list[History] = image.document["history"] or [{} for _ in image.layers]
    sizes = iter(image.sizes)
    rows = []
    for entry in entries:
        size = 0 if entry.get("empty_layer") else next(sizes, 0)
        created, command = entry.get("created", ""), entry.get("created_by", "")
        shown = command if whole or len(command) <= _WIDTH else command[: _WIDTH - 1] + "…"
        since = human.since(created)
        rows.append(
            {
                "ID": "<missing>",
                "CreatedSince": since if for_people else created,
                "CreatedAt": created,
                "CreatedBy": shown,
                "Size": human.size(size) if for_people else str(size),
                "Comment": entry.get("comment", ""),
            }
        )
    rows.reverse()
    for row in rows[:1]:
        row["ID"] = f"sha256:{image.id}" if whole else image.id[:12]
    return rows
