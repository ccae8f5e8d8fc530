"""The verbs volume create, ls and rm."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.rows import FORMAT, filter_option, print_rows
from mydocker.cli.verb import OPTIONAL, SOME, argument, meaningless, option, refused, switch, verb
from mydocker.engine.record import filters
from mydocker.engine.record.containers import new_id
from mydocker.engine.record.names import check_name
from mydocker.engine.request import values
from mydocker.engine.view import choosing
from mydocker.engine.volume import options as volume_options
from mydocker.engine.volume import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cli.rows import Row
    from mydocker.engine.volume.volumes import Volume

_CLUSTER = ("--availability", "--group", "--limit-bytes", "--required-bytes", "--scope", "--secret", "--sharing", "--type")
_TOPOLOGY = ("--topology-preferred", "--topology-required")


@verb(
    option("--name", "old_name", is_hidden=True, help="docker's old spelling of VOLUME."),
    meaningless("-d", "--driver", why="there is no other one", values=("local", "")),
    option("-o", "--opt", "options", metavar="KEY=VALUE", many=True, help="type=FILE-SYSTEM, device=WHAT, o=OPTIONS, as in mount(8)."),
    *(refused(name, why="there are no volumes of Swarm") for name in (*_CLUSTER, *_TOPOLOGY)),
    option("--label", "labels", metavar="KEY[=VALUE]", many=True, help="Set a label."),
    *EXPLAIN,
    argument("name", count=OPTIONAL),
)
def create(session: Session, /, old_name: str | None, labels: tuple[str, ...], options: tuple[str, ...], name: str | None) -> None:
    """Make a volume, unless there is one of that name.

    Example: mydocker volume create data
    """
    name = old_name if name is None else name
    if name is not None:
        check_name(name)
    chosen = name or new_id()
    marks, wanted = dict(values.pair(label) for label in labels), volume_options.parse(options)
    volumes.create(runner(session), volumes.create_steps(session.paths, chosen, marks, name is None, wanted))
    _done(session, chosen)


def _done(session: Session, text: str) -> None:
    """Print what was done, unless this is a dry run."""
    if not session.dry_run:
        echo(text)


_COLUMNS = {"Driver": "DRIVER", "Name": "VOLUME NAME"}
_OTHER_HEADINGS = {"Labels": "LABELS", "Mountpoint": "MOUNTPOINT", "Scope": "SCOPE"}
# docker says the first two in `system df -v` only, as we do, and the others of volumes of Swarm.
_NOT_HERE = dict.fromkeys(("Links", "Size", "Availability", "Group", "Status"), "N/A")
_OTHER_HEADINGS |= {name: name.upper() for name in _NOT_HERE}


@verb(
    switch("-q", "--quiet", help="Print names only."),
    refused("--cluster", why="there are no volumes of Swarm", takes_value=False),
    filter_option("dangling=true|false, driver=local, name=PART, label=KEY[=VALUE]"),
    FORMAT,
    name="ls",
)
def list_(session: Session, quiet: bool, texts: tuple[str, ...], form: str | None) -> None:
    """List volumes.

    Example: mydocker volume ls
    """
    fits = filters.parse(texts, choosing.volumes(session.paths), choosing.DANGLING)
    rows = [_row(session, *each) for each in volumes.every(session.paths) if fits(each[0])]
    if quiet:
        echo("".join(f"{row['Name']}\n" for row in rows), end="")
    else:
        print_rows(rows, _COLUMNS, form, _OTHER_HEADINGS)


def _row(session: Session, volume: Volume, is_damaged: bool) -> Row:
    return {
        "Driver": "damaged" if is_damaged else "local",
        "Name": volume["name"],
        "Mountpoint": f"{volumes.directory(session.paths, volume['name'])}/_data",
        "Scope": "local",
        **_NOT_HERE,
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(volume["labels"].items())),
    }


@verb(
    switch("-f", "--force", help="Also a damaged one; say nothing about those that do not exist."),
    *EXPLAIN,
    argument("names", "VOLUME...", SOME),
)
def remove(session: Session, force: bool, names: tuple[str, ...]) -> int:
    """Remove volumes that no container mounts.

    Example: mydocker volume rm data
    """

    def one(name: str) -> None:
        if not force or name in volumes.names(session.paths):
            runner(session).execute(volumes.remove_steps(session.paths, name, force))
        _done(session, name)

    return each(names, one)
