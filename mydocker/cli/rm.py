"""rm and container prune."""

from __future__ import annotations

import click

from mydocker import store
from mydocker.cli import human
from mydocker.cli.base import Session, Verb, complain, each, explain_option
from mydocker.cli.execution import runner
from mydocker.cli.rows import filter_option
from mydocker.engine import containers, events, filters, life, remove, restart, state
from mydocker.errors import Conflict, Error, NotFound
from mydocker.steps.base import Action


@click.command(cls=Verb)
@click.option("-f", "--force", is_flag=True, help="End a running container first (SIGKILL).")
@click.option("-v", "--volumes", is_flag=True, help="Remove its anonymous volumes too.")
@explain_option
@click.argument("names", nargs=-1, required=True, metavar="CONTAINER...")
@click.pass_obj
def rm(session: Session, force: bool, volumes: bool, names: tuple[str, ...]) -> int:
    """Remove containers.

    Example: mydocker rm -f web
    """

    def one(name: str) -> None:
        try:
            container_id = containers.resolve(session.paths, name)
        except NotFound:
            if force:
                return complain(f"no such container: {name}")
            raise
        runner(session).apply(_removal(session, container_id, name, force, volumes))
        if not session.dry_run:
            click.echo(name)

    return each(names, one)


def _removal(session: Session, container_id: str, name: str, force: bool, volumes: bool) -> Action:
    text = f"remove container {container_id[:12]}: its cgroup, state, name, writable layer and record"
    return Action(lambda: _remove(session, container_id, name, force, volumes), text)


def _remove(session: Session, container_id: str, name: str, force: bool, volumes: bool) -> None:
    paths = session.paths
    if state.running_pid(paths, container_id) or restart.is_waiting(paths, containers.load(paths, container_id)):
        if not force:
            raise Conflict(f"container {name} is running", "stop it first, or use rm -f")
        life.end(paths, container_id)
    problems: list[Error] = []
    try:
        with store.Lock(paths.container(container_id) + "/lock"):
            record = containers.load(paths, container_id)
            problems = remove.runtime_state(paths, container_id) + remove.container(paths, record, volumes)
    except (FileNotFoundError, NotFound):
        return  # it was run with --rm, and its monitor was faster
    if problems:
        raise problems[0]


@click.command(cls=Verb)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@filter_option("label=KEY[=VALUE], label!=KEY[=VALUE]", "")
@explain_option
@click.pass_obj
def prune(session: Session, force: bool, texts: tuple[str, ...]) -> int:
    """Remove all containers that do not run; their anonymous volumes stay.

    Example: mydocker container prune -f
    """
    from mydocker.cli.ps import records
    from mydocker.engine.sizes import written

    fits = filters.parse(texts, filters.label_tests(lambda record: record["config"]["Labels"]))
    doomed = {r["id"]: r for r in records(session) if state.status(session.paths, r) in ("created", "exited") and fits(r)}
    if not force and not session.dry_run and not click.confirm("WARNING! This removes all containers that do not run. Go on?"):
        return 0
    reclaimed = 0
    deleted: list[str] = []

    def one(container_id: str) -> None:
        nonlocal reclaimed
        size = written(session.paths, doomed[container_id])
        runner(session).apply(_removal(session, container_id, doomed[container_id]["name"], False, False))
        reclaimed += size
        deleted.append(container_id)

    status = each(tuple(doomed), one)
    if not session.dry_run:
        click.echo("".join(f"{line}\n" for line in ["Deleted Containers:", *deleted, ""]) if deleted else "", nl=False)
        events.emit(session.paths, "container", "prune", "", {"reclaimed": reclaimed})
        click.echo(f"Total reclaimed space: {human.size(reclaimed)}")
    return status
