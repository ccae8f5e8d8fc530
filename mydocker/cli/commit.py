"""The verbs commit and export."""

from __future__ import annotations

import os
import sys

from mydocker.cli.base import EXPLAIN, Session
from mydocker.cli.execution import runner
from mydocker.cli.imports import CHANGE, print_id
from mydocker.cli.verb import OPTIONAL, argument, option, switch, verb
from mydocker.engine.container import snapshots
from mydocker.engine.record import containers, events
from mydocker.engine.transfer.outfile import write_whole
from mydocker.errors import BadInput
from mydocker.images.reference import Reference, parse_name
from mydocker.steps.base import Action
from mydocker.storage.drivers import driver


@verb(
    option("-a", "--author", metavar="NAME", default="", help="Author in the image and its history."),
    option("-m", "--message", metavar="TEXT", default="", help="Comment in the image's history."),
    switch("-p", "--pause/--no-pause", default=True, help="Pause the container meanwhile, so that its files are of one moment [true]."),
    CHANGE,
    *EXPLAIN,
    argument("container"),
    argument("name", "[REPOSITORY[:TAG]|IMAGE.tar]", OPTIONAL),
)
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


@verb(
    option("-o", "--output", metavar="FILE", help="Write to a file instead of standard output."),
    *EXPLAIN,
    argument("container"),
)
def export(session: Session, output: str | None, container: str) -> None:
    """Write a container's root file system as a tar, volumes left out.

    Example: mydocker export -o web.tar web
    """
    if output is None and sys.stdout.isatty():
        raise BadInput("cowardly refusing to save to a terminal", "use -o FILE, or redirect")
    record = containers.load(session.paths, containers.resolve(session.paths, container))
    storage, run = driver(record["storageDriver"], session.paths), runner(session)
    if output is not None and not session.dry_run:
        write_whole(output, lambda file: snapshots.export(session.paths, storage, record, file, run))
    else:
        snapshots.export(session.paths, storage, record, sys.stdout.buffer, run)
    told = f"write 'export' of container {record['name']} into events.json"
    run.apply(Action(lambda: events.of_container(session.paths, record, "export"), told))
