"""volume create, ls, rm, inspect, prune."""

from __future__ import annotations

import json
from typing import Any

import click

from mydocker.cli.base import Session, Verb, each, explain_option
from mydocker.cli.execution import runner
from mydocker.cli.human import size as human_size
from mydocker.cli.table import table
from mydocker.engine import values, volumes
from mydocker.engine.containers import check_name, new_id
from mydocker.errors import BadInput


@click.command(cls=Verb)
@click.option("--label", "labels", multiple=True, metavar="KEY[=VALUE]", help="Set a label.")
@explain_option
@click.argument("name", required=False)
@click.pass_obj
def create(session: Session, labels: tuple[str, ...], name: str | None) -> None:
    """Make a volume, unless there is one of that name.

    Example: mydocker volume create data
    """
    if name is not None:
        check_name(name)
    chosen = name or new_id()
    runner(session).execute(volumes.create_steps(session.paths, chosen, dict(values.pair(label) for label in labels), name is None))
    _done(session, chosen)


def _done(session: Session, text: str) -> None:
    """Print what was done, unless it was only told."""
    if not session.dry_run:
        click.echo(text)


@click.command(cls=Verb)
@click.option("-q", "--quiet", is_flag=True, help="Print names only.")
@click.option("-f", "--filter", "filters", multiple=True, metavar="KEY=VALUE", help="dangling=true|false, name=PART or label=KEY[=VALUE].")
@click.pass_obj
def list_(session: Session, quiet: bool, filters: tuple[str, ...]) -> None:
    """List volumes.

    Example: mydocker volume ls
    """
    found = [name for name in volumes.names(session.paths) if _passes(session, name, filters)]
    if quiet:
        click.echo("".join(name + "\n" for name in found), nl=False)
    else:
        click.echo(table([("DRIVER", "VOLUME NAME"), *(("local", name) for name in found)]))


def _passes(session: Session, name: str, filters: tuple[str, ...]) -> bool:
    """Say whether a volume has one of the names asked for and passes every other filter, as docker's."""
    parts = [text.removeprefix("name=") for text in filters if text.startswith("name=")]
    others = [text for text in filters if not text.startswith("name=")]
    return (not parts or any(part in name for part in parts)) and all(_matches(session, name, text) for text in others)


def _matches(session: Session, name: str, text: str) -> bool:
    key, _, value = text.partition("=")
    if key == "dangling" and value in ("true", "false"):
        return (not volumes.users(session.paths, name)) == (value == "true")
    if key == "label":
        wanted, equals, content = value.partition("=")
        labels = volumes.load(session.paths, name)["labels"]
        return wanted in labels and (not equals or labels[wanted] == content)
    raise BadInput(f"invalid filter {text!r}: expected dangling=true|false, name=PART or label=KEY[=VALUE]")


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


@click.command(cls=Verb)
@click.argument("names", nargs=-1, required=True, metavar="VOLUME...")
@click.pass_obj
def inspect(session: Session, names: tuple[str, ...]) -> int:
    """Print volumes as JSON.

    Example: mydocker volume inspect data
    """
    found: list[dict[str, Any]] = []
    status = each(names, lambda name: found.append(_inspected(session, name)))
    click.echo(json.dumps(found, indent=4))
    return status


def _inspected(session: Session, name: str) -> dict[str, Any]:
    record = volumes.load(session.paths, name)
    return {
        "CreatedAt": record["createdAt"],
        "Driver": "local",
        "Labels": record["labels"] or None,
        "Mountpoint": f"{volumes.directory(session.paths, name)}/_data",
        "Name": name,
        "Options": None,
        "Scope": "local",
    }


@click.command(cls=Verb)
@click.option("-a", "--all", "everything", is_flag=True, help="Remove named volumes too.")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@explain_option
@click.pass_obj
def prune(session: Session, everything: bool, force: bool) -> None:
    """Remove the anonymous volumes that no container mounts.

    Example: mydocker volume prune -f
    """
    kind = "all volumes" if everything else "all anonymous volumes"
    if not force and not session.dry_run and not click.confirm(f"WARNING! This removes {kind} that no container mounts. Go on?"):
        return
    doomed = [name for name in volumes.names(session.paths) if everything or volumes.load(session.paths, name)["anonymous"]]
    doomed = [name for name in doomed if not volumes.users(session.paths, name)]
    reclaimed = sum(volumes.size(session.paths, name) for name in doomed)
    for name in doomed:
        runner(session).execute(volumes.remove_steps(session.paths, name))
    if doomed:
        _done(session, "Deleted Volumes:\n" + "\n".join(doomed) + "\n")
    _done(session, f"Total reclaimed space: {human_size(reclaimed)}")
