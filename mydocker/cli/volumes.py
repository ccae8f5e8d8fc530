"""The verbs volume create, ls and rm."""

from __future__ import annotations

import click

from mydocker.cli.base import Session, Verb, each, explain_option
from mydocker.cli.execution import runner
from mydocker.cli.rows import Row, filter_option, format_option, print_rows
from mydocker.engine.record import filters
from mydocker.engine.record.containers import check_name, new_id
from mydocker.engine.request import values
from mydocker.engine.volume import volumes


@click.command(cls=Verb)
@click.option("--name", "old_name", hidden=True, help="docker's old spelling of VOLUME.")
@click.option("--label", "labels", multiple=True, metavar="KEY[=VALUE]", help="Set a label.")
@explain_option
@click.argument("name", required=False)
@click.pass_obj
def create(session: Session, old_name: str | None, labels: tuple[str, ...], name: str | None) -> None:
    """Make a volume, unless there is one of that name.

    Example: mydocker volume create data
    """
    name = old_name if name is None else name
    if name is not None:
        check_name(name)
    chosen = name or new_id()
    runner(session).execute(volumes.create_steps(session.paths, chosen, dict(values.pair(label) for label in labels), name is None))
    _done(session, chosen)


def _done(session: Session, text: str) -> None:
    """Print what was done, unless this is a dry run."""
    if not session.dry_run:
        click.echo(text)


_COLUMNS = {"Driver": "DRIVER", "Name": "VOLUME NAME"}
_OTHER_HEADINGS = {"Labels": "LABELS", "Mountpoint": "MOUNTPOINT", "Scope": "SCOPE"}


@click.command("ls", cls=Verb)
@click.option("-q", "--quiet", is_flag=True, help="Print names only.")
@filter_option("dangling=true|false, driver=local, name=PART, label=KEY[=VALUE]")
@format_option
@click.pass_obj
def list_(session: Session, quiet: bool, texts: tuple[str, ...], form: str | None) -> None:
    """List volumes.

    Example: mydocker volume ls
    """
    fits = filters.parse(texts, _tests(session), {"dangling": filters.one_of("dangling", "true", "false")})
    rows = [_row(session, name) for name in volumes.names(session.paths) if fits(name)]
    if quiet:
        click.echo("".join(f"{row['Name']}\n" for row in rows), nl=False)
    else:
        print_rows(rows, _COLUMNS, form, _OTHER_HEADINGS)


def _tests(session: Session) -> filters.Tests:
    return {
        "dangling": lambda name, text: (not volumes.users(session.paths, name)) == (text == "true"),
        "name": lambda name, part: part in name,
        "driver": lambda name, driver: driver == "local",
        "label": lambda name, text: filters.has_label(volumes.load(session.paths, name)["labels"], text),
    }


def _row(session: Session, name: str) -> Row:
    document = volumes.document(session.paths, name)
    labels = ",".join(f"{key}={value}" for key, value in sorted(document["Labels"].items()))
    return {**{key: document[key] for key in ("Driver", "Name", "Mountpoint", "Scope")}, "Labels": labels}


@click.command(cls=Verb)
@click.option("-f", "--force", is_flag=True, help="Say nothing about volumes that do not exist.")
@explain_option
@click.argument("names", nargs=-1, required=True, metavar="VOLUME...")
@click.pass_obj
def remove(session: Session, force: bool, names: tuple[str, ...]) -> int:
    """Remove volumes that no container mounts.

    Example: mydocker volume rm data
    """

    def one(name: str) -> None:
        if not force or name in volumes.names(session.paths):
            runner(session).execute(volumes.remove_steps(session.paths, name))
        _done(session, name)

    return each(names, one)
