"""The verb cp: copy files between the host and a container."""

from __future__ import annotations

import sys

from mydocker.cli.base import EXPLAIN, Session
from mydocker.cli.execution import runner
from mydocker.cli.verb import argument, switch, verb
from mydocker.engine.container import archive as archive_of
from mydocker.engine.container import copy, sides
from mydocker.engine.record import containers, events
from mydocker.errors import BadInput
from mydocker.steps.base import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedReader

    from mydocker.steps.base import Run


@verb(
    switch("-a", "--archive", help="Keep owners, as numbers."),
    switch("-L", "--follow-link", help="Copy what a symlink SOURCE means."),
    switch("-q", "--quiet", help="Print nothing, which it does anyway."),
    *EXPLAIN,
    argument("source", "[CONTAINER:]SOURCE|-"),
    argument("target", "[CONTAINER:]TARGET|-"),
)
def cp(session: Session, /, archive: bool, follow_link: bool, quiet: bool, source: str, target: str) -> None:
    """Copy files and directories between a container and the host; - is a tar on standard input or output.

    Example: mydocker cp web:/etc/hosts .
    """
    (from_name, path), (to_name, destination) = _split(source), _split(target)
    if bool(from_name) == bool(to_name):
        raise BadInput(f"cannot copy {source!r} to {target!r}: expected one of them to be CONTAINER:PATH")
    record = containers.load(session.paths, containers.resolve(session.paths, from_name or to_name))

    def work(inside: sides.Container, run: Run) -> None:
        if target == "-":
            copy.to_stream(inside, path, follow_link, sys.stdout.buffer, run)
        elif source == "-":
            stdin: BufferedReader = sys.stdin.buffer  # type: ignore[assignment]  # typeshed says BinaryIO
            copy.from_stream(stdin, inside, destination, run)
        else:
            ends = (inside, sides.Host()) if from_name else (sides.Host(), inside)
            # As with docker, what comes out belongs to the caller, and what goes in keeps its owners where they mean the same.
            keep = archive or (bool(to_name) and record["hostConfig"]["UsernsMode"] in ("", "host"))
            copy.copy(ends[0], path, ends[1], destination, follow_link, keep, run)
        done, where = ("archive-path", path) if from_name else ("extract-to-dir", destination)
        text = f"write {done!r} of container {record['name']} into events.json"
        run.apply(Action(lambda: events.of_container(session.paths, record, done, path=where), text))

    archive_of.reach(session.paths, record, lambda inside: work(inside, runner(session)))


def _split(text: str) -> tuple[str, str]:
    """Return (container, path). The container is '' for a path of the host. A path with a colon must begin with a slash or a dot."""
    name, colon, path = text.partition(":")
    if not colon or text.startswith(("/", ".")):
        return "", text
    if not path:
        raise BadInput(f"invalid path {text!r}: expected CONTAINER:PATH")
    return name, path
