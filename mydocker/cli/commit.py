"""The verbs commit and export."""

from __future__ import annotations

import os
import sys

import click

from mydocker.cli.base import Session, Verb, explain_option
from mydocker.cli.execution import runner
from mydocker.cli.images import change_option, print_id
from mydocker.engine.container import snapshots
from mydocker.engine.record import containers, events
from mydocker.engine.transfer.outfile import write_whole
from mydocker.errors import BadInput
from mydocker.images.reference import Reference, parse_name
from mydocker.storage.drivers import driver


@click.command(cls=Verb)
@click.option("-a", "--author", default="", metavar="NAME", help="Author in the image and its history.")
@click.option("-m", "--message", default="", metavar="TEXT", help="Comment in the image's history.")
@click.option("-p", "--pause/--no-pause", default=True, help="Pause the container meanwhile, so that its files are of one moment [true].")
@change_option
@explain_option
@click.argument("container")
@click.argument("name", metavar="[REPOSITORY[:TAG]|IMAGE.tar]", required=False)
@click.pass_obj
def commit(session: Session, author: str, message: str, pause: bool, changes: tuple[str, ...], container: str, name: str | None) -> None:
    """Make an image of what a container changed; IMAGE.tar also writes its whole root file system to that file.

    Example: mydocker commit -m 'with vim' web web:vim
    """
    record = containers.load(session.paths, containers.resolve(session.paths, container))
    storage = driver(record["storageDriver"], session.paths)
    options = snapshots.CommitOptions(changes=changes, author=author, message=message, pause=pause)
    image_id = snapshots.commit(session.paths, storage, record, reference_for(name), options, runner(session))
    print_id(image_id)
    if image_id:
        events.of_container(session.paths, record, "commit", comment=message, imageID=f"sha256:{image_id}")
    if name and name.endswith(".tar") and not session.dry_run:
        write_whole(name, lambda file: snapshots.export(session.paths, storage, record, file))


def reference_for(name: str | None) -> Reference | None:
    """Return the name that an image gets, or None. For IMAGE.tar, which is the seed's, it is the file's name without .tar."""
    if name is None:
        return None
    return parse_name(os.path.basename(name).removesuffix(".tar") if name.endswith(".tar") else name)


@click.command(cls=Verb)
@click.option("-o", "--output", metavar="FILE", help="Write to a file instead of standard output.")
@click.argument("container")
@click.pass_obj
def export(session: Session, output: str | None, container: str) -> None:
    """Write a container's root file system as a tar, volumes left out.

    Example: mydocker export -o web.tar web
    """
    if output is None and sys.stdout.isatty():
        raise BadInput("cowardly refusing to save to a terminal", "use -o FILE, or redirect")
    record = containers.load(session.paths, containers.resolve(session.paths, container))
    storage = driver(record["storageDriver"], session.paths)
    if output is not None:
        write_whole(output, lambda file: snapshots.export(session.paths, storage, record, file))
    else:
        snapshots.export(session.paths, storage, record, sys.stdout.buffer)
    events.of_container(session.paths, record, "export")
