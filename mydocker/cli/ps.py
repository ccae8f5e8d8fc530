"""The verb ps: list containers."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, echo
from mydocker.cli.reading import read
from mydocker.cli.rows import FORMAT, print_rows
from mydocker.cli.verb import ANY_INTEGER, option, switch, verb
from mydocker.engine.connection import view
from mydocker.engine.record import containers, filters
from mydocker.engine.view import human
from mydocker.engine.view.listing import ALIVE, Listed, networks_of, newest_first, sizes, status_text
from mydocker.images.config import host_platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.cli.rows import Row
    from mydocker.engine.record.containers import Record

_COLUMNS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Ports": "PORTS",
    "Names": "NAMES",
}
_OTHER_HEADINGS = {
    "CreatedAt": "CREATED AT",
    "State": "STATE",
    "Size": "SIZE",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "Networks": "NETWORKS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Platform": "PLATFORM",
}
# The heading of {{.Label "tier"}} in a table.
_LABEL_HEADING = {"Label": lambda name: name}


@verb(
    switch("-a", "--all", "show_all", help="Show those too that do not run."),
    switch("-q", "--quiet", help="Print ids only."),
    switch("-l", "--latest", help="Show the one that was created last, whatever its state."),
    option("-n", "--last", default=-1, integers=ANY_INTEGER, help="Show the N that were created last, whatever their state."),
    switch("-s", "--size", help="Show how much each has written."),
    switch("--no-trunc", help="Print ids and commands in full."),
    option(
        "-f",
        "--filter",
        "texts",
        metavar="KEY=VALUE",
        many=True,
        help="id, name, label, status, exited, health, ancestor, volume, network, before, since.",
    ),
    FORMAT,
    EXPLAIN[0],
)
def ps(
    session: Session,
    show_all: bool,
    quiet: bool,
    latest: bool,
    last: int,
    size: bool,
    no_trunc: bool,
    texts: tuple[str, ...],
    form: str | None,
) -> None:
    """List containers.

    Example: mydocker ps -a --filter status=exited
    """
    limit = 1 if latest else last
    everything = show_all or limit >= 0 or any(text.startswith("status=") for text in texts)
    fits = _filter(session, texts)
    every = read(session, lambda: newest_first(session.paths, everything), _where(session))
    found = [each for each in every if (everything or each.status in ALIVE) and fits(each)]
    wants_size = size or ".Size" in (form or "")
    shown = found[: limit if limit >= 0 else None]
    where = f"read {session.paths.state}/ID/network.json for the ports{', and measure the writable layers' if wants_size else ''}"
    is_usual = not wants_size and form in (None, "", "table")

    def fields(each: Listed) -> Row:
        return _usual(session, each, no_trunc) if is_usual else row(session, each, wants_size, no_trunc)

    rows = read(session, lambda: [fields(each) for each in shown], where)
    if quiet:
        echo("".join(f"{each['ID']}\n" for each in rows), end="")
    else:
        print_rows(rows, {**_COLUMNS, **({"Size": "SIZE"} if size else {})}, form, {**_OTHER_HEADINGS, **_LABEL_HEADING})


def _filter(session: Session, texts: tuple[str, ...]) -> Callable[[Listed], bool]:
    if not texts:
        return lambda each: True
    from mydocker.engine.view import containerfilters  # imported here, because most lists are not filtered

    return filters.parse(texts, containerfilters.tests(session.paths), containerfilters.CHECKS)


def _where(session: Session) -> str:
    paths = session.paths
    running = f"of each in {paths.state}/*/state.json whether {paths.proc}/PID/stat has its start time"
    return f"read {paths.containers}/*/config.json, and {running}"


def listed(session: Session, size: bool) -> list[Row]:
    """Return the fields of a line for each container, the newest first. size: whether to measure what each has written."""
    return [row(session, each, size, False) for each in newest_first(session.paths)]


def records(session: Session) -> list[Record]:
    """Return the records of all containers that can be read."""
    return containers.every(session.paths)


def row(session: Session, each: Listed, size: bool, no_trunc: bool) -> Row:
    """Return all fields of one line, by docker's names. size: whether to measure what the container has written."""
    record, labels = each.record, each.record["config"]["Labels"]
    volumes = [mount for mount in record["mounts"] if mount["type"] == "volume"]
    return {
        **_usual(session, each, no_trunc),
        "CreatedAt": human.clock(record["createTime"]),
        "State": each.status,
        "Size": _size(session, record) if size else "",
        "Label": lambda name: labels.get(name, ""),
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        "Mounts": ",".join(_shortened(mount["name"] or mount["source"], no_trunc) for mount in record["mounts"]),
        "Networks": ",".join(networks_of(record)),
        "LocalVolumes": str(len(volumes)),
        "Platform": host_platform(),
    }


def _usual(session: Session, each: Listed, no_trunc: bool) -> dict[str, str]:
    """Return the fields of the usual table alone: the others take as long again, which a list of 200 shows."""
    record = each.record
    command = " ".join(f"'{word}'" if " " in word else word for word in record["command"])
    if not no_trunc and len(command) > 20:
        command = command[:19] + "…"
    return {
        "ID": record["id"] if no_trunc else record["id"][:12],
        "Image": record["image"],
        "Command": f'"{command}"',
        "RunningFor": human.since(record["createTime"]),
        "Ports": view.column(each.ports(session.paths)),
        "Status": status_text(each),
        "Names": record["name"],
    }


def _size(session: Session, record: Record) -> str:
    """Return the size of what a container has written, and the size with its image's layers, if the image is there."""
    own, whole = sizes(session.paths, record)
    return human.size(own) if whole is None else f"{human.size(own)} (virtual {human.size(whole)})"


def _shortened(text: str, no_trunc: bool) -> str:
    return text if no_trunc or len(text) <= 15 else text[:14] + "…"
