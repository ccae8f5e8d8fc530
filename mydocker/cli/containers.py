"""Verbs on containers that are there: ps, rm."""

from __future__ import annotations

import click

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cli.base import Session, Verb, complain, each, explain_option
from mydocker.cli.human import since
from mydocker.cli.table import table
from mydocker.engine import containers, life, remove, state
from mydocker.engine.orphans import half_made
from mydocker.errors import Conflict, Error, NotFound

_HEADINGS = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")


@click.command(cls=Verb)
@click.option("-a", "--all", "show_all", is_flag=True, help="Show those too that do not run.")
@click.option("-q", "--quiet", is_flag=True, help="Print ids only.")
@click.option("-l", "--latest", is_flag=True, help="Show the one that was created last, whatever its state.")
@click.option("-n", "--last", type=int, default=-1, help="Show the N that were created last, whatever their state.")
@click.option("--no-trunc", is_flag=True, help="Print ids and commands in full.")
@click.pass_obj
def ps(session: Session, show_all: bool, quiet: bool, latest: bool, last: int, no_trunc: bool) -> None:
    """List containers.

    Example: mydocker ps -a
    """
    limit = 1 if latest else last
    rows = []
    layout = Layout.detect(session.paths)
    for record in sorted(_records(session), key=lambda r: r["createTime"], reverse=True)[: limit if limit >= 0 else None]:
        status = state.status(session.paths, record, layout)
        if status in ("running", "paused") or show_all or limit >= 0:
            rows.append(_row(record, status, no_trunc))
    click.echo("\n".join(row[0] for row in rows) if quiet else table([_HEADINGS, *rows]), nl=bool(rows) or not quiet)


def _records(session: Session) -> list[containers.Record]:
    found = []
    for container_id in containers.ids(session.paths):
        if not half_made(session.paths, container_id):
            try:
                found.append(containers.load(session.paths, container_id))
            except NotFound:
                continue  # being made, or just removed by somebody else
    return found


def _row(record: containers.Record, status: str, no_trunc: bool) -> tuple[str, ...]:
    command = " ".join(record["command"])
    if not no_trunc and len(command) > 20:
        command = command[:19] + "…"
    return (
        record["id"] if no_trunc else record["id"][:12],
        record["image"],
        f'"{command}"',
        since(record["createTime"]),
        _status(record, status),
        "",
        record["name"],
    )


def _status(record: containers.Record, status: str) -> str:
    if status in ("running", "paused"):
        return f"Up {since(record['startedAt']).removesuffix(' ago')}{' (Paused)' if status == 'paused' else ''}"
    if status == "exited":
        if not record.get("finishedAt"):
            return "Exited (unknown)"
        return f"Exited ({record['exitCode']}) {since(record['finishedAt'])}"
    return {"removing": "Removal In Progress"}.get(status, "Created")


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
        if session.dry_run or session.explain:
            complain(f"remove container {container_id[:12]}: its cgroup, state, name, writable layer and record")
        if not session.dry_run:
            _remove(session, container_id, name, force, volumes)
        click.echo(name)

    return each(names, one)


def _remove(session: Session, container_id: str, name: str, force: bool, volumes: bool) -> None:
    paths = session.paths
    if state.running_pid(paths, container_id):
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
